"""The lines of the user's code that a pass ran, with what changed at each: plain data, whatever ran the handler."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.engine.value_copies import CUT, Failed, Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from durable_debug.engine.value_copies import Copy

__all__ = ["GONE", "Activation", "LineTrace", "portable", "portable_copy"]


class _Gone:
    """Stands for a variable that was deleted."""

    def __repr__(self) -> str:
        return "<deleted>"

    def __reduce__(self) -> str:
        return "GONE"


GONE = _Gone()


@dataclass(slots=True)
class Activation:
    """One call of a function of the user's.

    Attributes
    ----------
    number
        Its place in the order of being called.
    function, file, first_line
        Qualified name, and where it is written.
    names
        Its variables, in the order of its code.
    caller
        Number of the activation that called it; None where none of the user's did.
    steps
        The lines that ran in it, as indices of the trace, in order.
    values
        By name of a variable, where it was noticed to be another (index of a line: it was set before that ran) and a copy.
    outcome
        ``"returned"`` or ``"raised"``, and a copy of what; None where it had not ended.
    ended
        Index of the next line of the trace when it ended.
    """

    number: int
    function: str
    file: str
    first_line: int
    names: tuple[str, ...]
    caller: int | None
    steps: list[int] = field(default_factory=list)
    values: dict[str, list[tuple[int, Copy]]] = field(default_factory=dict)
    outcome: tuple[str, Copy] | None = None
    ended: int | None = None

    def value_at(self, name: str, index: int) -> Copy:
        """Give what a variable held before a line ran; `GONE` where it did not exist."""
        changes = self.values.get(name, ())
        at = bisect.bisect_right(changes, index, key=lambda change: change[0])
        return changes[at - 1][1] if at else GONE

    def locals_at(self, index: int) -> dict[str, Copy]:
        """Give all variables before a line ran."""
        order = {name: at for at, name in enumerate(self.names)}
        names = sorted(self.values, key=lambda name: order.get(name, len(order)))
        found = {name: self.value_at(name, index) for name in names}
        return {name: value for name, value in found.items() if value is not GONE}


@dataclass(slots=True)
class LineTrace:
    """All lines of one pass, in the order in which they ran.

    Attributes
    ----------
    lines
        By index, the number of its line.
    of
        By index, the number of the activation that it ran in.
    activations
        By number.
    asked
        By number of the operation, the index of the line that asked for it.
    asked_elsewhere
        Numbers of operations that another line asked for than the one that ran last: of a thread that is not traced, or
        for the SDK itself, as it does for the branches of a map.
    is_whole
        Whether all lines are there: of very long passes the first are kept.
    """

    lines: list[int] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    asked_elsewhere: set[int] = field(default_factory=set)
    is_whole: bool = True

    def __len__(self) -> int:
        return len(self.lines)

    def activation(self, index: int) -> Activation:
        """The activation that a line ran in."""
        return self.activations[self.of[index]]

    def place(self, index: int) -> tuple[str, int, str]:
        """File, line and function of a step."""
        activation = self.activation(index)
        return activation.file, self.lines[index], activation.function

    def stack(self, index: int) -> Iterator[Activation]:
        """The activations on the stack at a step, the innermost first."""
        number: int | None = self.of[index]
        while number is not None:
            activation = self.activations[number]
            yield activation
            number = activation.caller

    def operations_before(self, index: int) -> int:
        """How many operations had been asked for when a line began to run."""
        return bisect.bisect_left(self.asked, index)

    def line_of(self, activation: Activation, index: int) -> int:
        """The line at which an activation stood when another line ran."""
        at = bisect.bisect_right(activation.steps, index)
        return self.lines[activation.steps[at - 1]] if at else activation.first_line

    def changes(self, name: str) -> Iterator[tuple[Activation, int, Any]]:
        """Every value that variables of a name had, in the order of the trace: whose, noticed where, and a copy."""
        found = [
            (index, activation.number, copy)
            for activation in self.activations
            for index, copy in activation.values.get(name, ())
        ]
        for index, number, copy in sorted(found, key=lambda one: one[:2]):
            yield self.activations[number], index, copy


def portable(trace: LineTrace, carried: Callable[[Any], Any]) -> LineTrace:
    """Give a trace as it goes to another process.

    Parameters
    ----------
    carried
        Makes of what is kept of an object of a library what can go there.
    """
    for activation in trace.activations:
        for name, changes in activation.values.items():
            activation.values[name] = [(index, portable_copy(copy, carried)) for index, copy in changes]
        if activation.outcome is not None:
            activation.outcome = activation.outcome[0], portable_copy(activation.outcome[1], carried)
    return trace


def portable_copy(copy: Copy, carried: Callable[[Any], Any]) -> Copy:
    """Give a copy as it goes to another process; see `portable`."""
    if copy is CUT or copy is GONE or type(copy) is Failed:
        return copy
    if type(copy) is Instance:
        return Instance(
            copy.type, {name: portable_copy(held, carried) for name, held in copy.held.items()}, copy.key
        )
    if type(copy) is dict:
        return {
            key if key is CUT else carried(key): portable_copy(held, carried) for key, held in copy.items()
        }
    if type(copy) in {list, tuple}:
        return type(copy)([portable_copy(held, carried) for held in copy])
    return carried(copy)
