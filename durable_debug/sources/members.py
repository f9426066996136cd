"""Files that hold many executions, read one execution at a time: JSON lines, packed or not, and zip archives."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import itertools
import json
import lzma
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson

from durable_debug.errors import HistoryError
from durable_debug.history.keeping import INDEX
from durable_debug.sources import reading
from durable_debug.sources.documents import from_document
from durable_debug.sources.records import arn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from durable_debug.history import History

__all__ = ["Member", "Members", "members", "named"]

_LINES = (".jsonl", ".ndjson")
_PACKED: dict[str, Callable[[BinaryIO], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_DOCUMENTS = (".json", ".json.gz", ".json.bz2", ".json.xz", ".json.zst")


class Member(io.BytesIO):
    """The content of one execution's document, with a name for messages; `load` takes it like an open file."""

    def __init__(self, content: bytes | bytearray = b"", name: str = "") -> None:
        super().__init__(content)
        self.name = name


class Members(NamedTuple):
    """The executions of a file.

    Attributes
    ----------
    known
        How many; None where that is not known without reading all.
    are_files
        Whether each is a file with a name.
    each
        Pairs of what the execution is called within the file and its document; an error in place of what can't be read.
    """

    known: int | None
    are_files: bool
    each: Iterator[tuple[str, Member | HistoryError]]


def members(path: Path) -> Members | None:
    """Give the executions of a file one at a time; None of a file that `load` has to look at as a whole.

    Parameters
    ----------
    path
        A regular file: lines of JSON, each an execution (``.jsonl``, ``.ndjson``; packed as gzip, bzip2, xz or zstandard), or
        a zip archive of documents.

    Raises
    ------
    HistoryError
        It is a broken archive, or holds too many files.
    OSError
        It cannot be opened.
    """
    with reading.opened(path) as file:
        start = file.read(16)
    if reading.is_zip(start):
        return _of_archive(path)
    if _is_lines(path.name) and _is_one_a_line(path):
        return Members(None, False, _of_lines(path))
    return None


def named(path: Path, name: str) -> History | None:
    """Give one execution of a file of many, whatever is wrong with others; None of a file that is looked at as a whole.

    Parameters
    ----------
    name
        Name or ARN of the execution, what its file is called, or its number, from 0.

    Raises
    ------
    HistoryError
        There is no such execution, there are several, or it can't be read.
    """
    found = members(path)
    if found is None:
        return None
    histories, plain = [], json.dumps(name)[1:-1].encode() if name.isascii() else b""
    for called, content in found.each:
        is_it = called == name
        if isinstance(content, HistoryError):
            if is_it:
                raise content
            continue
        if is_it or plain in content.getvalue():
            with contextlib.suppress(*(() if is_it else (HistoryError,))):
                history = from_document(reading.parsed(content.getvalue()))
                if is_it or name == history.arn:
                    return history
                histories += [(called, history)] if name == history.name else []
    if len(histories) == 1:
        return histories[0][1]
    if histories:
        those = ", ".join(called for called, _ in histories[:5])
        raise HistoryError(
            f"{len(histories):,} executions in {path.name} have the name {name!r:.80}.",
            cure=f"Name one by its number or file: {those}.",
        )
    raise HistoryError(f"{path.name} holds no execution {name!r:.200}.", cure="Give its name or its ARN.")


def _is_lines(name: str) -> bool:
    for ending in (*_PACKED, ".zst"):
        name = name.removesuffix(ending)
    return name.endswith(_LINES) and name != INDEX


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that hold something, unpacked, one at a time."""
    try:
        with reading.opened(path) as file, _unpacked(path, file) as unpacked:
            while line := unpacked.readline(reading.MOST_BYTES + 1):
                if not line.isspace():
                    yield line
    except (OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise HistoryError(f"{path.name} is broken: {error!s:.200}.", cure="Get it again.") from None


def _unpacked(path: Path, file: BinaryIO) -> Any:
    if path.suffix == ".zst":
        try:
            import zstandard
        except ImportError:
            raise HistoryError(
                f"To read {path.name}, zstandard is needed.",
                cure="Install it with: pip install zstandard, or unpack the file.",
            ) from None
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    opened = _PACKED.get(path.suffix)
    return io.BufferedReader(opened(file)) if opened is not None else io.BufferedReader(file)


def _is_one_a_line(path: Path) -> bool:
    """Whether each line is an execution of its own, and no page of one or record that a later line replaces."""
    try:
        first = [orjson.loads(line) for line in itertools.islice(_lines(path), 2)]
    except (ValueError, HistoryError):
        return False  # `load` says what is wrong
    if not first or not all(isinstance(one, dict) and isinstance(one.get("Events"), list) for one in first):
        return False
    arns = [arn_of(one) for one in first]
    return len(set(arns)) == len(arns) or arns == [None, None]


def _of_lines(path: Path) -> Iterator[tuple[str, Member | HistoryError]]:
    number = -1
    try:
        for number, line in enumerate(_lines(path)):
            yield str(number), Member(line, f"{path.name}, execution {number}")
    except HistoryError as error:
        yield str(number + 1), error


def _of_archive(path: Path) -> Members | None:
    try:
        archive = zipfile.ZipFile(path)
    except Exception:  # noqa: BLE001 - `load` says what is wrong
        return None
    found = [one for one in archive.infolist() if not one.is_dir()]
    infos = [one for one in found if one.filename.endswith(_DOCUMENTS)]
    lines = any(_is_lines(PurePosixPath(one.filename).name) for one in found)
    if lines or not 2 <= len(infos) <= reading.MOST_FILES:
        archive.close()
        return None
    return Members(len(infos), True, _each_of(archive, infos))


def _each_of(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]
) -> Iterator[tuple[str, Member | HistoryError]]:
    names = [PurePosixPath(one.filename).name for one in infos]
    plain = len(set(names)) == len(names)
    with archive:
        for name, info in zip(names, infos, strict=True):
            called = name if plain else info.filename
            try:
                yield called, Member(reading.zip_member(archive, info), called)
            except HistoryError as error:
                yield called, type(error)(f"{called}: {error.message}", cure=error.cure)
