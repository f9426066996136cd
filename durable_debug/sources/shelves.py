"""Places that hold many histories: a folder, a zip archive, a bucket, a store's database, a list in memory."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import orjson

from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history.keeping import INDEX, Entry, entry_of
from durable_debug.history.timestamps import from_microseconds, microseconds
from durable_debug.sources.documents import from_document
from durable_debug.sources.reading import MOST_BYTES, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "DatabaseShelf",
    "DocumentsShelf",
    "FolderShelf",
    "LocalFiles",
    "Shelf",
    "UrlFiles",
    "ZipFiles",
    "listed",
]

_SUFFIXES = (".json", ".jsonl", ".ndjson")
_COMPRESSIONS = (".gz", ".zst")
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

    def read(self, name: str) -> bytes:
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
            self._files.write(INDEX, b"".join(orjson.dumps(entry) + b"\n" for entry in reversed(entries)))
        return entries

    def document(self, key: str) -> Any:
        """Give one document, parsed."""
        return parsed(self._files.read(key))

    def _index(self) -> list[Entry]:
        entries = []
        with contextlib.suppress(OSError):
            for line in self._files.read(INDEX).splitlines():
                with contextlib.suppress(
                    orjson.JSONDecodeError
                ):  # the last line of one who was stopped in the middle
                    entry = orjson.loads(line)
                    if isinstance(entry, dict) and entry.keys() == _FIELDS:
                        entries.append(entry)
        return entries  # type: ignore[return-value]

    def _entry(self, name: str, size: int) -> Entry:
        return listed(name, size, lambda: self.document(name))


class LocalFiles:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        with os.scandir(self._path) as found:
            return {each.name: each.stat().st_size for each in found if each.is_file()}

    def read(self, name: str) -> bytes:
        """Content of one file."""
        return (self._path / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file, or leave it where that cannot be: it is only an index."""
        with contextlib.suppress(OSError):
            descriptor, temporary = tempfile.mkstemp(dir=self._path, prefix=f".{name}.", suffix=".tmp")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self._path / name)


class ZipFiles:
    """The files in a zip archive; folders inside it count for nothing."""

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self.where = where
        self._archive = archive
        self._infos = {
            PurePosixPath(info.filename).name: info for info in archive.infolist() if not info.is_dir()
        }

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        return {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str) -> bytes:
        """Content of one file."""
        info = self._infos[name]
        if info.file_size > MOST_BYTES:
            raise HistoryError(
                f"{name} unpacks to {info.file_size:,} bytes.", cure="No history is that large."
            )
        try:
            return self._archive.read(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise HistoryError(f"{name} cannot be unpacked: {error!s:.200}.", cure="Zip it again.") from None


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

    def read(self, name: str) -> bytes:
        """Content of one file."""
        content: bytes = self._system.cat_file(f"{self._root}/{name}")
        return content


class DatabaseShelf:
    """The sqlite store of the testing SDK, which SAM keeps as ``.durable-executions-local/durable-executions.db``.

    The table is that of ``stores/sqlite.py`` of aws-durable-execution-sdk-python-testing 1.4.0. It is only read.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._path = path

    def entries(self) -> list[Entry]:
        """List what is there."""
        rows = self._select(
            "SELECT durable_execution_arn, function_name, execution_name, status, start_timestamp, end_timestamp, "
            "length(data) FROM executions ORDER BY start_timestamp DESC"
        )
        return [
            Entry(
                file=arn,
                size=size,
                arn=arn,
                name=name,
                function=function,
                version=None,
                status=status,
                start=_iso(start),
                end=_iso(end),
                events=None,
                problem=None,
            )
            for arn, function, name, status, start, end, size in rows
        ]

    def document(self, key: str) -> Any:
        """Give one document, parsed."""
        rows = self._select("SELECT data FROM executions WHERE durable_execution_arn = ?", key)
        if not rows:
            raise HistoryError(f"{key} is not in {self.where} any more.", cure="Load the database again.")
        return parsed(rows[0][0].encode())

    def _select(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        import sqlite3

        try:
            # Read-only, beside a server that may be writing.
            with contextlib.closing(
                sqlite3.connect(f"file:{quote(self.where)}?mode=ro", uri=True)
            ) as database:
                return database.execute(query, values).fetchall()
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
        with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return entry_of(document, key, size)
        history = from_document(document)
        told = {"DurableExecutionArn": history.arn, "Events": history.raw, "Execution": history.execution}
        return entry_of(told, key, size)
    except (DurableDebugError, OSError) as error:
        nothing = dict.fromkeys(_FIELDS)
        return Entry(**{**nothing, "file": key, "size": size, "problem": f"{error!s:.300}"})  # type: ignore[typeddict-item]


def _is_history(name: str) -> bool:
    for ending in _COMPRESSIONS:
        name = name.removesuffix(ending)
    return name.endswith(_SUFFIXES) and not name.startswith(".") and name != INDEX


def _iso(seconds: float | None) -> str | None:
    return from_microseconds(microseconds(float(seconds))).isoformat() if seconds is not None else None
