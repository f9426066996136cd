"""What an audit has done, kept in a file as it is done, so that the next one goes on from there.

The file is lines of JSON: what the audit is of, the files of code that it ran, and one line a history. A history is known by
its content, so one that has grown since is replayed anew, and so is everything when the code has changed. Of a cause only
its example is not in the file: that history is replayed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from durable_debug.engine.read_files import CodeState, digest_of
from durable_debug.engine.taken_lines import Lines
from durable_debug.errors import OptionError
from durable_debug.history import History
from durable_debug.sources import Member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.audits.rows import Row

__all__ = ["Journal", "fingerprint"]

_FORM = 1  # of the file
_NOT_KEPT = ("history", "cause", "causes")  # of a row: they depend on the histories beside it


def fingerprint(content: object) -> bytes | None:
    """Give what stands for a history as it is given; None where that can't be known without fetching it."""
    try:
        if isinstance(content, str):
            with open(content, "rb") as file:  # noqa: PTH123 - of a text
                raw = file.read()
        elif isinstance(content, Member):
            raw = content.getvalue()
        elif isinstance(content, History):
            told = (content.arn, content.raw, dict(content.execution), content.redacted)
            raw = orjson.dumps(told, default=str)
        elif isinstance(content, bytes | bytearray):
            raw = bytes(content)
        elif isinstance(content, dict | list):
            raw = orjson.dumps(content, default=str)
        else:
            raw = pickle.dumps(content)
    except Exception:  # noqa: BLE001 - whatever it is, it is read where it is replayed
        return None
    return hashlib.blake2b(raw, digest_size=16).digest()


class Known(NamedTuple):
    """What a file knows of a history.

    Attributes
    ----------
    row
        Values of its row, by name.
    marks
        What stands for each of its causes, and the worst of it there.
    unfit
        See `Checked`.
    """

    row: dict[str, Any]
    marks: list[tuple[str, int]]
    unfit: tuple[str, ...] | None


