"""What one recorded invocation knew at its end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.history import History, Operation

__all__ = ["invocation_end"]

_BY_THE_SERVICE = {"WAIT", "CALLBACK", "CHAINED_INVOKE"}


def invocation_end(
    history: History, invocation: int, events: tuple[int, int], start: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Give the state at an invocation's end, as far as its handler had come to know it.

    Timers, callbacks and invokes are completed by the service, also while an invocation runs that has gone
    to sleep on them. Such a completion counts only if the handler went on from it: if something began or
    ended behind it in the same invocation. A retry that came due meanwhile is none that it took up.

    Parameters
    ----------
    events
        Its first and last event.
    start
        The state at its start.
    """
    first, last = events
    known = {wire["Id"]: wire for wire in start}
    record = _Record(history, invocation, last)
    unknown: dict[str, dict[str, Any]] = {}
    for operation in record.operations:
        if operation.id in known and not any(first <= event <= last for event in operation.event_ids):
            unknown[operation.id] = known[operation.id]
        elif known.get(operation.id, {}).get("Status", "STARTED") == "STARTED" and record.slept_on(operation):
            before = history.state_at((operation.end_event_id or 1) - 1)
            unknown[operation.id] = next(wire for wire in before if wire["Id"] == operation.id)
    return [unknown.get(wire["Id"], wire) for wire in history.state_at(last)]


class _Record:
    """The operations as of an event, by the contexts that they stand in."""

    def __init__(self, history: History, invocation: int, last: int) -> None:
        self._last = last
        self._ended = history.status in {"SUCCEEDED", "FAILED"} and invocation == history.invocation_count
        self.operations = [o for o in history.tree() if (o.start_event_id or last + 1) <= last]
        self._by_position = {o.position: o for o in self.operations}
        self._inside: dict[str, list[Operation]] = defaultdict(list)
        for operation in self.operations:
            for path in _contexts(operation.position):
                self._inside[path].append(operation)

    def slept_on(self, operation: Operation) -> bool:
        """Whether the service completed an operation while the handler slept on it."""
        end = operation.end_event_id
        return (
            operation.type in _BY_THE_SERVICE
            and end is not None
            and end <= self._last
            and operation.position.replace("-", "").isdigit()
            and not self._went_on(operation.position, end)
        )

    def _went_on(self, position: str, event: int) -> bool:
        path, _, number = position.rpartition("-")
        for other in self._inside[path]:
            rest = other.position[len(path) + 1 :] if path else other.position
            if int(rest.partition("-")[0]) > int(number) and (other.start_event_id or 0) > event:
                return True
        if not path:
            return self._ended
        context = self._by_position.get(path)
        if context is None:  # a virtual one
            return self._went_on(path, event)
        return context.end_event_id is not None and event < context.end_event_id <= self._last


def _contexts(position: str) -> Iterator[str]:
    while position:
        position = position.rpartition("-")[0]
        yield position
