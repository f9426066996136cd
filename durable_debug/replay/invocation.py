"""What one recorded invocation knew at its end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_debug.history import History, Operation

__all__ = ["invocation_end"]

_BY_THE_SERVICE = {"WAIT", "CALLBACK", "CHAINED_INVOKE"}


def invocation_end(
    history: History, invocation: int, events: tuple[int, int], start: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Give the state at an invocation's end, as far as its handler had come to know it.

    Timers, callbacks and invokes are completed by the service, also while an invocation runs that has gone
    to sleep on them. Such a completion counts only if the handler went on from it: if something began or
    ended behind it in the same invocation.

    Parameters
    ----------
    events
        Its first and last event.
    start
        The state at its start.
    """
    first_event_id, last_event_id = events
    known = {wire["Id"]: wire for wire in start}
    operations = [
        o for o in history.tree() if o.start_event_id is not None and o.start_event_id <= last_event_id
    ]
    by_position = {o.position: o for o in operations}
    children: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        path = operation.position.rpartition("-")[0]
        while True:
            children[path].append(operation)
            if not path:
                break
            path = path.rpartition("-")[0]
    ended = history.status in {"SUCCEEDED", "FAILED"} and invocation == len(history.invocations)

    def went_on(position: str, event: int) -> bool:
        path, _, number = position.rpartition("-")
        for other in children[path]:
            rest = other.position[len(path) + 1 :] if path else other.position
            if int(rest.partition("-")[0]) > int(number) and (other.start_event_id or 0) > event:
                return True
        if not path:
            return ended
        context = by_position.get(path)
        if context is not None:
            return context.end_event_id is not None and event < context.end_event_id <= last_event_id
        return went_on(path, event)

    end = history.state_at(last_event_id)
    unseen = {
        o.id
        for o in operations
        if o.type in _BY_THE_SERVICE
        and o.end_event_id is not None
        and o.end_event_id <= last_event_id
        and (o.id not in known or known[o.id]["Status"] == "STARTED")
        and o.position.replace("-", "").isdigit()
        and not went_on(o.position, o.end_event_id)
    }
    earlier: dict[str, dict[str, Any]] = {}
    for operation in operations:  # a retry that came due while it ran is none that it took up
        if operation.id in known and not any(
            first_event_id <= e <= last_event_id for e in operation.event_ids
        ):
            earlier[operation.id] = known[operation.id]
    for operation in operations:
        if operation.id in unseen:
            state = history.state_at((operation.end_event_id or 1) - 1)
            earlier[operation.id] = next(wire for wire in state if wire["Id"] == operation.id)
    return [earlier.get(wire["Id"], wire) for wire in end]