class Journal:
    """The file of one audit.

    Parameters
    ----------
    path
        Made where it is not there.
    about
        What the audit is of: handlers and options, as texts. A file that is of something else is refused.
    state
        The code, as the first process of this audit has it.
    roots
        Folders of the handlers: files of code are named from there, so that another worktree of the same code is the same.

    Attributes
    ----------
    remark
        What became of what was in the file, a sentence.

    Raises
    ------
    OptionError
        The file is of another audit, is none, is being written by another one, or can't be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        about: Mapping[str, Any],
        state: CodeState,
        roots: tuple[str, ...],
    ) -> None:
        self.path = Path(path).expanduser()
        self._about = {"durable_debug": _FORM, **json.loads(json.dumps(about, default=str))}
        self._packages = state.packages
        self._roots = roots
        self._known: dict[int, int] = {}  # by the beginning of a fingerprint, where its line is
        self._files: dict[str, str] = {}
        self.lines = Lines()  # that were taken before
        self.remark = ""
        try:
            self._file = self.path.open("a+b")
            _lock(self._file, self.path)
        except OSError as error:
            raise OptionError(
                f"{self.path} can't be written: {error.strerror}.", cure="Name another file to resume from."
            ) from None
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise
        self.note(state.files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    # ---- what was done before

    def _read(self) -> None:
        self._file.seek(0)
        first = self._file.readline()
        head = _parsed(first)
        if not first.endswith(b"\n") and first[:15] == b'{"durable_debug"'[: len(first[:15])]:
            self._begin()  # empty, or stopped in its first line
            return
        if "durable_debug" not in head:
            raise OptionError(
                f"{self.path} is no file that an audit has written.",
                cure="Name another file to resume from.",
            )
        packages = head.pop("packages", None)
        other = next((k for k in {**head, **self._about} if head.get(k) != self._about.get(k)), None)
        if other is not None:
            raise OptionError(
                f"{self.path} is of an audit with another {other}: {head.get(other)!s:.80}, now "
                f"{self._about.get(other)!s:.80}.",
                cure="Name another file to resume from, or delete this one.",
            )
        changed = "the interpreter or a package"
        if packages == self._packages:
            changed = self._done_before() or ""
        if changed:
            self.remark = (
                f"Nothing was taken from {self.path}: {changed} has changed since, and all was replayed anew."
            )
            self._begin()

    def _done_before(self) -> str | None:
        """Note where each history's line is; a file of code that has changed is the end of it."""
        end = self._file.tell()
        for line in iter(self._file.readline, b""):
            if not line.endswith(b"\n"):
                break  # of one who was stopped in the middle
            found = _parsed(line)
            for name, digest in found.get("files", {}).items():
                if digest != digest_of(self._place(name)):
                    return str(name.partition(":")[2] or name)
                self._files[name] = digest
            if "lines" in found:
                told = found["lines"]
                arcs = {self._place(name): set(map(tuple, some)) for name, some in told["arcs"].items()}
                bodies = {self._place(name): set(some) for name, some in told["bodies"].items()}
                self.lines.add(Lines(arcs, bodies))
            if "key" in found:
                self._known[_short(bytes.fromhex(found["key"]), found["row"]["sdk"])] = end
            end = self._file.tell()
        self._file.truncate(end)
        return None

    def _begin(self) -> None:
        self._known, self._files, self.lines = {}, {}, Lines()
        self._file.truncate(0)
        self._write({**self._about, "packages": self._packages})

    def known(self, mark: bytes | None, sdk: str | None) -> Known | None:
        """Give what is in the file of a history; None where it is not there."""
        at = self._known.get(_short(mark, sdk)) if mark is not None else None
        if at is None or mark is None:
            return None
        self._file.seek(at)
        found = _parsed(self._file.readline())
        if found.get("key") != mark.hex() or found["row"]["sdk"] != sdk:
            return None
        row = found["row"]
        row["kinds"] = tuple(row["kinds"])
        row["started"] = datetime.fromisoformat(row["started"]) if row["started"] else None
        unfit = found["unfit"]
        marks = [(str(key), int(weight)) for key, weight in found["causes"]]
        return Known(row, marks, None if unfit is None else tuple(unfit))

    # ---- what is done now

    def add(self, mark: bytes, row: Row, marks: list[tuple[str, int]], unfit: tuple[str, ...] | None) -> None:
        """Write one history down."""
        kept = {name: value for name, value in asdict(row).items() if name not in _NOT_KEPT}
        self._write({"key": mark.hex(), "causes": marks, "unfit": unfit, "row": kept})

    def note(self, files: Mapping[str, str]) -> None:
        """Write down which code was run."""
        named = {self._name(file): digest for file, digest in files.items()}
        new = {name: digest for name, digest in named.items() if self._files.get(name) != digest}
        if new:
            self._files.update(new)
            self._write({"files": new})

    def note_lines(self, lines: Lines) -> None:
        """Write down which lines were taken for the first time."""
        if lines:
            arcs = {self._name(file): sorted(found) for file, found in lines.arcs.items()}
            bodies = {self._name(file): sorted(found) for file, found in lines.bodies.items()}
            self._write({"lines": {"arcs": arcs, "bodies": bodies}})

    def _write(self, found: Mapping[str, Any]) -> None:
        line = json.dumps(found, default=_plain, separators=(",", ":")).encode()
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as error:
            raise OptionError(
                f"{self.path} can't be written: {error.strerror}.", cure="Make room, and audit again."
            ) from None

    def _name(self, file: str) -> str:
        """Name a file from the folder of the handler that is nearest to it."""
        for number, root in enumerate(self._roots):
            if file.startswith(root + os.sep):
                return f"{number}:{os.path.relpath(file, root)}"
        return f"0:{os.path.relpath(file, self._roots[0])}" if self._roots else file

    def _place(self, name: str) -> str:
        number, colon, rest = name.partition(":")
        if colon and number.isdigit() and int(number) < len(self._roots):
            return os.path.normpath(os.path.join(self._roots[int(number)], rest))  # noqa: PTH118 - of texts
        return name


def _short(mark: bytes, sdk: str | None) -> int:
    return int.from_bytes(hashlib.blake2b(mark + str(sdk).encode(), digest_size=7).digest())


def _parsed(line: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        found = orjson.loads(line)
        if isinstance(found, dict):
            return found
    return {}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lock(file: Any, path: Path) -> None:
    """Refuse to write where another audit does; it ends with the process."""
    try:
        import fcntl
    except ImportError:  # a system without
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise OptionError(
            f"Another audit is writing {path}.", cure="Wait for it, or name another file to resume from."
        ) from None
