"""The files in an archive that is held in memory: zip, or tar however it is packed. Folders inside count for nothing."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.sources import reading
from durable_debug.sources.reading import zip_member

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["TarFiles", "ZipFiles"]

_ENTRY = b"PK\x01\x02"  # begins what a zip archive's directory says of one file
_MOST_RATIO = 200  # to which JSON, and not only blanks, may be packed


def _by_name(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Members by the last part of their path, by all of it where two have the same."""
    members = list(members)
    names = Counter(PurePosixPath(path).name for path, _ in members)
    return {
        name if names[name := PurePosixPath(path).name] == 1 else path: member for path, member in members
    }


def _too_many(kind: str) -> HistoryError:
    return HistoryError(
        f"The {kind} archive holds more than {reading.MOST_FILES:,} files.", cure=reading.lift("MOST_FILES")
    )


class ZipFiles:
    """The files in a zip archive.

    Raises
    ------
    HistoryError
        It is none, or holds too many.
    """

    def __init__(self, raw: bytes, where: str) -> None:
        self.where = where
        if raw.count(_ENTRY) > reading.MOST_FILES:
            raise _too_many("zip")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(raw))
            infos = [info for info in self._archive.infolist() if not info.is_dir()]
        except Exception as error:  # noqa: BLE001 - zipfile raises what its parts happen to raise
            raise HistoryError(f"It is a broken zip archive: {error!s:.200}.", cure="Get it again.") from None
        self._infos: dict[str, zipfile.ZipInfo] = _by_name((info.filename, info) for info in infos)
        # Members may lie over each other in the archive, each of them as large as all of it.
        self._bearable = max(reading.MOST_BYTES, _MOST_RATIO * len(raw))
        self._unpacked: dict[str, int] = {}

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        return {name: info.file_size for name, info in self._infos.items()}

    def read(self, name: str) -> bytearray:
        """Content of one file."""
        if sum(self._unpacked.values()) > self._bearable:
            raise HistoryError(
                f"{name} is not unpacked: what came before it is more than {self._bearable:,} bytes.",
                cure="Unpack the archive, and give the folder.",
            )
        content = zip_member(self._archive, self._infos[name])
        self._unpacked[name] = len(content)
        return content


class TarFiles:
    """The files in a tar archive that is unpacked: what is no regular file in it is passed over.

    Raises
    ------
    HistoryError
        It is none, or holds too many.
    """

    def __init__(self, raw: bytes | bytearray, where: str) -> None:
        self.where = where
        self._raw = raw
        try:
            self._infos: dict[str, tarfile.TarInfo] = _by_name(
                (info.name, info) for info in _members(raw) if info.isreg()
            )
        except HistoryError:
            raise
        except Exception as error:  # noqa: BLE001 - tarfile raises what its parts happen to raise
            raise HistoryError(f"It is a broken tar archive: {error!s:.200}.", cure="Get it again.") from None

    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by name."""
        return {name: info.size for name, info in self._infos.items()}

    def read(self, name: str) -> bytearray:
        """Content of one file."""
        info = self._infos[name]
        if info.issparse():
            raise HistoryError("It is kept with holes in it.", cure="Pack it again, without --sparse.")
        return bytearray(self._raw[info.offset_data : info.offset_data + info.size])


def _members(raw: bytes | bytearray) -> Iterator[tarfile.TarInfo]:
    """Give what the archive says of each of its members; some say that the next one lies before them."""
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
        before, count = -1, 0
        while (info := archive.next()) is not None:
            count += 1
            if count > reading.MOST_FILES:
                raise _too_many("tar")
            if info.offset <= before or not 0 <= info.size <= len(raw):
                raise HistoryError("It is a broken tar archive: it goes in circles.", cure="Get it again.")
            before = info.offset
            yield info
        if raw[archive.offset : archive.offset + tarfile.BLOCKSIZE].strip(
            b"\0"
        ):  # tarfile takes it for the end
            raise HistoryError("It is a broken tar archive, or cut short.", cure="Get it again.")
