"""Finalisers that a garbage collection runs: whichever thread needs memory runs them, for objects of whomever."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from durable_debug.engine.effects import whose

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["is_by_library", "notice", "stop_noticing"]

_interrupted: FrameType | None = None  # the frame that a collection began in; there is one at a time


def _note(phase: str, _: dict[str, int]) -> None:
    global _interrupted  # noqa: PLW0603 - CPython collects for the whole process
    try:
        _interrupted = sys._getframe(1) if phase == "start" else None  # noqa: SLF001
    except ValueError:  # a thread that is about to end has no frame any more
        _interrupted = None


def notice() -> None:
    """Have it noted when garbage is collected."""
    gc.callbacks.append(_note)


def stop_noticing() -> None:
    """Note it no longer."""
    global _interrupted  # noqa: PLW0603
    gc.callbacks.remove(_note)
    _interrupted = None


def is_by_library() -> bool:
    """Whether what this thread does is done by a finaliser that garbage collection runs, and by no code of the user's.

    Such a finaliser tidies up after a pool or a temporary folder, say, of the notebook's that nobody refers to any
    more. The handler was merely interrupted for it.
    """
    interrupted = _interrupted
    if interrupted is None:
        return False
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    users = False
    while frame is not None and frame is not interrupted:
        users = users or whose(frame.f_code.co_filename) == "user"
        frame = frame.f_back
    return frame is interrupted and not users  # else another thread is interrupted
