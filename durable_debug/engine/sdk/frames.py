"""Which code is the user's, and what is watched while it runs."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.context import DurableContext

from durable_debug.engine import taken_lines
from durable_debug.engine.guard import guarded
from durable_debug.engine.places import place_of
from durable_debug.engine.skipping import jumps_in, skipping
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from durable_debug.engine.ongoing_pass import OngoingPass


_SDK_FOLDER = str(Path(sys.modules[durable_execution.__module__].__file__ or "").parent) + os.sep
_REPLAY_FOLDER = str(Path(__file__).parent.parent) + os.sep
_OUR_FOLDER = str(Path(__file__).parent.parent.parent) + os.sep
_STANDARD_LIBRARY = str(Path(os.__file__).parent) + os.sep
_THREADING = threading.__file__


@functools.cache
def is_user_code(filename: str) -> bool:
    """Whether a file is neither the SDK's nor this package's replay engine."""
    return (
        not filename.startswith((_SDK_FOLDER, _REPLAY_FOLDER))
        and "concurrent/futures" not in filename
        and filename != _THREADING
    )


@functools.cache
def _decides(filename: str) -> bool | None:
    if filename.startswith((_SDK_FOLDER, _OUR_FOLDER)):
        return False
    in_library = filename.startswith(_STANDARD_LIBRARY) and "site-packages" not in filename
    return None if in_library or filename.startswith("<frozen") else True


def looks_by_itself(frame: FrameType) -> bool | None:
    """Whether code looks at values without deciding for the handler, as the SDK does; None where its caller tells."""
    decides = _decides(frame.f_code.co_filename)
    return None if decides is None else not decides


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Give the nearest frame of the user's code, from `frame` outwards; where there is none, of a library's."""
    library: FrameType | None = None
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file):
            return frame
        if library is None and is_user_code(file):
            library = frame
        frame = frame.f_back
    return library


@contextlib.contextmanager
def users_code(ongoing: OngoingPass) -> Iterator[None]:
    """Around the user's own code: side effects are reported, and on request the lines that bodies end at."""
    lines = ongoing.rules.lines
    if not ongoing.rules.trace and not ongoing.rules.jumps and lines is None:
        with guarded(ongoing.scope), taken_lines.counted():
            yield
        return
    before = sys.gettrace()
    sys.settrace(lines.trace if lines is not None else _Bodies(ongoing))
    try:
        with guarded(ongoing.scope):
            yield
    finally:
        sys.settrace(before)


class _Bodies:
    """A trace function that notes where bodies end, and jumps over statements.

    A body may be a mere ``lambda c: pack(c)``: then the end of what it calls is what was written for it.
    """

    def __init__(self, ongoing: OngoingPass) -> None:
        self._ongoing = ongoing
        self._called: dict[
            FrameType, tuple[CodeType, int, Any]
        ] = {}  # by a lambda, how what it called last ended

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if event != "call" or not is_users(frame.f_code.co_filename):
            return None
        ends = self._at_end_of(frame)
        jumps = jumps_in(frame.f_code, self._ongoing.rules.jumps) if self._ongoing.rules.jumps else None
        if jumps:
            frame.f_trace_lines = True
            return skipping(jumps, ends)
        return ends

    def _at_end_of(self, frame: FrameType) -> Callable[[FrameType, str, Any], Any] | None:
        caller = frame.f_back
        if caller is not None and is_user_code(caller.f_code.co_filename):
            return self._handed_on if caller.f_code.co_name == "<lambda>" else None
        if caller is None:
            return None
        contexts = (value for value in frame.f_locals.values() if isinstance(value, DurableContext))
        path = next((context._path for context in contexts if hasattr(context, "_path")), None)
        if path is None:
            return None
        frame.f_trace_lines = False

        def returned(frame: FrameType, event: str, value: Any) -> Any:
            if event == "return":
                code, lasti, given = self._called.pop(frame, (frame.f_code, frame.f_lasti, value))
                same = given is value
                self._ongoing.seen.ends[path] = (
                    place_of(code, lasti) if same else place_of(frame.f_code, frame.f_lasti)
                )
            return returned

        return returned

    def _handed_on(self, frame: FrameType, event: str, value: Any) -> Any:
        if event == "return" and frame.f_back is not None:
            self._called[frame.f_back] = (frame.f_code, frame.f_lasti, value)
        return self._handed_on
