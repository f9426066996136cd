"""Unpack what gzip, bzip2, xz, zstandard and zip packed, but not more than is bearable: a few bytes can be a bomb."""

from __future__ import annotations

import bz2
import copy
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING, Protocol

from durable_debug.errors import DurableDebugError, HistoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["TooLargeError", "unpacked", "zip_member"]

_SIP = 16 << 10  # packed bytes at once: what is left of them is copied for each member
_DRAUGHT = 1 << 20  # unpacked bytes at once
_ZSTD_SIP = (
    1024  # packed bytes that zstandard is given at once: it has no limit of its own to what it makes of them
)
_CURE = "Get it again."
_ZIP_ZSTANDARD = 93
_LZMA_HEADER = 9
_LZMA_MEMORY = 256 << 20  # bytes; its highest preset takes 65 MB


class TooLargeError(HistoryError):
    """It unpacks to more than was to be."""

    def __init__(self) -> None:
        super().__init__("It unpacks to too many bytes.")


class _Unpacker(Protocol):
    """What gzip, bzip2, xz and (from Python 3.14) zstandard have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gunzip:
    """zlib keeps what it could not yet unpack for its caller; the others keep it themselves."""

    def __init__(self, wbits: int = 31) -> None:
        self._zlib = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


class _Unzstd:
    """The package zstandard, before Python 3.14."""

    def __init__(self) -> None:
        import zstandard

        self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        self._left = b""

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    @property
    def needs_input(self) -> bool:
        return not self._left

    @property
    def unused_data(self) -> bytes:
        return self._unpacker.unused_data + self._left

    def decompress(self, data: bytes, max_length: int) -> bytes:
        data, made = self._left + data, b""
        at = 0
        while at < len(data) and len(made) < max_length and not self._unpacker.eof:
            made += self._unpacker.decompress(data[at : at + _ZSTD_SIP])
            at += _ZSTD_SIP
        self._left = data[at:]
        return made


def _zstandard() -> _Unpacker:
    try:
        from compression.zstd import ZstdDecompressor  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # before Python 3.14
        try:
            return _Unzstd()
        except ImportError:
            raise DurableDebugError(
                "To read .zst files, Python 3.14 or zstandard is needed.",
                cure="Install it with: pip install 'durable_debug[files]'",
            ) from None
    unpacker: _Unpacker = ZstdDecompressor()
    return unpacker


def unpacked(raw: bytes | bytearray, most: int) -> bytes | bytearray:
    """Unpack what is packed, told by its first bytes; give back what is not.

    Parameters
    ----------
    raw
        One or more members, one after another as `cat a.gz b.gz` makes them.
    most
        Bytes that may come out of it.

    Raises
    ------
    TooLargeError
        It would be more.
    HistoryError
        It is broken.
    """
    for start, name, new in (
        (b"\x1f\x8b", "gzip", _Gunzip),
        (b"BZh", "bz2", bz2.BZ2Decompressor),
        (b"\xfd7zXZ\x00", "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)),
        (b"\x28\xb5\x2f\xfd", "zst", _zstandard),
    ):
        if raw.startswith(start):
            return unpacked(_collected(_members(raw, new, name), f"The {name} file is broken", most), most)
    return raw


def _collected(pieces: Iterator[bytes], broken: str, most: int) -> bytearray:
    content = bytearray()
    try:
        for piece in pieces:
            content += piece
            if len(content) > most:
                break
        else:
            return content
    except (DurableDebugError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - each of these libraries has errors of its own
        raise HistoryError(f"{broken}: {error!s:.200}.", cure=_CURE) from None
    raise TooLargeError


def _members(raw: bytes | bytearray, new: Callable[[], _Unpacker], name: str) -> Iterator[bytes]:
    """Give what all members hold, in pieces."""
    at = 0
    some = b""
    while True:
        unpacker = new()
        while not unpacker.eof:
            if unpacker.needs_input and not some:
                some = bytes(raw[at : at + _SIP])
                at += _SIP
            piece, some = unpacker.decompress(some, _DRAUGHT), b""
            if not piece and not unpacker.eof and at >= len(raw):
                raise HistoryError(f"The {name} file is cut short.", cure=_CURE)
            yield piece
        some = unpacker.unused_data.lstrip(b"\0")  # what fills the last block of a tape
        while not some and at < len(raw):
            some = bytes(raw[at : at + _SIP]).lstrip(b"\0")
            at += _SIP
        if not some:
            return


def _member(raw: bytes | bytearray, unpacker: _Unpacker) -> Iterator[bytes]:
    """Give what one member holds, as far as it goes: a checksum says if it is whole."""
    for at in range(0, len(raw), _SIP):
        piece = unpacker.decompress(bytes(raw[at : at + _SIP]), _DRAUGHT)
        while piece:
            yield piece
            piece = b"" if unpacker.eof else unpacker.decompress(b"", _DRAUGHT)
        if unpacker.eof:
            return


def zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytearray:
    """Unpack one file of an archive; what the archive says of its size is not believed.

    `zipfile` unpacks bzip2 and LZMA by the block, whatever comes out of it. So it only fetches the packed bytes here.

    Raises
    ------
    TooLargeError
        It would be more than `most` bytes.
    HistoryError
        It is broken, encrypted, or packed in another way.
    """
    if info.flag_bits & 1:
        raise HistoryError("It is encrypted.", cure="Zip it again, without a password.")
    packed = copy.copy(info)
    packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
    del packed.CRC  # of what is unpacked
    try:
        with archive.open(packed) as file:
            content = _of_method(file.read(), info.compress_type, most)
    except (DurableDebugError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises what its parts happen to raise
        raise HistoryError(f"It cannot be unpacked: {error!s:.200}.", cure="Zip it again.") from None
    if zlib.crc32(content) != info.CRC:
        raise HistoryError("It cannot be unpacked: its checksum is another.", cure="Zip it again.")
    return content


def _of_method(raw: bytes, method: int, most: int) -> bytearray:
    if method == zipfile.ZIP_STORED:
        pieces = iter([raw])
    elif method == zipfile.ZIP_DEFLATED:
        pieces = _member(raw, _Gunzip(-zlib.MAX_WBITS))
    elif method == zipfile.ZIP_BZIP2:
        pieces = _member(raw, bz2.BZ2Decompressor())
    elif method == zipfile.ZIP_LZMA:
        pieces = _member(raw[_LZMA_HEADER:], _unlzma(raw[:_LZMA_HEADER]))
    elif method == _ZIP_ZSTANDARD:
        pieces = _member(raw, _zstandard())
    else:
        raise HistoryError(f"It is packed by method {method}.", cure="Zip it again, with another program.")
    return _collected(pieces, "It cannot be unpacked", most)


def _unlzma(header: bytes) -> lzma.LZMADecompressor:
    """Begin to unpack LZMA as zip has it: two bytes of a version, two of a size, five of properties, and the data."""
    first, size = header[4], int.from_bytes(header[5:9], "little")
    if size > _LZMA_MEMORY:
        raise HistoryError("To unpack it takes too much memory.", cure="Zip it again, with another method.")
    kind = {"id": lzma.FILTER_LZMA1, "dict_size": max(size, 4096)}
    kind |= {"lc": first % 9, "lp": first // 9 % 5, "pb": first // 45}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[kind])
