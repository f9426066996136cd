"""The last that an execution wrote to its log before it ended, or stands: of the attempt that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.history import History, Operation
    from durable_debug.history.logs import LogEvent

__all__ = ["LastLines", "last_lines"]

_MOST = 8


class LastLines(NamedTuple):
    """What was written.

    Attributes
    ----------
    invocation
        Number of the invocation that wrote it.
    operation, attempt
        The operation and the number of its attempt that wrote all of it; None where it is more than that.
    events
        The last of them.
    earlier
        How many there are before.
    """

    invocation: int | None
    operation: Operation | None
    attempt: int | None
    events: tuple[LogEvent, ...]
    earlier: int


def last_lines(history: History, failed: Sequence[Operation]) -> LastLines | None:
    """Choose them; None where nothing was written, or the logs are not there.

    Parameters
    ----------
    history
        Of the execution.
    failed
        Operations that failed, the last first: the first one that wrote something is told of. Where none did, it is the
        invocation in which the last one failed, up to then; without any, the last invocation.
    """
    events = [each for each in history.log_events or () if not each.platform or each.level is not None]
    for operation in failed:
        own = [each for each in events if each.operation_id == operation.id]
        attempts = {each.attempt for each in own if each.attempt is not None}
        last = max(attempts, default=None)
        if found := [each for each in own if each.attempt == last]:
            return _last(found, operation, last)
    numbers = [each.invocation for each in events if each.invocation is not None]
    number = failed[0].end_invocation if failed else max(numbers, default=None)
    end = failed[0].end if failed else None
    found = [each for each in events if each.invocation == number and (end is None or each.timestamp <= end)]
    return _last(found, None, None) if found and number is not None else None


def _last(found: Sequence[LogEvent], operation: Operation | None, attempt: int | None) -> LastLines:
    shown = tuple(found[-_MOST:])
    return LastLines(shown[-1].invocation, operation, attempt, shown, len(found) - len(shown))
