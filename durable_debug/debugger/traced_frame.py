"""A function as the recorded trace shows it: its variables at once; a live one only where an expression needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.engine.places import Place
from durable_debug.engine.value_copies import CUT, Instance
from durable_debug.engine.variables import Variable, inside, preview, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.engine.line_trace import Activation, LineTrace
    from durable_debug.engine.runner import HeldFrame, Truth

__all__ = ["TracedFrame", "traced_frames"]


def traced_frames(
    trace: LineTrace, index: int, live: Callable[[], tuple[HeldFrame, ...]]
) -> tuple[TracedFrame, ...]:
    """Give the functions on the stack at a line, the innermost first."""
    return tuple(
        TracedFrame(trace, activation, index, depth, live)
        for depth, activation in enumerate(trace.stack(index))
    )


class TracedFrame:
    """One function on the stack at a line of the trace.

    Parameters
    ----------
    depth
        Its number on the stack, 0 the innermost.
    live
        Holds the handler there, and gives its frames.
    """

    def __init__(
        self,
        trace: LineTrace,
        activation: Activation,
        index: int,
        depth: int,
        live: Callable[[], tuple[HeldFrame, ...]],
    ) -> None:
        self._trace = trace
        self._activation = activation
        self._index = index
        self._depth = depth
        self._live = live

    @property
    def place(self) -> Place:
        """Where it stands."""
        activation = self._activation
        line = self._trace.line_of(activation, self._index)
        return Place.at(activation.file, line, function=activation.function)

    def variables(self, path: Sequence[str] = ()) -> list[Variable]:
        """Describe its variables, or what one of them holds."""
        if self._depth:  # what an inner function has changed meanwhile is not in its trace yet
            return self._held.variables(path)
        shown: list[tuple[str, Any]] = [
            (name, value)
            for name, value in self._activation.locals_at(self._index).items()
            if name.isidentifier() and not name.startswith("__")
        ]
        for name in path:
            value = dict(shown).get(name)
            if value is CUT:
                return self._held.variables(path)
            shown = list(value.held.items()) if type(value) is Instance else inside(value)
        return [_described(name, value) for name, value in shown]

    @property
    def _held(self) -> HeldFrame:
        return self._live()[self._depth]

    def locals(self) -> dict[str, Any]:
        """Give its variables by name."""
        return self._held.locals()

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression over its variables."""
        return self._held.evaluate(expression)

    def text(self, expression: str, width: int | None = None) -> str:
        """Give the text of an expression's value."""
        return self._held.text(expression, width)

    def holds(self, condition: str) -> Truth:
        """Say whether a condition is true."""
        return self._held.holds(condition)


def _described(name: str, value: Any) -> Variable:
    if type(value) is Instance:
        return Variable(str(name), value.type.rpartition(".")[2], preview(value), bool(value.held))
    return variables([(str(name), value)])[0]
