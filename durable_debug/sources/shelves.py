"""Places that hold many histories: a folder, a zip archive, a bucket, a store's database, a list in memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import orjson

from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history.keeping import INDEX, Entry, entry_of, is_entry, line_of
from durable_debug.history.timestamps import from_microseconds, microseconds
from durable_debug.sources import reading
from durable_debug.sources.documents import from_document
from durable_debug.sources.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "DatabaseShelf",
    "DocumentsShelf",
    "FolderShelf",
    "LocalFiles",
    "Shelf",
    "UrlFiles",
    "from_url",
    "listed",
]

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
_MANY = 200  # files that were read to be listed: worth an index even where there was none
_FIELDS = frozenset(Entry.__annotations__)


class Shelf(Protocol):
    """Holds documents that a history can be made of."""

    where: str

    def entries(self) -> list[Entry]:
        """List what is there, without reading more than it must; ``file`` is the key."""

    def document(self, key: str) -> Any:
        """Give one document, parsed."""


class Files(Protocol):
    """Files beside each other, somewhere."""

    where: str

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""

    def read(self, name: str) -> bytes | bytearray:
        """Content of one file."""


class FolderShelf:
    """Files, one history each, and perhaps an index (`durable_debug.history.keeping`)."""

    def __init__(self, files: Files) -> None:
        self.where = files.where
        self._files = files

    def entries(self) -> list[Entry]:
        """List what is there."""
        sizes = self._files.sizes()
        index = self._index() if INDEX in sizes else []
        known = {entry["file"]: entry for entry in index}
        entries, made = [], 0
        for name, size in sizes.items():
            if not _is_history(name):
                continue
            entry = known.get(name)
            if entry is None or entry["size"] != size:
                entry = self._entry(name, size)
                made += 1
            entries.append(entry)
        entries.sort(key=lambda entry: (entry["start"] or "", entry["file"]), reverse=True)
        stale = made or len(index) != len(entries)
        if isinstance(self._files, LocalFiles) and stale and (index or made >= _MANY):
            self._files.write(INDEX, b"".join(map(line_of, reversed(entries))))
        return entries

    def document(self, key: str) -> Any:
        """Give one document, parsed."""
        return parsed(self._files.read(key))

    def _index(self) -> list[Entry]:
        entries = []
        with contextlib.suppress(OSError, HistoryError):
            for line in self._files.read(INDEX).splitlines():
                with contextlib.suppress(ValueError):  # the last line of one who was stopped in the middle
                    entry = orjson.loads(line)
                    if is_entry(entry):
                        entries.append(entry)
        return entries

    def _entry(self, name: str, size: int) -> Entry:
        return listed(name, size, lambda: self.document(name))


class LocalFiles:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        found = {}
        with os.scandir(self._path) as entries:
            for each in entries:
                try:
                    is_file, size = each.is_file(), each.stat().st_size
                except OSError:  # a link to itself, or to nothing: said where it is read
                    is_file, size = False, 0
                # A pipe or a folder that is named like a history is told of, too.
                if is_file or _is_history(each.name):
                    found[each.name] = size if is_file else 0
        return found

    def read(self, name: str) -> bytearray:
        """Content of one file."""
        with reading.opened(self._path / name) as file:
            return reading.taken(file)

    def write(self, name: str, content: bytes) -> None:
        """Replace a file, or leave it where that cannot be: it is only an index."""
        with contextlib.suppress(OSError):
            descriptor, temporary = tempfile.mkstemp(dir=self._path, prefix=f".{name}.", suffix=".tmp")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self._path / name)


class UrlFiles:
    """A folder that fsspec reaches: ``s3://bucket/histories``, ``memory://…``.

    Parameters
    ----------
    system, root
        As ``fsspec.core.url_to_fs`` gives them.
    where
        The URL.
    """

    def __init__(self, system: Any, root: str, where: str) -> None:
        self.where = where
        self._system = system
        self._root = root.rstrip("/")

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        listed = self._system.ls(self._root, detail=True)
        return {
            PurePosixPath(each["name"]).name: int(each.get("size") or 0)
            for each in listed
            if each["type"] == "file"
        }

    def read(self, name: str) -> bytearray:
        """Content of one file."""
        try:
            return from_url(self._system, f"{self._root}/{name}")
        except (DurableDebugError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - each of its file systems has errors of its own
            raise HistoryError(
                f"It cannot be read: {type(error).__name__} {error!s:.200}.", cure="Try again."
            ) from None


def from_url(system: Any, root: str) -> bytearray:
    """Read one file of a file system of fsspec, as much as is bearable and while it is."""
    with system.open(root, "rb") as file:
        return reading.taken(file, deadline=time.monotonic() + reading.MOST_SECONDS)


class DatabaseShelf:
    """The sqlite store of the testing SDK, which SAM keeps as ``.durable-executions-local/durable-executions.db``.

    The table is that of ``stores/sqlite.py`` of aws-durable-execution-sdk-python-testing 1.4.0. It is only read.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def entries(self) -> list[Entry]:
        """List what is there."""
        import sqlite3

        entries: list[Entry] = []
        with self._database() as database:
            try:
                rows = database.execute(
                    "SELECT durable_execution_arn, function_name, execution_name, status, start_timestamp, "
                    "end_timestamp FROM executions"
                )
                entries += (self._entry(database, row) for row in self._bounded(rows))
            except sqlite3.Error as error:  # a page of it is broken: what comes before it is there
                if not entries:
                    raise
                entries.append(_problem(self._path.name, 0, f"It is broken: {error!s:.200}."))
        entries.sort(key=lambda entry: entry["start"] or "", reverse=True)
        return entries

    def document(self, key: str) -> Any:
        """Give one document, parsed."""
        with self._database() as database:
            found = database.execute("SELECT data FROM executions WHERE durable_execution_arn = ?", (key,))
            row = found.fetchone()
        if row is None:
            raise HistoryError(f"{key} is not in {self.where} any more.", cure="Load the database again.")
        if not isinstance(row[0], str | bytes):
            raise HistoryError("There is nothing in it.", cure="Run the execution again.")
        return parsed(row[0].encode(errors="surrogatepass") if isinstance(row[0], str) else row[0])

    def _bounded(self, rows: Any) -> Iterator[tuple[Any, ...]]:
        for number, row in enumerate(rows):
            if number >= reading.MOST_FILES:
                raise HistoryError(
                    f"It holds more than {reading.MOST_FILES:,} executions.", cure=reading.lift("MOST_FILES")
                )
            yield row

    def _entry(self, database: Any, row: tuple[Any, ...]) -> Entry:
        import sqlite3

        arn, function, name, status, start, end = row
        key = arn if isinstance(arn, str) else str(arn)
        try:
            found = database.execute(
                "SELECT length(data) FROM executions WHERE durable_execution_arn = ?", (arn,)
            ).fetchone()
            return Entry(
                file=key,
                size=int(found[0] or 0) if found else 0,
                arn=_text(arn),
                name=_text(name),
                function=_text(function),
                version=None,
                status=_text(status),
                start=_iso(start),
                end=_iso(end),
                events=None,
                problem=None if isinstance(arn, str) else "Its ARN is no text.",
            )
        except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:
            return _problem(f"{key:.300}", 0, f"Its row is broken: {error!s:.200}.")

    @contextlib.contextmanager
    def _database(self) -> Iterator[Any]:
        import sqlite3

        deadline = time.monotonic() + reading.MOST_SECONDS
        try:
            # Read-only, beside a server that may be writing.
            with contextlib.closing(
                sqlite3.connect(f"file:{quote(os.fsencode(self._path))}?mode=ro", uri=True)
            ) as database:
                database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(reading.MOST_BYTES, (1 << 31) - 1))
                # What is called a table may be a view that never ends.
                database.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
                yield database
        except sqlite3.Error as error:
            raise HistoryError(
                f"{self._path.name} cannot be read as a store of executions: {error!s:.200}.",
                cure="Give the database of the testing SDK's sqlite store, or of SAM (.durable-executions-local).",
            ) from None


