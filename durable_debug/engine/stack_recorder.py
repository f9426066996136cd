"""Sees from where in the user's code each operation is asked for, and ends a pass that asks without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.engine.places import Place, Stack, place_of
from durable_debug.engine.sdk import is_user_code
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from types import FrameType

    from durable_debug.engine.call import Call
    from durable_debug.engine.ongoing_pass import OngoingPass

__all__ = ["StackRecorder"]

_DEEPEST = 40


class StackRecorder:
    """Observes one pass.

    Parameters
    ----------
    most
        Number of calls after which the pass is ended.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.ongoing: OngoingPass | None = None
        self.stacks: dict[int, Stack] = {}  # by the number of the call, `Call.seq`

    def asked(self, call: Call, frame: FrameType) -> None:
        """Note the user's frames."""
        call.frame = None  # it would keep the handler's variables alive
        within = call.within
        if call.kind == "branch" and within is not None:  # asked for where its map is
            self.stacks[call.seq] = self.stacks.get(within.seq, ())
        else:
            self.stacks[call.seq] = _user_stack(frame, call)
        call.origin = ()
        if call.seq >= self._most and self.ongoing is not None:
            raise self.ongoing.stop(
                "endless", f"the handler has asked for {self._most:,} operations and goes on", call
            )

    def raised(self, error: BaseException) -> None:
        """Nothing: the recording keeps it."""


def _user_stack(frame: FrameType | None, call: Call) -> Stack:
    found: list[Place] = []
    if call.origin and frame is call.origin[0][0]:
        frame = None
    libraries: list[Place] = []  # what counts where nothing of the user's calls
    while frame is not None and len(found) < _DEEPEST and is_user_code(frame.f_code.co_filename):
        users = is_users(frame.f_code.co_filename)
        (found if users else libraries).append(place_of(frame.f_code, frame.f_lasti))
        frame = frame.f_back
    found += [place_of(handed.f_code, lasti) for handed, lasti in call.origin]
    return tuple(found or libraries)[:_DEEPEST]
