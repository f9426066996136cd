"""Which lines of the user's code replays have taken, and from which to which: as coverage.py counts them.

Counting is switched on for a process. Only what Lambda would do counts: the strict pass, and
what modules do when they are imported. Bodies of steps do not run in a replay, but those of operations that are on record
did run on Lambda; which of their lines, nobody knows: they are told apart.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import sys
import threading
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Arc", "Lines", "count", "counted", "new", "note_bodies", "replayed"]

_T = TypeVar("_T")
Arc = tuple[int, int]
"""From one line to the next; entering and leaving code is a negative number, that of its first line."""

_RESUME = dis.opmap["RESUME"]
_YIELDS = {code for name, code in dis.opmap.items() if name in {"YIELD_VALUE", "INSTRUMENTED_YIELD_VALUE"}}
_LEFT_AND_GONE_ON_WITH = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_MOST_REACHED = 2_000  # functions from one body


@dataclass
class Lines:
    """What was taken.

    Attributes
    ----------
    arcs
        By file, from where to where.
    bodies
        By file, lines of bodies that ran on Lambda, and of what they can reach.
    """

    arcs: dict[str, set[Arc]] = field(default_factory=dict)
    bodies: dict[str, set[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.arcs or self.bodies)

    def count(self) -> int:
        """How much it is: of what only grows, whether it has grown."""
        return sum(map(len, self.arcs.values())) + sum(map(len, self.bodies.values()))

    def add(self, other: Lines) -> Lines:
        """Take more; give what of it is new."""
        return Lines(_grown(self.arcs, other.arcs), _grown(self.bodies, other.bodies))


def _grown(known: dict[str, set[_T]], other: dict[str, set[_T]]) -> dict[str, set[_T]]:
    """Add to what is known; give what of it is new."""
    fresh = {}
    for file, found in other.items():
        mine = known.setdefault(file, set())
        if left := found - mine:
            mine |= left
            fresh[file] = left
    return fresh


class _Counter:
    """Counts, in the threads that are told to."""

    def __init__(self) -> None:
        self.taken = Lines()
        self.told = Lines()
        self.on = True
        self.in_pass = False
        self.known_bodies: set[types.CodeType] = set()
        self._files: dict[str, set[Arc] | None] = {}

    def arcs_of(self, file: str) -> set[Arc] | None:
        """Where to note what a file's code does; None where it is not the user's, or no file."""
        try:
            return self._files[file]
        except KeyError:
            known = (
                None
                if file.startswith("<") or not is_users(file)
                else self.taken.arcs.setdefault(file, set())
            )
            self._files[file] = known
            return known

    def __call__(self, frame: types.FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        """Trace a function that is called, or goes on behind a ``yield``."""
        code = frame.f_code
        arcs = self.arcs_of(code.co_filename)
        if arcs is None:
            return None
        first = code.co_firstlineno
        last = -first
        held = _held(code)  # of what can be left and gone on with
        if held and frame.f_lasti >= 0 and _goes_on(held, frame.f_lasti):
            last = frame.f_lineno

        def traced(frame: types.FrameType, event: str, _arg: Any) -> Any:
            nonlocal last
            if event == "line":
                line = frame.f_lineno
                arcs.add((last, line))
                last = line
            elif event == "return" and not (held and held[frame.f_lasti] in _YIELDS):
                arcs.add((last, -first))
            return traced

        return traced


@functools.lru_cache(maxsize=4096)
def _held(code: types.CodeType) -> bytes:
    """The instructions of a generator or coroutine; of other code none."""
    return code.co_code if code.co_flags & _LEFT_AND_GONE_ON_WITH else b""


def _goes_on(code: bytes, at: int) -> bool:
    """Whether a frame that is called goes on where it was left: ``RESUME`` says at what."""
    return code[at] == _RESUME and code[at + 1] & 3 != 0


_counter: _Counter | None = None
_lock = threading.Lock()


def count(*, on: bool = True) -> None:
    """Count from now on in this process, or not any more."""
    global _counter  # noqa: PLW0603 - of the process
    _counter = _counter or _Counter()
    _counter.on = on


def new() -> Lines:
    """Give what was taken since this was asked for last."""
    if _counter is None:
        return Lines()
    with _lock:
        if _counter.taken.count() == _counter.told.count():
            return Lines()  # they only grow
        return _counter.told.add(
            Lines(
                {file: set(found) for file, found in _counter.taken.arcs.items()},
                {file: set(found) for file, found in _counter.taken.bodies.items()},
            )
        )


@contextlib.contextmanager
def replayed() -> Iterator[None]:
    """Around the pass that Lambda would make: what the user's code does in it counts."""
    counter = _counter
    if counter is None:
        yield
        return
    before, counter.in_pass = counter.in_pass, counter.on
    try:
        yield
    finally:
        counter.in_pass = before


