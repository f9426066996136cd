"""From a file to a parsed document: read, unpacked, decoded, JSON or one JSON document on each line.

What is read may be hostile, broken, or not what it seems, so there are bounds. They are far above what an execution can hold:
Lambda lets one write 100 MB and ask for 3,000 operations *(docs, 2026-11)*. Whoever has more raises them for the process:
``reading.MOST_BYTES = 4 << 30``.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import re
import stat
import time
from math import isfinite
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from durable_debug.errors import HistoryError
from durable_debug.sources import unpacking

if TYPE_CHECKING:
    import os
    import zipfile
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "MOST_BYTES",
    "MOST_FILES",
    "MOST_SECONDS",
    "MOST_VALUES",
    "is_database",
    "is_tar",
    "is_zip",
    "lift",
    "opened",
    "parsed",
    "require_shallow",
    "taken",
    "unpacked",
    "zip_member",
]

MOST_BYTES = 512 << 20
"""Of one document, unpacked."""
MOST_VALUES = 5_000_000
"""Objects, lists, numbers and texts in one document: each takes fifty bytes and more, and two to write down."""
MOST_FILES = 200_000
"""In one archive or database."""
MOST_SECONDS = 60.0
"""That a file from elsewhere may take to come."""

_SIP = 64 << 10
_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
)
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_LINE = re.compile(rb"[^\n]+")
_DEEPEST = 254  # levels, as the fast encoder has it; what walks through a document calls itself for each


def is_zip(raw: bytes | bytearray) -> bool:
    """Whether this begins as a zip archive does."""
    return raw.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_tar(raw: bytes | bytearray) -> bool:
    """Whether this, when it is `unpacked`, is a tar archive."""
    return raw[257:262] == b"ustar"


def is_database(raw: bytes | bytearray) -> bool:
    """Whether this begins as an sqlite database does."""
    return raw.startswith(b"SQLite format 3\x00")


def parsed(raw: bytes | bytearray) -> Any:
    """Parse the content of a file.

    Parameters
    ----------
    raw
        JSON, or one JSON document on each line, in UTF-8 or UTF-16, perhaps packed as gzip, bzip2, xz or zstandard: told by
        its first bytes, not by a name.

    Raises
    ------
    HistoryError
        It is none of these, or too much.
    """
    if len(raw) > MOST_BYTES:
        raise _too_large("It holds")
    try:
        content = unpacked(raw)
        if is_tar(content):
            raise HistoryError("It is a tar archive.", cure="Unpack it, and give the folder.")
        return _json(content)
    except MemoryError:
        raise _no_room() from None


def _no_room() -> HistoryError:
    return HistoryError("It does not fit into this machine's memory.", cure="Load its executions one by one.")


def lift(name: str) -> str:
    """Say how a bound is raised."""
    value = globals()[name]
    return f"If it is meant, raise the bound: durable_debug.sources.reading.{name} = … (it is {value:,})."


def _too_large(what: str = "It unpacks to") -> HistoryError:
    """More bytes than `MOST_BYTES`."""
    return HistoryError(
        f"{what} more than {MOST_BYTES:,} bytes.", cure=f"No history is that large. {lift('MOST_BYTES')}"
    )


def regular(status: os.stat_result) -> str:
    """Say what is there, if it is no regular file; else an empty text."""
    if stat.S_ISREG(status.st_mode):
        return ""
    return next((kind for is_it, kind in _KINDS if is_it(status.st_mode)), "no regular file")


def opened(path: Path) -> BinaryIO:
    """Open a regular file; others may have no end, or wait for somebody who writes.

    Raises
    ------
    HistoryError
        It is something else.
    OSError
        It cannot be opened.
    """
    if kind := regular(path.stat()):
        raise HistoryError(
            f"{str(path)!r:.200} is {kind}, not a file.",
            cure="Write what comes out of it into a file, and give that.",
        )
    return path.open("rb")


def taken(file: Any, start: bytes = b"", *, deadline: float | None = None) -> bytearray:
    """Read what is left of a file, but not more than is bearable.

    Parameters
    ----------
    file
        With ``read(size)``, which gives bytes or text.
    start
        What was read of it before.
    deadline
        By `time.monotonic`, when it has to have come.

    Raises
    ------
    HistoryError
        It is too much, takes too long, or is neither bytes nor text.
    """
    content = bytearray(start)
    while True:
        try:
            some = file.read(_SIP)
        except TypeError:  # takes no size
            file = io.BytesIO(_bytes(file.read()))
            continue
        if not some:
            _bytes(some)
            return content
        content += _bytes(some)
        if len(content) > MOST_BYTES:
            raise _too_large("It holds")
        if deadline is not None and time.monotonic() > deadline:
            raise HistoryError(
                f"It did not come within {MOST_SECONDS:g} s.",
                cure=f"Download it first. {lift('MOST_SECONDS')}",
            )


def _bytes(content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode(errors="surrogatepass")
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    raise HistoryError(
        f"Reading it gives a {type(content).__name__}.", cure="Give an open file, or what it holds."
    )


def unpacked(raw: bytes | bytearray) -> bytes | bytearray:
    """Unpack what gzip, bzip2, xz or zstandard packed; give back what is not.

    Raises
    ------
    HistoryError
        It is broken, or too much.
    """
    try:
        return unpacking.unpacked(raw, MOST_BYTES)
    except unpacking.TooLargeError:
        raise _too_large() from None
    except MemoryError:
        raise _no_room() from None


def zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytearray:
    """Unpack one file of an archive; what the archive says of its size is not believed.

    Raises
    ------
    HistoryError
        It is broken, too large, encrypted, or packed in another way.
    """
    try:
        return unpacking.zip_member(archive, info, MOST_BYTES)
    except unpacking.TooLargeError:
        raise _too_large() from None


def _json(raw: bytes | bytearray) -> Any:
    if not raw or raw.isspace():
        raise HistoryError(
            "It is empty.", cure="Write it again, and look at what the command that wrote it says."
        )
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):  # PowerShell's `>` writes UTF-16
            with contextlib.suppress(UnicodeError):
                raw = raw.decode(encoding).encode()
            break
    _require_few_values(raw)
    try:
        with _no_collection():
            return require_shallow(orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        # What the faster parser refuses: lone surrogates, and whole numbers beyond its bounds.
        return require_shallow(json.loads(raw, parse_constant=_no_number, parse_float=_number))
    except HistoryError:
        raise
    except (ValueError, RecursionError):
        pass
    try:
        return require_shallow([orjson.loads(line) for line in _lines(raw)])
    except orjson.JSONDecodeError:
        raise _no_json(bytes(raw[:4096]).decode(errors="replace"), reason) from None


def _no_number(text: str) -> float:
    """Refuse NaN and Infinity, which JSON does not have, and which nobody could write again."""
    raise ValueError(text)


def _number(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _no_number(text)


def _no_json(start: str, reason: str) -> HistoryError:
    """Say what it looks like, and how the tool that wrote it is asked for JSON."""
    told = f"It is not JSON ({reason:.120}); it begins with {start[:40]!r}."
    if "Event Id" in start and "│" in start:
        told = "It is the table that SAM prints, which cuts what it shows."
        cure = (
            "Ask SAM for `--format json`: `sam remote execution history ARN --format json`, or `sam local …`."
        )
    elif start.lstrip().startswith("Execution Summary:"):
        told = "It is the summary that SAM prints, and no history."
        cure = "Ask SAM for the history: `sam remote execution history ARN --format json`, or `sam local …`."
    else:
        cure = "Ask the AWS CLI for `--output json`, and check that the file is whole."
    return HistoryError(told, cure=cure)


def _lines(raw: bytes | bytearray) -> Iterator[bytes]:
    """The lines that hold something, one at a time: a file may be nothing but ends of lines."""
    count = 0
    for found in _LINE.finditer(raw):
        line = found[0]
        if not line.isspace():
            count += 1
            if count > MOST_VALUES:
                raise _too_many()
            yield line


def _require_few_values(raw: bytes | bytearray) -> None:
    """Refuse what takes many times its own size when it is parsed."""
    if len(raw) <= 2 * MOST_VALUES:  # a value has two bytes at least, with what parts it from the next
        return
    if _values(raw) > MOST_VALUES and _values(_TEXTS.sub(b"", raw)) > MOST_VALUES:
        raise _too_many()


def _too_many() -> HistoryError:
    return HistoryError(
        f"It holds more than {MOST_VALUES:,} values.",
        cure=f"No history holds so many: its payloads are text. {lift('MOST_VALUES')}",
    )


def _values(raw: bytes | bytearray) -> int:
    """How many there can be: one behind each of these, or less."""
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def require_shallow(document: Any) -> Any:
    """Give back a document that can be walked through.

    Raises
    ------
    HistoryError
        It is nested too deep, or without an end.
    """
    with contextlib.suppress(
        orjson.JSONEncodeError
    ):  # the quickest way through a document, which has a bound of its own
        orjson.dumps(document)
        return document
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(_DEEPEST):
        level = [
            inner
            for held in level
            for inner in (held.values() if type(held) is dict else held)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return document
        if len(level) > MOST_VALUES:
            raise _too_many()
    raise HistoryError(
        f"It is nested more than {_DEEPEST} levels deep.", cure="No history is: check where it came from."
    )


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Parsing makes thousands of containers, none of them garbage: looking for some takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
