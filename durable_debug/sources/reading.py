"""From bytes to a parsed document: unpacked, decoded, JSON or one JSON document on each line."""

from __future__ import annotations

import contextlib
import gc
import json
import zlib
from typing import TYPE_CHECKING, Any

import orjson

from durable_debug.errors import DurableDebugError, HistoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_BYTES", "is_database", "is_zip", "parsed"]

MOST_BYTES = 1 << 30
"""An execution writes at most 100 MB *(docs)*: what unpacks to more is no history."""
_SIP = 1024  # bytes that zstandard is given at once: it has no limit of its own to what it makes of them
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def is_zip(raw: bytes) -> bool:
    """Whether this begins as a zip archive does."""
    return raw.startswith(b"PK\x03\x04")


def is_database(raw: bytes) -> bool:
    """Whether this begins as an sqlite database does."""
    return raw.startswith(b"SQLite format 3\x00")


def parsed(raw: bytes) -> Any:
    """Parse the content of a file.

    Parameters
    ----------
    raw
        JSON, or one JSON document on each line, in UTF-8 or UTF-16, perhaps packed as gzip or zstandard: told by its first
        bytes, not by a name.

    Raises
    ------
    HistoryError
        It is none of these.
    """
    return _json(_unpacked(raw))


def _unpacked(raw: bytes) -> bytes:
    if raw.startswith(b"\x1f\x8b"):
        return _gunzip(raw)
    if raw.startswith(b"\x28\xb5\x2f\xfd"):
        return _unzstd(raw)
    return raw


def _gunzip(raw: bytes) -> bytes:
    content = b""
    try:
        while raw:  # members one after another, as `cat a.gz b.gz` makes them
            unpacker = zlib.decompressobj(wbits=31)
            content += unpacker.decompress(raw, MOST_BYTES - len(content) + 1)
            if len(content) > MOST_BYTES:
                raise _too_large()
            if not unpacker.eof:
                raise HistoryError("The gzip file is cut short.", cure="Get it again.")
            raw = unpacker.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise HistoryError(f"The gzip file is broken: {error}.", cure="Get it again.") from None
    return content


def _unzstd(raw: bytes) -> bytes:
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # before Python 3.14
        return _unzstd_by_package(raw)
    content = b""
    try:
        while raw:
            unpacker = ZstdDecompressor()
            content += unpacker.decompress(raw, MOST_BYTES - len(content) + 1)
            if len(content) > MOST_BYTES:
                raise _too_large()
            if not unpacker.eof:
                raise HistoryError("The zst file is cut short.", cure="Get it again.")
            raw = unpacker.unused_data
    except ZstdError as error:
        raise HistoryError(f"The zst file is broken: {error!s:.200}.", cure="Get it again.") from None
    return content


def _unzstd_by_package(raw: bytes) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise DurableDebugError(
            "To read .zst files, Python 3.14 or zstandard is needed.",
            cure="Install it with: pip install zstandard",
        ) from None
    content = bytearray()
    try:
        while raw:
            unpacker = zstandard.ZstdDecompressor().decompressobj()
            for at in range(0, len(raw), _SIP):
                content += unpacker.decompress(raw[at : at + _SIP])
                if len(content) > MOST_BYTES:
                    raise _too_large()
                if unpacker.eof:
                    raw = unpacker.unused_data + raw[at + _SIP :]
                    break
            else:
                raise HistoryError("The zst file is cut short.", cure="Get it again.")
    except zstandard.ZstdError as error:
        raise HistoryError(f"The zst file is broken: {error!s:.200}.", cure="Get it again.") from None
    return bytes(content)


def _too_large() -> HistoryError:
    return HistoryError(f"It unpacks to more than {MOST_BYTES:,} bytes.", cure="No history is that large.")


def _json(raw: bytes) -> Any:
    if not raw.strip():
        raise HistoryError(
            "It is empty.", cure="Write it again, and look at what the command that wrote it says."
        )
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):  # PowerShell's `>` writes UTF-16
            with contextlib.suppress(UnicodeError):
                raw = raw.decode(encoding).encode()
            break
    try:
        with _no_collection():
            return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        return json.loads(raw)  # lone surrogates, that the faster parser refuses
    except (ValueError, RecursionError):
        pass
    try:
        return [orjson.loads(line) for line in raw.splitlines() if line.strip()]
    except orjson.JSONDecodeError:
        raise HistoryError(
            f"It is not JSON ({reason:.120}); it begins with {raw[:40].decode(errors='replace')!r}.",
            cure="Ask the AWS CLI for `--output json`, and check that the file is whole.",
        ) from None


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