@contextlib.contextmanager
def counted(*, always: bool = False) -> Iterator[None]:
    """Around the user's code, in its thread.

    Parameters
    ----------
    always
        Also where it is not in a pass that counts: an import.
    """
    counter = _counter
    if counter is None or not (counter.in_pass or (always and counter.on)):
        yield
        return
    before = sys.gettrace()
    sys.settrace(counter)
    try:
        yield
    finally:
        sys.settrace(before)


# --------------------------------------------------------------------------------------------------- bodies


def note_bodies(found: tuple[Any, ...]) -> None:
    """Note functions that were given to an operation which is on record: their bodies may have run on Lambda."""
    counter = _counter
    if counter is None or not counter.in_pass:
        return
    for one in found:
        for func in _handed(one):
            code = func.__code__
            if code not in counter.known_bodies:
                counter.known_bodies.add(code)
                _note(counter.taken, func)


def _note(taken: Lines, func: types.FunctionType) -> None:
    for code in _reached(func):
        if not code.co_filename.startswith("<") and is_users(code.co_filename):
            lines = taken.bodies.setdefault(code.co_filename, set())
            lines.update(line for _, _, line in code.co_lines() if line)


def _handed(one: Any, depth: int = 3) -> Iterator[types.FunctionType]:
    """Functions of the user's that something is, or hands on: a wrapper, a bound method, a list, a configuration."""
    if depth < 0 or isinstance(one, str | bytes | int | float | dict | type(None) | types.ModuleType):
        return
    held: list[Any] = []
    if isinstance(one, types.FunctionType):
        if is_users(one.__code__.co_filename):
            yield one
            return
        cells = [cell.cell_contents for cell in one.__closure__ or () if _is_full(cell)]
        held = [getattr(one, "__wrapped__", None), *cells]
    elif isinstance(one, types.MethodType):
        held = [one.__func__]
    elif isinstance(one, functools.partial):
        held = [one.func, *one.args, *one.keywords.values()]
    elif isinstance(one, list | tuple):
        held = list(one[:_MOST_REACHED])
    elif isinstance(one, type):
        held = list(vars(one).values()) if _is_users_class(one) else []
    elif _is_users_class(type(one)):
        held = list(vars(type(one)).values())
    else:
        with contextlib.suppress(TypeError):  # without attributes of its own
            held = list(vars(one).values())
    for inner in held:
        yield from _handed(inner, depth - 1)


def _is_full(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _is_users_class(kind: type) -> bool:
    module = sys.modules.get(kind.__module__)
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_users(file)


def _reached(func: types.FunctionType) -> set[types.CodeType]:
    """The code of a function, and of the user's functions whose names it says, and so on."""
    found: set[types.CodeType] = set()
    cells = [cell.cell_contents for cell in func.__closure__ or () if _is_full(cell)]
    begin = [func, *(one for held in cells for one in _handed(held))]
    pending = [(one.__code__, one.__globals__) for one in begin]
    while pending and len(found) < _MOST_REACHED:
        code, space = pending.pop()
        if code in found:
            continue
        found.add(code)
        pending += [(const, space) for const in code.co_consts if isinstance(const, types.CodeType)]
        names = set(code.co_names)
        for name in names & space.keys():
            pending += [(one.__code__, one.__globals__) for one in _named(space[name], names)]
    return found


def _named(value: Any, names: set[str]) -> Iterator[types.FunctionType]:
    """Functions of the user's behind a global name: itself, or those of a module or class that are named as well."""
    inner = [value]
    if isinstance(value, types.ModuleType):
        file = getattr(value, "__file__", None)
        is_ours = isinstance(file, str) and is_users(file)
        inner = [vars(value)[name] for name in names & vars(value).keys()] if is_ours else []
    for one in inner:
        yield from _handed(one, 2)
