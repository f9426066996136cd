"""Looking into the handler where it stands: its stack, its variables, expressions over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.debugger.stop import StackFrame
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.engine.runner import HeldFrame
    from durable_debug.engine.variables import Variable

__all__ = ["Inspection"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is to be seen of a handler that is held; nothing, where it has ended.

    Attributes
    ----------
    frames
        The functions on the stack, the innermost first; none where the handler has ended.
    has_ended
        Whether it has.
    """

    frames: tuple[HeldFrame, ...]
    has_ended: bool

    @property
    def stack(self) -> tuple[StackFrame, ...]:
        """See `Debugger.stack`."""
        places = [frame.place for frame in self.frames]
        return tuple(StackFrame(place.function, place.file, place.line) for place in places)

    def locals(self) -> dict[str, Any]:
        """See `Debugger.locals`."""
        return self.frames[0].locals() if self.frames else {}

    def variables(self, frame: int, path: Sequence[str]) -> list[Variable]:
        """See `Debugger.variables`."""
        return self.frames[frame].variables(path) if self._has(frame) else []

    def evaluate(self, expression: str, frame: int) -> Any:
        """See `Debugger.evaluate`."""
        return self._of(frame).evaluate(expression)

    def text(self, expression: str, frame: int, width: int | None) -> str:
        """See `Debugger.text`."""
        return self._of(frame).text(expression, width)

    def _of(self, frame: int) -> HeldFrame:
        if not self._has(frame):
            raise DurableDebugError(
                "There are no variables here.",
                cure="The handler has ended: step back into it."
                if self.has_ended
                else f"The stack has {len(self.frames)} functions.",
            )
        return self.frames[frame]

    def _has(self, frame: int) -> bool:
        return 0 <= frame < len(self.frames)
