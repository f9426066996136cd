"""What is open already, and could be written to without a word: files, pipes, sockets, databases.

CPython reports that something is opened, not that it is written to. So what was open before is looked up once, from
the list that the operating system keeps; a write to something in that list reaches the outside. Most processes have
no file open for writing but their standard streams: only where there is one, the calls that watched threads make into
C are looked at one by one, which costs time (see `watching`).
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "ALL",
    "STREAMS",
    "Listing",
    "Opened",
    "listed",
    "now",
    "reached",
    "reached_by",
    "spare",
    "writable",
]

fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None
_WRITES = os.O_WRONLY | os.O_RDWR
_LIST = next((path for path in ("/proc/self/fd", "/dev/fd") if Path(path).is_dir()), None)
_NOTEBOOKS = ("history.sqlite", "history.sqlite-journal", "history.sqlite-wal")  # IPython keeps it open

_Key = tuple[int, int]  # device and inode: also of a pipe or socket, and the same for a duplicate
_spared: set[int] = set()


def spare(descriptor: int) -> None:
    """Take a descriptor for one of this package's own, which the user's code does not have."""
    _spared.add(descriptor)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was open at a moment.

    Attributes
    ----------
    keys
        Everything, by device and inode; None where the system keeps no list, and for all that is there.
    files
        Whether files or pipes, other than the standard streams, can be written to.
    """

    keys: frozenset[_Key] | None
    files: bool

    def __contains__(self, key: _Key) -> bool:
        return self.keys is None or key in self.keys


ALL = Opened(None, files=True)  # all that is open, whenever it was opened


def _key(descriptor: int) -> _Key | None:
    try:
        facts = os.fstat(descriptor)
    except (OSError, OverflowError):
        return None
    return facts.st_dev, facts.st_ino


def _of_streams() -> list[int]:
    """The standard streams, and those that a notebook keeps of them while it has others in their place."""
    kept = [getattr(stream, "_original_stdstream_copy", None) for stream in (sys.stdout, sys.stderr)]
    return [1, 2, *[descriptor for descriptor in kept if isinstance(descriptor, int)]]


def now() -> Opened:
    """Look what is open."""
    return listed().opened()


@dataclass(frozen=True, slots=True)
class Listing:
    """The descriptors of this process at a moment; two that are equal tell that nothing was opened in between.

    Attributes
    ----------
    entries
        Of each its number, its device and inode, and of a file or pipe how it was opened (else None); None where the
        system keeps no list.
    streams
        Numbers of the standard streams.
    """

    entries: tuple[tuple[int, _Key, int | None], ...] | None
    streams: tuple[int, ...]

    def opened(self) -> Opened:
        """What was open then."""
        if self.entries is None:
            return Opened(None, files=True)
        standard = {key for descriptor, key, _ in self.entries if descriptor in self.streams}
        others = [one for one in self.entries if one[0] > 2 and one[1] not in standard]
        files = any(
            flags is not None
            and bool(flags & _WRITES)
            and descriptor not in _spared
            and not _inherited(descriptor)
            and not _path(descriptor).endswith(_NOTEBOOKS)
            for descriptor, _, flags in others
        )
        return Opened(frozenset([key for _, key, _ in others]), files)


def listed() -> Listing:
    """List what is open: before each pass, and at each stop of a debugger."""
    streams = tuple(_of_streams())
    if _LIST is None:
        return Listing(None, streams)
    entries = []
    for name in os.listdir(_LIST):  # noqa: PTH208 - names only
        descriptor = int(name)
        try:
            facts = os.fstat(descriptor)
        except OSError:  # the list itself, which is closed by now
            continue
        mode, flags = facts.st_mode, None
        if descriptor > 2 and (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            flags = _flags(descriptor)
        entries.append((descriptor, (facts.st_dev, facts.st_ino), flags))
    return Listing(tuple(entries), streams)


def _flags(descriptor: int) -> int:
    """How a descriptor was opened; for writing, where that can't be told."""
    try:
        return int(fcntl.fcntl(descriptor, fcntl.F_GETFL)) if fcntl is not None else _WRITES
    except OSError:
        return _WRITES


def writable(descriptor: int) -> bool:
    """Whether a descriptor was opened for writing."""
    return bool(_flags(descriptor) & _WRITES)


def _inherited(descriptor: int) -> bool:
    """Whether it comes from the process that began this one: what Python opens is closed at exec (PEP 446)."""
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


def _path(descriptor: int) -> str:
    try:
        return os.readlink(f"{_LIST}/{descriptor}")  # noqa: PTH115 - for every replay
    except OSError:
        return f"descriptor {descriptor}"


def reached(descriptor: int, before: Opened) -> tuple[str, str] | None:
    """What a write to a descriptor reaches outside: the kind of side effect, and words; None if nothing.

    Nothing are the standard streams, devices such as a terminal, and what was opened since.
    """
    try:
        facts = os.fstat(descriptor)
    except (OSError, OverflowError):
        return None
    key = (facts.st_dev, facts.st_ino)
    if descriptor in {1, 2} or stat.S_ISCHR(facts.st_mode) or key in map(_key, _of_streams()):
        return None
    if key not in before:
        return None
    if stat.S_ISSOCK(facts.st_mode):
        return "network", f"send to {_peer(descriptor)}"
    if stat.S_ISFIFO(facts.st_mode):
        return "process", "write to a pipe"
    return "file", f"write to {_path(descriptor)}"


def _peer(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        twin = socket.socket(fileno=os.dup(descriptor))
        try:
            return str(twin.getpeername() or "a socket of this machine")
        finally:
            twin.close()
    return "a socket"


def reached_by(file: Any, before: Opened) -> tuple[str, str] | None:
    """What a write to a file object reaches."""
    try:
        return reached(file.fileno(), before)
    except (AttributeError, OSError, TypeError, ValueError):  # in memory, or closed
        return None


STREAMS = (io.FileIO, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)
