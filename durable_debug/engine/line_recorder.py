"""Records the lines of the user's code that a pass runs, or holds the pass at one of them."""

from __future__ import annotations

import dis
import functools
import inspect
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine.line_trace import GONE, Activation, LineTrace
from durable_debug.engine.sdk import ReplayContext
from durable_debug.engine.users_code import is_users
from durable_debug.engine.value_copies import copied, is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from durable_debug.engine.call import Call

__all__ = ["LineRecorder", "is_traced"]

_MOST_LINES = 200_000
_CODE_OF_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@functools.cache
def is_traced(file: str) -> bool:
    """Whether lines of a file are the user's, and can be shown: what a library has made of text can't."""
    return is_users(file) and (not file.startswith("<") or file.startswith("<ipython"))


class LineRecorder:
    """Writes a `LineTrace`. Its `trace` is what `sys.settrace` is given, in each thread that runs the handler.

    Parameters
    ----------
    values
        Whether variables are noted, too.
    held
        Called before each line with its index and its frame.
    """

    def __init__(self, *, values: bool = True, held: Callable[[int, FrameType], None] | None = None) -> None:
        self.found = LineTrace()
        self._values = values
        self._held = held
        self._frames: dict[FrameType, Activation] = {}
        self._last: dict[int, dict[str, Any]] = {}  # by activation, copies of its variables as they were last
        self._seen_already: set[FrameType | None] = set()  # bodies that the SDK runs once more
        self._here = threading.local()
        self._lock = threading.Lock()
        self.trace = self._tracer()

    def _tracer(self) -> Callable[[FrameType, str, Any], Any]:
        traced: dict[str, bool] = {}
        begin = self._begin

        def called(frame: FrameType, event: str, _: Any) -> Any:
            file = frame.f_code.co_filename
            known = traced.get(file)
            if known is None:
                known = traced[file] = is_traced(file)
            return begin(frame, event) if known else None

        return called

    def _begin(self, frame: FrameType, _: str) -> Any:
        activation = self._frames.get(frame)  # a generator that goes on
        if activation is None:
            with self._lock:
                activation = self._new(frame)
        if activation is None:
            return None
        found, lines, of = self.found, self.found.lines, self.found.of
        number, steps, held = activation.number, activation.steps, self._held
        note = self._note if self._values else None

        def traced(frame: FrameType, event: str, arg: Any) -> Any:
            if event == "line":
                index = len(lines)
                if index >= _MOST_LINES:
                    found.is_whole = False
                    return None
                if note is not None:
                    note(activation, frame, index)
                lines.append(frame.f_lineno)
                of.append(number)
                steps.append(index)
                if held is not None:
                    held(index, frame)
            elif event == "return":
                self._end(activation, frame, arg)
            elif event == "exception":
                activation.outcome = ("raised", f"{arg[0].__name__}: {_text(arg[1])}")
            return traced

        return traced

    def _new(self, frame: FrameType) -> Activation | None:
        code, caller = frame.f_code, frame.f_back
        while caller is not None and caller not in self._frames and caller not in self._seen_already:
            caller = caller.f_back
        if caller in self._seen_already or any(map(_is_silent, frame.f_locals.values())):
            self._seen_already.add(frame)
            return None
        activation = Activation(
            len(self.found.activations),
            code.co_qualname,
            code.co_filename,
            code.co_firstlineno,
            (*code.co_varnames, *code.co_cellvars, *code.co_freevars),
            self._frames[caller].number if caller is not None else getattr(self._here, "outside", None),
        )
        self.found.activations.append(activation)
        self._frames[frame] = activation
        self._last[activation.number] = {}
        return activation

    def _note(self, activation: Activation, frame: FrameType, index: int) -> None:
        last, values, now = self._last[activation.number], activation.values, frame.f_locals
        for name, value in now.items():
            if name in last and is_same(last[name], value):
                continue
            copy = last[name] = copied(value)
            values.setdefault(name, []).append((index, copy))
        if len(last) > len(now):
            for name in last.keys() - now.keys():
                del last[name]
                values[name].append((index, GONE))

    def _end(self, activation: Activation, frame: FrameType, value: Any) -> None:
        index = len(self.found.lines)
        if self._values:
            self._note(activation, frame, index)
        if frame.f_code.co_flags & _CODE_OF_GENERATORS and _is_left(frame):
            return
        activation.ended = index
        if activation.outcome is None or value is not None:
            activation.outcome = ("returned", copied(value) if self._values else None)
        self._frames.pop(frame, None)
        self._last.pop(activation.number, None)

    def frames_around(self, frame: FrameType | None) -> Iterator[FrameType]:
        """Give the user's frames on the stack, the innermost first; those of a branch go on with the call of its map."""
        number: int | None = None
        while frame is not None:
            if frame in self._frames:
                number = self._frames[frame].number
                yield frame
            frame = frame.f_back
        by_number = {activation.number: held for held, activation in self._frames.items()}
        while number is not None:
            number = self.found.activations[number].caller
            if number is not None and number in by_number:
                yield from self.frames_around(by_number[number])
                return

    def asked(self, call: Call, frame: FrameType | None) -> None:
        """Note that an operation is asked for, from the line that ran last."""
        asked, last, number = self.found.asked, max(0, len(self.found.lines) - 1), call.seq
        asked.extend([last] * (number + 1 - len(asked)))
        while frame is not None and frame not in self._frames:
            frame = frame.f_back
        activation = self._frames.get(frame) if frame is not None else None
        if call.kind == "branch":  # what this thread runs from now on belongs to the call of the map
            self._here.outside = activation.number if activation is not None else None
        if activation is None or not self.found.is_whole or self.found.of[last] != activation.number:
            self.found.asked_elsewhere.add(number)
        elif self._values and frame is not None:
            self._note(activation, frame, last)


def _is_silent(value: Any) -> bool:
    """Whether it is the context of a body that was looked into, and that the SDK now runs again."""
    return isinstance(value, ReplayContext) and value.is_seen_already


def _is_left(frame: FrameType) -> bool:
    """Whether a generator is left at a ``yield`` or ``await``, and may go on."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in {
        "YIELD_VALUE",
        "SEND",
        "INSTRUMENTED_YIELD_VALUE",
    }


def _text(error: Any) -> str:
    try:
        return str(error)[:200]
    except Exception:  # noqa: BLE001 - the user's own
        return ""
