"""Whether a history holds all that a replay needs, and what to do where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.errors import HistoryError, IncompleteHistoryError, MissingDataError
from durable_debug.history.state import retry_delay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.history.columns import Columns
    from durable_debug.history.operations import Operation

__all__ = ["data_warnings", "require_replayable"]

_ALL_PAGES = (
    "Get all pages: leave out `--max-items` and `--no-paginate` of the AWS CLI, or with boto3 use the paginator "
    "`get_durable_execution_history` and load the list of its pages."
)
_AGAIN = "Get the history again with `aws lambda get-durable-execution-history --include-execution-data`."
_WITH_DATA = "Get the history again with `--include-execution-data` (AWS CLI) or `IncludeExecutionData=True` (boto3, runner)."


def data_warnings(columns: Columns, *, more_pages: bool) -> list[str]:
    """Sentences about what the history lacks."""
    warnings = []
    if more_pages:
        warnings.append(
            f"This is one page of a longer history: it ends with a marker for the next one. {_ALL_PAGES}"
        )
    if lacking := columns.lacking:
        shown = ", ".join(str(columns.event_ids[at]) for at in lacking[:8]) + (
            ", …" if len(lacking) > 8 else ""
        )
        warnings.append(
            f"Payloads are missing from {len(lacking)} of {len(columns)} events (EventId {shown}). {_WITH_DATA}"
        )
    elif _has_no_payload_at_all(columns):
        warnings.append(f"There is no payload in this history at all. {_WITH_DATA}")
    elif lost := _polls_without_state(columns):
        warnings.append(
            f"{lost} polls of wait_for_condition come without the state that they returned (the local emulator drops "
            "it): it lacks in the state at the start of the invocations that follow them."
        )
    return warnings


def require_replayable(columns: Columns, operations: Sequence[Operation], *, more_pages: bool) -> None:
    """Raise where a replay would not have what it needs, or would silently take None for it."""
    if not len(columns):
        raise HistoryError(
            "This history has no events.",
            cure="An execution has events as soon as it starts: check the ARN that it was asked for.",
        )
    if columns.missing_ids or columns.types[0] != "ExecutionStarted":
        missing = (
            f"EventId {', '.join(columns.missing_ids[:8])}" if columns.missing_ids else "ExecutionStarted"
        )
        raise IncompleteHistoryError(f"Events are missing from this history: {missing}.", cure=_ALL_PAGES)
    if more_pages:
        raise IncompleteHistoryError("This is only one page of a longer history.", cure=_ALL_PAGES)
    if columns.contradicting:
        at = min(columns.contradicting)
        raise HistoryError(
            f"This history contradicts itself: event {columns.event_ids[at]} ({columns.types[at]}) has the Id of an operation of another type.",
            cure=f"No service writes such a record. {_AGAIN}",
        )
    for operation in operations:
        if operation.type == "CALLBACK" and (
            operation.callback_id is None or operation.start_event_id != min(operation.event_ids)
        ):
            raise MissingDataError(
                f"The callback {operation.position} does not begin with its CallbackId, which the handler is answered with.",
                cure=_AGAIN,
            )
    _require_data(columns, operations)


def _require_data(columns: Columns, operations: Sequence[Operation]) -> None:
    if _has_no_payload_at_all(columns):
        raise MissingDataError(
            "This history has no execution data: every operation would answer None.", cure=_WITH_DATA
        )
    needed = _indexes_needed(columns, operations)
    lacking = [columns.event_ids[at] for at in columns.lacking if at in needed]
    if lacking:
        shown = ", ".join(map(str, lacking[:8])) + (", …" if len(lacking) > 8 else "")
        raise MissingDataError(
            f"Payloads that a replay needs are missing from {len(lacking)} events (EventId {shown}).",
            cure=_WITH_DATA,
        )


def _indexes_needed(columns: Columns, operations: Sequence[Operation]) -> set[int]:
    """Events whose payload a replay reads: the execution's input and the last outcome of each operation reached.

    What lies inside a finished context is not reached, as long as the context answers from its own checkpoint.
    """
    index = {event_id: at for at, event_id in enumerate(columns.event_ids)}
    closed: set[str] = set()
    needed = {0}
    for operation in operations:
        if operation.parent_id in closed:
            closed.add(operation.id)
            continue
        if operation.end_event_id is not None:
            needed.add(index[operation.end_event_id])
            if operation.type == "CONTEXT" and operation.replay_children is False:
                closed.add(operation.id)
    return needed


def _has_no_payload_at_all(columns: Columns) -> bool:
    if columns.payloads.count(None) < len(columns) or any(columns.errors):
        return False
    return bool(columns.lacking) or any(
        meaning.status == "SUCCEEDED" and meaning.type != "WAIT" for meaning in columns.meanings
    )


def _polls_without_state(columns: Columns) -> int:
    return sum(
        columns.types[at] == "StepSucceeded" and retry_delay(columns.details[at]) is not None
        for at in columns.without_result
    )
