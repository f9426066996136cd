"""What the threads of this process stand in."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["innermost_frames"]


def innermost_frames() -> dict[int, FrameType]:
    """Give the innermost frame of every thread by its id.

    Without a garbage collection: CPython makes the dict under a lock that it would need again if a finaliser that a
    collection runs looked at frames, too, or ended a thread.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()  # noqa: SLF001
    finally:
        if collecting:
            gc.enable()
