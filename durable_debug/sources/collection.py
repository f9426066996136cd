"""`Histories`: many histories in one place, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, overload

from durable_debug.errors import HistoryError
from durable_debug.sources.choice import Choice
from durable_debug.sources.documents import from_document
from durable_debug.spelling import read_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    import pandas as pd

    from durable_debug.history import History
    from durable_debug.history.keeping import Entry
    from durable_debug.sources.shelves import Shelf

__all__ = ["Histories"]

_SHOWN = 20  # rows, in a notebook
_LONGEST = 80  # characters of a cell


class Histories(Sequence["History"]):
    """Histories of many executions, newest first: a folder, an archive, a store. Each is read when it is asked for.

    Parameters
    ----------
    shelf
        Where they are.
    entries
        Of the shelf's, those that are meant; all of them by default.
    treat
        What is done to each that is read (redaction).

    Attributes
    ----------
    where
        Path or URL.
    problems
        What is there and cannot be read, each a sentence.

    Examples
    --------
    >>> histories = load("histories/")  # doctest: +SKIP
    >>> histories.frame.query("status == 'FAILED'")  # doctest: +SKIP
    >>> histories["order-42"].operations  # doctest: +SKIP
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        entries: list[Entry] | None = None,
        treat: Callable[[History], History] | None = None,
    ) -> None:
        self.where = shelf.where
        self._shelf = shelf
        self._treat = treat
        entries = shelf.entries() if entries is None else entries
        self.problems = tuple(f"{entry['file']}: {entry['problem']}" for entry in entries if entry["problem"])
        self._entries = [entry for entry in entries if not entry["problem"]]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per execution, in their order.

        Columns: ``name``, ``status``, ``function_name``, ``version`` (str), ``start``, ``end`` (datetime64, UTC; end is
        missing while it runs), ``duration_seconds`` (float64), ``events`` (Int64, missing where it is not known without
        reading), ``arn``, ``file`` (str).
        """
        import pandas as pd

        def texts(field: str) -> pd.api.extensions.ExtensionArray:
            return pd.array([entry[field] for entry in self._entries], dtype="str")  # type: ignore[literal-required]

        start, end = (
            pd.to_datetime([entry[field] for entry in self._entries], utc=True, format="ISO8601")
            for field in ("start", "end")
        )
        return pd.DataFrame(
            {
                "name": texts("name"),
                "status": texts("status"),
                "function_name": texts("function"),
                "version": texts("version"),
                "start": start,
                "end": end,
                "duration_seconds": (end - start).total_seconds(),
                "events": pd.array([entry["events"] for entry in self._entries], dtype="Int64"),
                "arn": texts("arn"),
                "file": texts("file"),
            }
        )

    def chosen(
        self,
        *,
        status: str | Iterable[str] | None = None,
        since: str | datetime | timedelta | None = None,
        limit: int | None = None,
    ) -> Histories:
        """Those of a status, started since a time, at most so many; as for `executions`.

        Raises
        ------
        HistoryError
            It is no status, no time or no number.
        """
        choice = Choice.of(status, since, limit, known=[entry["status"] for entry in self._entries])
        found = [entry for entry in self._entries if choice.fits(entry["status"], _moment(entry["start"]))]
        return Histories(self._shelf, entries=found[:limit], treat=self._treat)

    def treated(self, treat: Callable[[History], History]) -> Histories:
        """The same, with something done to each that is read."""
        before = self._treat
        both = treat if before is None else lambda history: treat(before(history))
        return Histories(self._shelf, entries=self._entries, treat=both)

    @overload
    def __getitem__(self, key: int | str) -> History: ...

    @overload
    def __getitem__(self, key: slice) -> Histories: ...

    def __getitem__(self, key: int | str | slice) -> History | Histories:
        """One history by number, name, ARN or file name; or some of them by slice."""
        if isinstance(key, slice):
            return Histories(self._shelf, entries=self._entries[key], treat=self._treat)
        return self._read(self._entry(key) if isinstance(key, str) else self._entries[key])

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        unread = f", {len(self.problems)} unreadable" if self.problems else ""
        return f"<Histories {self.where!r}: {len(self)} executions{unread}>"

    def _repr_html_(self) -> str:
        shown = self.frame.drop(columns=["arn", "file"]).head(_SHOWN)
        for field in ("name", "status", "function_name", "version"):
            shown[field] = shown[field].map(_short, na_action="ignore")
        table = shown.to_html(border=0)
        more = f"<p>… and {len(self) - _SHOWN} more: see .frame</p>" if len(self) > _SHOWN else ""
        return f"<p>{escape(repr(self))}</p>{table}{more}"

    def _entry(self, key: str) -> Entry:
        for field in ("arn", "file", "name"):
            found = [entry for entry in self._entries if entry[field] == key]
            if len(found) == 1:
                return found[0]
            if found:
                raise HistoryError(
                    f"{len(found)} executions in {self.where} have the name {key!r:.80}.",
                    cure="Name one by its file: " + _some([entry["file"] for entry in found]) + ".",
                )
        names = [str(entry["name"] or entry["file"]) for entry in self._entries]
        raise HistoryError(
            f"{self.where} holds no execution {key!r:.200}.",
            cure=f"It holds {_some(names)}: {read_by(python='see .frame', terminal=f'`durable-debug ls {self.where}` lists them')}."
            if names
            else "It holds none at all.",
        )

    def _read(self, entry: Entry) -> History:
        try:
            history = from_document(self._shelf.document(entry["file"]), source=self._by_arn)
        except HistoryError as error:
            raise type(error)(f"{entry['file']}: {error.message}", cure=error.cure) from None
        except OSError as error:
            raise HistoryError(
                f"{entry['file']} cannot be read: {error!s:.200}.", cure=f"Load {self.where} again."
            ) from None
        return self._treat(history) if self._treat else history

    def _by_arn(self, arn: str) -> History:
        """The source of each of them: others of the same place, and itself as it is there now."""
        return Histories(self._shelf, treat=self._treat)[arn]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(f"{name:.80}" for name in names[:most]) + (", …" if len(names) > most else "")
