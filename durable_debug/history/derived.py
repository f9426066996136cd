"""What follows from the events of a history."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from durable_debug.history.invocations import Invocations, find_invocations
from durable_debug.history.operations import Operation, build_operations, positions
from durable_debug.history.state import Change, fold, operations_at, operations_at_start, states_at

if TYPE_CHECKING:
    from durable_debug.history.columns import Columns
    from durable_debug.history.state import State

__all__ = ["Derived"]


class Derived:
    """The operations, the invocations and the service's state after each event: each found once, when it is asked for.

    Attributes
    ----------
    columns
        The events.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    @cached_property
    def invocations(self) -> Invocations:
        """The invocations of the handler."""
        return find_invocations(self.columns)

    @cached_property
    def positions(self) -> dict[str, str]:
        """Logical positions of the operations, by id."""
        return positions(self.columns)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations but the EXECUTION, in start order."""
        last = states_at(self._changes, max(self.columns.times, default=None))
        return build_operations(self.columns, last, self.invocations, self.positions)

    @cached_property
    def by_key(self) -> dict[str, Operation]:
        """The operations by logical position and by id."""
        by_position = {operation.position: operation for operation in self.operations}
        return by_position | {operation.id: operation for operation in self.operations}

    # The state of the operations, as fresh dicts

    def state_after(self, at: int) -> list[State]:
        """Give the state after the event of this index."""
        return operations_at(self._changes_before(at + 1), self.columns.times[at])

    def state_at_start(self, invocation: int) -> list[State]:
        """Give the state with which an invocation, counted from 1, started."""
        span = self.invocations.spans[invocation - 1]
        within = [change for change in self._changes if span.cut <= change.at < span.stop]
        return operations_at_start(self._changes_before(span.cut), span.clock, span.surely, within)

    def final_state(self) -> list[State]:
        """Give the state after the last event."""
        return operations_at(self._changes, max(self.columns.times, default=None))

    @cached_property
    def _changes(self) -> list[Change]:
        return fold(self.columns)

    def _changes_before(self, cut: int) -> list[Change]:
        return [change for change in self._changes if change.at < cut]