class DocumentsShelf:
    """Parsed documents, one execution each: a file with one on each line, a runner's store."""

    def __init__(self, documents: Sequence[Any], where: str) -> None:
        self.where = where
        self._documents = documents

    def entries(self) -> list[Entry]:
        """List what is there."""
        return [listed(str(at), 0, lambda at=at: self._documents[at]) for at in range(len(self._documents))]  # type: ignore[misc]

    def document(self, key: str) -> Any:
        """Give one document, parsed."""
        return self._documents[int(key)]


def listed(key: str, size: int, read: Callable[[], Any]) -> Entry:
    """Read one document, to list it."""
    try:
        document = read()
        with contextlib.suppress(LookupError, TypeError, ValueError, OverflowError, AttributeError):
            return entry_of(document, key, size)
        history = from_document(document)
        told = {"DurableExecutionArn": history.arn, "Events": history.raw, "Execution": history.execution}
        return entry_of(told, key, size)
    except (DurableDebugError, OSError) as error:
        return _problem(key, size, f"{error!s:.300}")


def _problem(key: str, size: int, problem: str) -> Entry:
    nothing = dict.fromkeys(_FIELDS)
    return Entry(**{**nothing, "file": key, "size": size, "problem": problem})  # type: ignore[typeddict-item]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _is_history(name: str) -> bool:
    for ending in _COMPRESSIONS:
        name = name.removesuffix(ending)
    last = PurePosixPath(name).name
    return last.endswith(_SUFFIXES) and not last.startswith(".") and last != INDEX


def _iso(seconds: float | None) -> str | None:
    return from_microseconds(microseconds(float(seconds))).isoformat() if seconds is not None else None
