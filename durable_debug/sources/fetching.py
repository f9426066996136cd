"""`fetch`: the histories of many executions, as they come, or kept in a folder."""

from __future__ import annotations

import contextlib
import itertools
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from durable_debug.errors import HistoryError
from durable_debug.history.keeping import ENDED, INDEX
from durable_debug.options import unknown_options
from durable_debug.sources.collection import Histories
from durable_debug.sources.connection import WHERE, connect
from durable_debug.sources.documents import from_document
from durable_debug.sources.executions import ACCOUNT, Progress, chosen, gathered
from durable_debug.sources.logs import BATCH, LogFetcher, log_group
from durable_debug.sources.problems import ExecutionNotFoundError
from durable_debug.sources.redaction import redactor
from durable_debug.sources.shelves import FolderShelf, LocalFiles

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime, timedelta

    import pandas as pd

    from durable_debug.history import History
    from durable_debug.history.keeping import Entry
    from durable_debug.sources.connection import Connection
    from durable_debug.sources.redaction import Redact

__all__ = ["fetch", "fetched", "keep"]


@overload
def fetch(
    function: str,
    *,
    status: str | Iterable[str] | None = ...,
    since: str | datetime | timedelta | None = ...,
    limit: int | None = ...,
    to: None = ...,
    children: bool = ...,
    logs: bool | str = ...,
    redact: Redact | None = ...,
    progress: bool = ...,
    **where: Any,
) -> Iterator[History]: ...


@overload
def fetch(
    function: str,
    *,
    status: str | Iterable[str] | None = ...,
    since: str | datetime | timedelta | None = ...,
    limit: int | None = ...,
    to: str | os.PathLike[str],
    children: bool = ...,
    logs: bool | str = ...,
    redact: Redact | None = ...,
    progress: bool = ...,
    **where: Any,
) -> Histories: ...


def fetch(  # noqa: PLR0913
    function: str,
    *,
    status: str | Iterable[str] | None = None,
    since: str | datetime | timedelta | None = None,
    limit: int | None = None,
    to: str | os.PathLike[str] | None = None,
    children: bool = False,
    logs: bool | str = False,
    redact: Redact | None = None,
    progress: bool = True,
    **where: Any,
) -> Iterator[History] | Histories:
    """Fetch the histories of a function's durable executions, newest first.

    Parameters
    ----------
    function, status, since, limit
        Which: see `executions`.
    to
        Folder to keep them in, made where it is not there: one JSON file an execution, and an index. What is complete
        there is not fetched again, so that a fetch that was interrupted goes on where it stopped.
    children
        The executions that they invoked too, and what those invoked.
    logs
        Their log events, too (`History.logs`): True, or the name of the log group, as for `load`. Those of many executions
        are searched for at once, with Logs Insights, which bills by what it reads; where the account does not let you, with
        FilterLogEvents. What is complete in the folder and has no logs yet gets them.
    redact
        Put placeholders where values are, before anything is written: see `redacted`.
    progress
        Show a progress bar (in a notebook or a terminal).
    **where
        ``client``, ``session``, ``profile``, ``region``, ``endpoint_url`` and ``rate`` as for `load`.

    Returns
    -------
    iterator of History
        Without `to`: each is fetched a little before it is asked for, and memory holds at most 64 of them.
    Histories
        With `to`: all of them are in the folder now.

    Raises
    ------
    HistoryError
        The function is not there, the account does not let you, the service goes on refusing; the message says what to
        do. What was fetched stays in the folder.

    Warns
    -----
    UserWarning
        An execution was deleted between being listed and being fetched.

    Examples
    --------
    >>> failed = fetch("orders", status="FAILED", since="2d", to="histories/")  # doctest: +SKIP
    >>> for history in fetch("orders", limit=1000):  # doctest: +SKIP
    ...     print(history.name, history.status)
    """
    own = ("status", "since", "limit", "to", "children", "logs", "redact", "progress")
    unknown_options("fetch", where, (*own, *WHERE))
    treat = redactor(redact)
    connection = connect(subject=function, **where)
    stop = threading.Event()
    arns = (each["DurableExecutionArn"] for each in chosen(connection, function, status, since, limit, stop))
    shown = Progress(function, limit, progress)
    fetcher = LogFetcher(connection, log_group(logs)) if logs else None
    if to is None:
        found = gathered(arns, _loading(connection, children=children and not logs), stop, shown)
        return _treated((history for history in found if history), fetcher, treat, children=children)
    kept = _Kept(Path(to).expanduser(), connection, treat, children=children)
    listed: list[str] = []
    for _ in gathered(_noting(arns, listed), kept.keep, stop, shown):
        pass
    if fetcher is not None:
        kept.add_logs(listed, fetcher, progress=progress)
    return kept.histories(listed)


