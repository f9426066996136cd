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

from durable_debug.replay.guard import guarded
from durable_debug.replay.skipping import jumps_in, skipping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from durable_debug.replay.tape import Tape


_SDK_FOLDER = str(Path(sys.modules[durable_execution.__module__].__file__ or "").parent) + os.sep
_REPLAY_FOLDER = str(Path(__file__).parent.parent) + os.sep
_THREADING = threading.__file__


@functools.cache
def is_user_code(filename: str) -> bool:
    """Whether a file is neither the SDK's nor this package's replay engine."""
    return (
        not filename.startswith((_SDK_FOLDER, _REPLAY_FOLDER))
        and "concurrent/futures" not in filename
        and filename != _THREADING
    )


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Give the nearest frame of the user's code, from `frame` outwards."""
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@contextlib.contextmanager
def users_code(tape: Tape) -> Iterator[None]:
    """Around the user's own code: side effects are reported, and on request the lines that bodies end at."""
    if not tape.trace and not tape.jumps:
        with guarded(tape.report):
            yield
        return
    before = sys.gettrace()
    sys.settrace(_body_tracer(tape))
    try:
        with guarded(tape.report):
            yield
    finally:
        sys.settrace(before)


def _body_tracer(tape: Tape) -> Callable[[FrameType, str, Any], Any]:
    def called(frame: FrameType, event: str, arg: Any) -> Any:
        ends = body_called(frame, event, arg)
        if tape.jumps and event == "call" and is_user_code(frame.f_code.co_filename):
            jumps = jumps_in(frame.f_code, tape.jumps)
            if jumps:
                frame.f_trace_lines = True
                return skipping(jumps, ends)
        return ends

    def body_called(frame: FrameType, event: str, _: Any) -> Any:
        code, caller = frame.f_code, frame.f_back
        if event != "call" or not is_user_code(code.co_filename):
            return None
        if caller is None or is_user_code(caller.f_code.co_filename):
            return None  # not a body, but something that a body calls
        path = next(
            (
                v._path
                for v in frame.f_locals.values()
                if isinstance(v, DurableContext) and hasattr(v, "_path")
            ),
            None,
        )
        if path is None:
            return None
        frame.f_trace_lines = False

        def returned(frame: FrameType, event: str, _: Any) -> Any:
            if event == "return":
                tape.ends[path] = (code, frame.f_lasti)
            return returned

        return returned

    return called
