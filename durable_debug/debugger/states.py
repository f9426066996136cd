"""How all operations stood at a moment of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from durable_debug.debugger.stop import Stop
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.history import History, Operation

__all__ = ["reached_statuses", "state_frame"]


def reached_statuses(history: History, event_id: int) -> list[str]:
    """Status of each operation of ``history.tree()`` after an event; empty text where it had not started."""
    return [_status(operation, event_id) for operation in history.tree()]


def _status(operation: Operation, event_id: int) -> str:
    if not operation.event_ids or operation.event_ids[0] > event_id:
        return ""
    if operation.end_event_id is not None and operation.end_event_id <= event_id:
        return operation.status
    so_far = sum(1 for e in operation.event_ids if e <= event_id)
    # An attempt's start and its end alternate: after an end that was not the last, a retry is pending.
    return "PENDING" if operation.type == "STEP" and so_far % 2 == 0 else "STARTED"


def state_frame(
    history: History, stop: Stop, answers: Mapping[int, Operation], calls: Sequence[Call]
) -> pd.DataFrame:
    """Make the frame of `Debugger.state`."""
    import pandas as pd

    tree = history.tree()
    asked = {answers[call.seq].id for call in calls[: stop.index] if call.seq in answers}
    current = answers[stop.index].id if stop.index in answers else None
    statuses = reached_statuses(history, stop.state_event_id)
    return pd.DataFrame(
        {
            "position": pd.Series([o.position for o in tree], dtype="string"),
            "name": pd.Series([o.name for o in tree], dtype="string"),
            "type": pd.Series([o.type for o in tree], dtype="string"),
            "sub_type": pd.Series([o.sub_type for o in tree], dtype="string"),
            "status": pd.Series([status or None for status in statuses], dtype="string"),
            "reached": pd.Series([o.id in asked for o in tree], dtype="bool"),
            "current": pd.Series([o.id == current for o in tree], dtype="bool"),
        }
    )