def keep(
    arn: str,
    to: str | os.PathLike[str],
    *,
    children: bool = False,
    logs: bool | str = False,
    redact: Redact | None = None,
    **where: Any,
) -> Histories:
    """Fetch one execution, and perhaps those that it invoked, into a folder as `fetch` does."""
    connection = connect(subject=arn, **where)
    kept = _Kept(Path(to).expanduser(), connection, redactor(redact), children=children)
    kept.keep(arn, threading.Event())
    if logs:
        kept.add_logs([arn], LogFetcher(connection, log_group(logs)), progress=False)
    return kept.histories([arn])


def fetched(listed: pd.DataFrame) -> Iterator[History | None]:
    """Fetch the executions that `executions` has listed, in their order, each a little before it is asked for.

    Parameters
    ----------
    listed
        With a column ``arn``. What `executions` was told of the account (``profile``, ``region``, ``endpoint_url``) it
        remembers.

    Returns
    -------
    iterator of History or None
        None for one that was deleted since.
    """
    arns = [str(arn) for arn in listed["arn"]]
    if not arns:
        return iter(())
    connection = connect(subject=arns[0], **listed.attrs.get(ACCOUNT, {}))
    return gathered(
        arns,
        _loading(connection, children=False),
        threading.Event(),
        Progress("", len(arns), shown=False),
    )


def _noting(arns: Iterable[str], into: list[str]) -> Iterator[str]:
    for arn in arns:
        into.append(arn)
        yield arn


def _loading(connection: Connection, *, children: bool) -> Callable[[str, threading.Event], History]:
    def load(arn: str, stop: threading.Event) -> History:
        with connection.until(stop):
            history = connection(arn)
            if children:
                _descend(history)
        return history

    return load


def _treated(
    histories: Iterator[History],
    fetcher: LogFetcher | None,
    treat: Callable[[History], History] | None,
    *,
    children: bool,
) -> Iterator[History]:
    """Give them their logs, some at once, and do to them what is to be done."""
    with contextlib.closing(histories):  # type: ignore[type-var]
        while batch := list(itertools.islice(histories, BATCH if fetcher is not None else 1)):
            for history in fetcher.given(batch) if fetcher is not None else batch:
                if fetcher is not None and children:
                    _descend(history)
                yield treat(history) if treat else history


def _descend(history: History) -> None:
    for position in history.children:
        with contextlib.suppress(ExecutionNotFoundError):  # told again where it is asked for
            _descend(history.children[position])


class _Kept:
    """A folder that histories are fetched into."""

    def __init__(
        self,
        folder: Path,
        connection: Connection,
        treat: Callable[[History], History] | None,
        *,
        children: bool,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Tells a folder into which nothing was fetched from one that is named by mistake.
        (folder / INDEX).open("ab").close()
        self._folder = folder
        self._shelf = FolderShelf(LocalFiles(folder))
        self._connection = connection
        self._treat = treat
        self._children = children
        self._complete: dict[str | None, Entry] = {
            entry["arn"]: entry
            for entry in self._shelf.entries()
            if entry["arn"] and entry["status"] in ENDED
        }

    def keep(self, arn: str, stop: threading.Event) -> None:
        """Have an execution in the folder, and its children."""
        entry = self._complete.get(arn)
        if entry is None:
            history = self._connection(arn, stop=stop)
            (self._treat(history) if self._treat else history).save(self._folder)
        elif self._children or self._treat:
            history = from_document(self._shelf.document(entry["file"]))
            if self._treat and history.redacted is None:
                raise HistoryError(
                    f"{self._folder / entry['file']} is there already, with its values.",
                    cure="Redact into another folder; or redact this one: `durable-debug redact FOLDER -o OTHER`.",
                )
        if self._children:
            for child in history.children.arns.values():
                try:
                    self.keep(child, stop)
                except ExecutionNotFoundError as error:
                    warnings.warn(f"Invoked by {arn}: {error}", stacklevel=2)

    def add_logs(self, arns: Iterable[str], fetcher: LogFetcher, *, progress: bool) -> None:
        """Have the logs of these in their files, and of their children."""
        from tqdm.auto import tqdm

        files = {entry["arn"]: entry["file"] for entry in self._shelf.entries()}
        waiting = [arn for arn in dict.fromkeys(arns) if arn in files]
        seen = set(waiting)
        bar = tqdm(desc="logs", total=len(waiting), unit=" executions", disable=None if progress else True)
        with contextlib.closing(bar):
            while waiting:
                batch, waiting = waiting[:BATCH], waiting[BATCH:]
                histories = [from_document(self._shelf.document(files[arn])) for arn in batch]
                for history in histories if self._children else ():
                    children = history.children.arns.values()
                    found = [arn for arn in children if arn in files and arn not in seen]
                    waiting += found
                    seen.update(found)
                for history in fetcher.given([each for each in histories if each.log_events is None]):
                    history.save(self._folder)
                bar.update(len(batch))

    def histories(self, arns: list[str]) -> Histories:
        """What is there now of these."""
        by_arn = {entry["arn"]: entry for entry in self._shelf.entries()}
        return Histories(self._shelf, entries=[by_arn[arn] for arn in arns if arn in by_arn])
