"""Many executions of a function: to choose from, and to fetch."""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.history.keeping import ARN
from durable_debug.options import unknown_options
from durable_debug.sources.choice import Choice
from durable_debug.sources.connection import MOST_THREADS, WHERE, connect
from durable_debug.sources.problems import ExecutionNotFoundError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    import pandas as pd

    from durable_debug.history import History
    from durable_debug.sources.connection import Connection, Summary

__all__ = ["ACCOUNT", "Progress", "chosen", "executions", "gathered"]

ACCOUNT = "durable_debug.account"
"""Where a frame of executions remembers how they were looked up."""
_AHEAD = 64  # one that takes long holds the others up only when so many have come after it


def executions(
    function: str,
    *,
    status: str | Iterable[str] | None = None,
    since: str | datetime | timedelta | None = None,
    limit: int | None = None,
    **where: Any,
) -> pd.DataFrame:
    """List the durable executions of a function, newest first, to choose from.

    Parameters
    ----------
    function
        Name or ARN of the function, with a version or alias or without.
    status
        ``"FAILED"`` or several: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, STOPPED …
    since
        Only those that started since then: ``"2d"`` ago (s, m, h, d, w), a date as ISO 8601, a datetime or timedelta.
    limit
        At most this many.
    **where
        ``client``, ``session``, ``profile``, ``region``, ``endpoint_url`` and ``rate`` as for `load`.

    Returns
    -------
    pandas.DataFrame
        ``arn``, ``name``, ``function_name``, ``version``, ``status`` (str), ``start``, ``end`` (datetime64, UTC; end is
        missing while it runs), ``duration_seconds`` (float64).

    Raises
    ------
    HistoryError
        The function is not there, or the account does not let you; the message says what to do.

    Examples
    --------
    >>> executions("orders", status="FAILED", since="2d")  # doctest: +SKIP
    """
    import pandas as pd

    unknown_options("executions", where, ("status", "since", "limit", *WHERE))
    connection = connect(subject=function, **where)
    found = list(chosen(connection, function, status, since, limit))
    arns = [each["DurableExecutionArn"] for each in found]
    parts = [ARN.match(f"{each.get('FunctionArn') or ''}/durable-execution/a/b") for each in found]
    frame = pd.DataFrame(
        {
            "arn": pd.array(arns, dtype="str"),
            "name": pd.array([each.get("DurableExecutionName") for each in found], dtype="str"),
            "function_name": pd.array([each["function"] if each else None for each in parts], dtype="str"),
            "version": pd.array([each["version"] if each else None for each in parts], dtype="str"),
            "status": pd.array([each.get("Status") for each in found], dtype="str"),
            "start": pd.to_datetime([each.get("StartTimestamp") for each in found], utc=True),
            "end": pd.to_datetime([each.get("EndTimestamp") for each in found], utc=True),
        }
    )
    frame["duration_seconds"] = (frame["end"] - frame["start"]).dt.total_seconds()
    frame.attrs[ACCOUNT] = {
        name: value for name, value in where.items() if isinstance(value, str | float | int)
    }
    return frame


def chosen(  # noqa: PLR0913, PLR0917
    connection: Connection,
    function: str,
    status: str | Iterable[str] | None,
    since: str | datetime | timedelta | None,
    limit: int | None,
    stop: threading.Event | None = None,
) -> Iterator[Summary]:
    """Summaries of the executions that were asked for, newest first.

    The service is told what is wanted, and what it answers is looked through as well: the local server of the testing
    SDK (1.4.0) knows no ``Statuses``, and takes no time that boto3 writes for ``StartedAfter``.
    """
    choice = Choice.of(status, since, limit)
    statuses, earliest = choice.statuses, choice.earliest
    asked: dict[str, Any] = {"ReverseOrder": True}
    if statuses:
        asked["Statuses"] = sorted(statuses)
    elif earliest is None and limit is not None and limit < 1000:
        asked["MaxItems"] = limit
    if earliest is not None and connection.is_aws:
        asked["StartedAfter"] = earliest
    left = limit
    for summary in connection.summaries(function, asked, **({"stop": stop} if stop else {})):
        if not choice.fits(summary.get("Status"), summary.get("StartTimestamp")):
            continue
        yield summary
        if left is not None:
            left -= 1
            if not left:
                return


class Progress(NamedTuple):
    """What the progress bar says, and whether there is one."""

    title: str
    total: int | None
    shown: bool


def gathered(
    arns: Iterable[str],
    work: Callable[[str, threading.Event], History | None],
    stop: threading.Event,
    progress: Progress,
) -> Iterator[History | None]:
    """What `work` makes of each ARN, in their order, a few at a time: what is not yet asked for is hardly begun.

    However it ends (an interrupt, an error, a caller that has enough), no thread is left behind.
    """
    from tqdm.auto import tqdm

    waiting: deque[Any] = deque()
    bar = tqdm(
        desc=progress.title,
        total=progress.total,
        unit=" executions",
        disable=None if progress.shown else True,  # None: where nobody looks
    )
    with contextlib.closing(bar), ThreadPoolExecutor(MOST_THREADS, "durable_debug fetch") as pool:
        try:
            for arn in arns:
                waiting.append((arn, pool.submit(work, arn, stop)))
                if len(waiting) > _AHEAD:
                    yield _taken(waiting, bar)
            while waiting:
                yield _taken(waiting, bar)
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _taken(waiting: deque[Any], bar: Any) -> History | None:
    arn, future = waiting.popleft()
    try:
        result: History | None = future.result()
    except ExecutionNotFoundError:
        warnings.warn(f"{arn} was deleted, or its retention ended, before it was fetched.", stacklevel=2)
        result = None
    bar.update()
    return result
