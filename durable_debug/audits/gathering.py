"""What becomes of an audit's histories: asked for, taken from what was done before, or taken as the work comes back."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from durable_debug.audits.journal import Journal, fingerprint
from durable_debug.audits.rows import Rows
from durable_debug.engine.taken_lines import Lines
from durable_debug.options import no_such_body
from durable_debug.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from durable_debug.audits.baseline import Baseline
    from durable_debug.audits.check import Checked
    from durable_debug.audits.inputs import Source
    from durable_debug.engine.read_files import CodeState

__all__ = ["Answer", "Asked", "Gathering"]


class _Bar(Protocol):
    def update(self, *, broken: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A history that is to be replayed.

    Attributes
    ----------
    index
        Of its row.
    source
        What it is.
    mark
        What stands for its content; None where nothing is written down.
    sdk
        Version that it is to be replayed through.
    """

    index: int
    source: Source
    mark: bytes | None
    sdk: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    asked: Asked
    checked: Checked


class Gathering:
    """Rows as they come: from the work, and from the file of what was done before.

    Histories are asked for by the threads that give work out, while answers come in.

    Parameters
    ----------
    lines
        How many rows each history has.
    run
        Patterns of bodies to run.
    baseline
        What is accepted.
    """

    def __init__(self, lines: int, run: tuple[str, ...], baseline: Baseline) -> None:
        self.rows = Rows(baseline)
        self.fitting = Fitting(run)
        self.journal: Journal | None = None
        self.bar: _Bar | None = None
        self._lines = lines
        self.lines = Lines()
        self._recalled = 0
        self._lock = threading.Lock()

    def left(self, sources: Iterator[Source], place: int, sdk: str | None) -> Iterator[Asked]:
        """Give the histories that are to be replayed; the others are taken from the file."""
        for number, source in enumerate(sources):
            index = number * self._lines + place
            mark = fingerprint(source.content) if self.journal is not None else None
            if not self._is_known(index, source, mark, sdk):
                yield Asked(index, source, mark, sdk)

    def _is_known(self, index: int, source: Source, mark: bytes | None, sdk: str | None) -> bool:
        if self.journal is None:
            return False
        with self._lock:
            known = self.journal.known(mark, sdk)
            if known is None:
                return False
            label = source.called(known.row["name"])
            if not self.rows.recall(index, label, known.row, known.marks):
                return False
            self.fitting.add(known.unfit, ())
            self._recalled += 1
            self._tell(clean=known.row["clean"])
            return True

    def begin(self, code: CodeState | None, journal: Journal | None) -> None:
        """Take what is there before the first history: the code that a process has imported, and the file."""
        self.journal = journal
        if journal is not None:
            self.lines.add(journal.lines)
        if code is not None:
            lines = self.lines.add(code.lines)
            if journal is not None:
                journal.note_lines(lines)

    def take(self, answer: Answer) -> None:
        """Take what a replay showed."""
        asked, checked = answer.asked, answer.checked
        label = asked.source.called(checked.name)
        with self._lock:
            row = self.rows.add(asked.index, label, checked, asked.sdk)
            self.fitting.add(checked.unfit, checked.names)
            lines = self.lines.add(checked.lines)
            if self.journal is not None:
                self.journal.note(checked.files)
                self.journal.note_lines(lines)
                if asked.mark is not None:
                    marks = self.rows.causes.marks(label, checked.findings, asked.sdk)
                    self.journal.add(asked.mark, row, marks, checked.unfit)
            self._tell(clean=checked.ok)

    def _tell(self, *, clean: bool) -> None:
        if self.bar is not None:
            self.bar.update(broken=not clean)

    def remarks(self) -> tuple[str, ...]:
        """Tell what was taken from the file."""
        if self.journal is None:
            return ()
        told = [self.journal.remark] if self.journal.remark else []
        if self._recalled:
            known = counted(self._recalled, "history", "histories")
            told.append(f"{known} as replayed before, from {self.journal.path}.")
        return tuple(told)


class Fitting:
    """Patterns in `run` that have fitted no operation of any history yet."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._left = patterns
        self._names: set[str] = set()

    def add(self, unfit: tuple[str, ...] | None, names: Iterable[str]) -> None:
        """Take note of one history; of one that could not be replayed nobody knows."""
        self._left = tuple(one for one in self._left if unfit is not None and one in unfit)
        if self._left:
            self._names.update(names)

    def require(self) -> None:
        """Refuse a pattern that fits nothing in any history."""
        for pattern in self._left:
            raise no_such_body(pattern, self._names)
