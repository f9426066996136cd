"""Which of the histories are audited: by status, function, version and age, or a sample; and how many were left out."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.run import as_history
from durable_debug.errors import HistoryError, OptionError
from durable_debug.history.keeping import INDEX, entry_of
from durable_debug.sources.choice import Choice
from durable_debug.sources.shelves import FolderShelf, LocalFiles
from durable_debug.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from durable_debug.audits.inputs import Source
    from durable_debug.history import History
    from durable_debug.history.keeping import Entry

__all__ = ["Chooser", "Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """How many histories there were, and which of them an audit left out.

    Attributes
    ----------
    found
        Those that were given.
    left_out
        How many for which option: pairs, in the order in which they are looked at.
    unknown
        How many are in although they do not say what was asked for (their function, say).
    fitting
        Those that were not left out; a sample is of these.
    audited
        Those that were audited.
    """

    found: int
    left_out: tuple[tuple[str, int], ...]
    unknown: int
    fitting: int
    audited: int

    def __str__(self) -> str:
        if not self.found:
            return "There is no history to choose from."
        said = f"{self.audited:,} of {counted(self.fitting, 'history', 'histories')} audited, chosen by name."
        if self.audited == self.fitting:
            said = f"{self.audited:,} of {counted(self.found, 'history', 'histories')} chosen."
        if self.left_out:
            said += f" Left out of {self.found:,}: {listed([f'{count:,} by {why}' for why, count in self.left_out])}."
        if self.unknown:
            said += f" {counted(self.unknown, 'history', 'histories')} kept without knowing, since the record does not say."
        return said


class _Facts(NamedTuple):
    """What is asked of one history; None where it does not say."""

    name: str | None
    status: str | None
    function: str | None
    version: str | None
    start: datetime | None


class Chooser:
    """Chooses the histories of one audit, as they come.

    Parameters
    ----------
    status, since
        As for `fetch`.
    function, function_version
        Globs on the function's name and version; one or several.
    sample
        So many of those that fit: always the same ones, by the names of the executions.

    Raises
    ------
    HistoryError
        It is no status or no time.
    OptionError
        It is no pattern, or no number of histories.
    """

    def __init__(
        self,
        *,
        status: str | Iterable[str] | None = None,
        since: str | datetime | timedelta | None = None,
        function: str | Iterable[str] | None = None,
        function_version: str | Iterable[str] | None = None,
        sample: int | None = None,
    ) -> None:
        self._choice = Choice.of(status, since)
        self._function = _globs("function", function)
        self._version = _globs("function_version", function_version)
        if sample is not None and (not isinstance(sample, int) or isinstance(sample, bool) or sample < 1):
            raise OptionError(
                f"sample={sample!r:.80} is no number of histories.",
                cure="Give 1 or more, or leave it out for all of them.",
            )
        self._sample = sample
        self._found = self._fitting = self._unknown = 0
        self._left_out: Counter[str] = Counter()
        self._reasons = {
            "status": f"status (not {' or '.join(sorted(self._choice.statuses))})",
            "function": f"function (not {' or '.join(self._function)})",
            "version": f"version (not {' or '.join(self._version)})",
            "since": f"age (started before {_said(self._choice.earliest)})",
        }

    @property
    def idle(self) -> bool:
        """Whether nothing is asked for, so that no history need be looked at."""
        return not (
            self._sample
            or self._function
            or self._version
            or self._choice.statuses
            or self._choice.earliest is not None
        )

    def chosen(self, sources: Iterator[Source], count: int | None) -> tuple[Iterator[Source], int | None]:
        """Leave out what was not asked for; and tell how many are left, as far as that is known."""
        if self.idle:
            return sources, count
        fitting = self._fit(sources)
        if self._sample is None:
            return (source for source, _ in fitting), None
        return self._some(fitting, self._sample), None if count is None else min(count, self._sample)

    def selection(self, audited: int) -> Selection | None:
        """Tell what came of it; None where nothing was asked for."""
        if self.idle:
            return None
        left_out = tuple(
            (told, self._left_out[why]) for why, told in self._reasons.items() if self._left_out[why]
        )
        return Selection(self._found, left_out, self._unknown, self._fitting, audited)

    def _fit(self, sources: Iterator[Source]) -> Iterator[tuple[Source, str]]:
        """Those that fit, each with its name."""
        index = _Index()
        for given in sources:
            self._found += 1
            facts, history = index.facts(given.content), None
            try:
                if facts is None:
                    history = _read(given.content)
                    facts = _facts(history)
            except HistoryError as error:  # a row of the report, whatever it may be of
                self._fitting += 1
                kept = _is_path(given.content) or isinstance(given.content, HistoryError)
                yield given if kept else replace(given, content=error), given.label
                continue
            why = self._misfit(facts)
            if why is not None:
                self._left_out[why] += 1
                continue
            self._fitting += 1
            self._unknown += self._is_unknown(facts)
            again = given if history is None or _is_path(given.content) else replace(given, content=history)
            yield again, facts.name or given.label

    def _misfit(self, facts: _Facts) -> str | None:
        if not self._choice._replace(earliest=None).fits(facts.status, None):
            return "status"
        for why, globs, value in (
            ("function", self._function, facts.function),
            ("version", self._version, facts.version),
        ):
            if globs and value is not None and not any(fnmatch.fnmatchcase(value, one) for one in globs):
                return why
        return None if self._choice.fits(facts.status, facts.start) else "since"

    def _is_unknown(self, facts: _Facts) -> bool:
        return bool(
            (self._function and facts.function is None)
            or (self._version and facts.version is None)
            or (self._choice.earliest is not None and facts.start is None)
        )

    @staticmethod
    def _some(fitting: Iterator[tuple[Source, str]], most: int) -> Iterator[Source]:
        """Those whose names have the lowest digests: the same ones tomorrow, however many come to them."""
        heap: list[tuple[int, int, Source]] = []  # the highest digest first
        for number, (source, name) in enumerate(fitting):
            digest = hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest()
            one = (-int.from_bytes(digest), -number, source)
            if len(heap) < most:
                heapq.heappush(heap, one)
            else:
                heapq.heappushpop(heap, one)
        yield from (source for _, _, source in sorted(heap, key=lambda one: -one[1]))


class _Index:
    """What the indexes of fetched folders say, so that not every file has to be opened to leave it out."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, Entry]] = {}

    def facts(self, content: object) -> _Facts | None:
        """What a file's line says; None where it has none that tells."""
        if not isinstance(content, str) or not _is_path(content):
            return None
        path = Path(content)
        if path.parent not in self._folders:
            self._folders[path.parent] = self._read(path.parent)
        entry = self._folders[path.parent].get(path.name)
        if entry is None or entry["problem"]:
            return None
        return _Facts(
            entry["name"], entry["status"], entry["function"], entry["version"], _moment(entry["start"])
        )

    @staticmethod
    def _read(folder: Path) -> dict[str, Entry]:
        if (folder / INDEX).is_file():
            with contextlib.suppress(OSError, HistoryError):
                return {entry["file"]: entry for entry in FolderShelf(LocalFiles(folder)).entries()}
        return {}


def _read(content: object) -> History:
    if isinstance(content, HistoryError):  # reading it failed on the way here
        raise content
    return as_history(content)


def _facts(history: History) -> _Facts:
    told = {"DurableExecutionArn": history.arn, "Events": history.raw, "Execution": dict(history.execution)}
    start = None
    with contextlib.suppress(LookupError, TypeError, ValueError, OverflowError, AttributeError):
        start = _moment(entry_of(told, "", 0)["start"])
    return _Facts(history.name, history.status, history.function_name, history.version, start)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _said(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment is not None else ""


def _is_path(content: object) -> bool:
    """Whether a worker can read it again at no cost: what came over a network, or out of a pipe, is kept as it was read."""
    return isinstance(content, str) and "://" not in content and not content.startswith("arn:")


def _globs(name: str, given: str | Iterable[str] | None) -> tuple[str, ...]:
    found = (given,) if isinstance(given, str) else tuple(given or ())
    for one in found:
        if not isinstance(one, str) or not one:
            raise OptionError(
                f"{name}={one!r:.80} is no pattern.", cure=f"Give a text, or several: {name}='orders-*'."
            )
    return found
