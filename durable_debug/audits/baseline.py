"""What a team has looked at and accepted: a file of divergences that no longer fail an audit.

An entry names what differs and in which function of which file, but no line, so that it outlives edits elsewhere. Of
payloads and results it has the shape, since their values are another execution's tomorrow.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.audits.check import OBSTACLES
from durable_debug.audits.repository import path_in_repository
from durable_debug.divergence.facts import (
    Argument,
    Branches,
    Ending,
    Error,
    Failed,
    Operations,
    Raises,
    Result,
    Said,
    Side,
)
from durable_debug.errors import OptionError
from durable_debug.wording import counted, named

if TYPE_CHECKING:
    import os

    from durable_debug.audits.check import Checked
    from durable_debug.divergence.divergence import Divergence

__all__ = ["Acceptance", "Accepted", "Baseline"]

_FORMAT = 1
_MOST_GONE = 5
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_VARIES = re.compile(rf"{_UUID}|0x[0-9a-f]+|\b[0-9a-f]{{12,}}\b|(?<![A-Za-z0-9])\d+(?:\.\d+)?", re.IGNORECASE)
_PAYLOADS = frozenset({"payload"})  # arguments whose value is the execution's, not the code's


@dataclass(frozen=True, slots=True, order=True)
class Accepted:
    """One divergence that is accepted.

    Attributes
    ----------
    file, function
        Where in the code: from the repository's root; both empty where no line can be named.
    kind
        Of divergence.
    operation
        What it is about.
    recorded, asked
        Both sides: names in full, numbers as ``#``, payloads and results by their shape.
    times
        At how many places of the code one history showed it at most: one place more is not accepted.
    reason
        Why; written by people, and kept.
    """

    file: str
    function: str
    kind: str
    operation: str
    recorded: str
    asked: str
    times: int = field(default=1, compare=False)
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        what = " → ".join(filter(None, (self.recorded, self.asked))) or self.operation
        at = f" in {self.function}, {self.file}" if self.file else ""
        return f"{self.kind}: {what}{at}"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What came of a baseline.

    Attributes
    ----------
    file
        Its path.
    gone
        Entries that this audit did not meet.
    added, removed
        How many entries an update wrote, or took out; None where nothing was updated.
    """

    file: str
    gone: tuple[Accepted, ...] = ()
    added: int | None = None
    removed: int | None = None

    def remarks(self) -> list[str]:
        """Tell what is in the file for nothing, or what was written there."""
        if self.added is not None:
            removed = f", {self.removed:,} removed" if self.removed else ""
            return [f"{self.file}: {counted(self.added, 'entry', 'entries')} added{removed}."]
        if not self.gone:
            return []
        more = f"; and {len(self.gone) - _MOST_GONE:,} more" if len(self.gone) > _MOST_GONE else ""
        entries = "; ".join(map(str, self.gone[:_MOST_GONE]))
        count = counted(len(self.gone), "entry", "entries")
        return [f"{count} of {self.file} no longer met, an update of the baseline removes: {entries}{more}."]


class Baseline:
    """The accepted list of one audit: asked for each finding, and written where that was asked for.

    Parameters
    ----------
    path
        Its file; None where there is none, and nothing is accepted.
    update
        Whether whatever is met is accepted, and written by `done`.

    Raises
    ------
    OptionError
        The file can't be read, or is none; or there is none to update.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, update: bool = False) -> None:
        if path is None and update:
            raise OptionError(
                "There is no baseline to update.", cure="Name its file, too: baseline='accepted.json'."
            )
        self._path = None if path is None else Path(path).expanduser()
        self._update = update
        self._entries = {} if self._path is None else _read(self._path, may_be_missing=update)
        self._met: dict[Accepted, Accepted] = {}

    @property
    def is_asked(self) -> bool:
        """Whether there is such a file, or is to be."""
        return self._path is not None

    def accepts(self, checked: Checked) -> tuple[bool, ...]:
        """Say of each finding of one history whether it is accepted.

        What keeps a history from being compared never is; nor is anything of a history that has more findings than travel
        between processes, since nobody looked at the rest.
        """
        if self._path is None or checked.divergences > len(checked.findings):
            return (False,) * len(checked.findings)
        times: Counter[Accepted] = Counter()
        return tuple(self._accepts(one, times) for one in checked.findings)

    def _accepts(self, one: Divergence, times: Counter[Accepted]) -> bool:
        """Say it of one, `times` being those of its history that were asked for before."""
        if one.kind in OBSTACLES:
            return False
        key = _entry(one)
        times[key] += 1
        known = self._met.get(key) or self._entries.get(key)
        if self._update:
            met = self._met.get(key)
            most = max(times[key], met.times if met is not None else 1)
            known = replace(key, times=most, reason=known.reason if known is not None else "")
        if known is None:
            return False
        self._met[key] = known
        return times[key] <= known.times

    def done(self, *, partial: bool) -> Acceptance | None:
        """Tell what came of it, and write the file where that was asked for.

        Parameters
        ----------
        partial
            Whether not all that there is was looked at: an entry that was not met may still be there, and stays.

        Raises
        ------
        OptionError
            The file can't be written.
        """
        if self._path is None:
            return None
        gone = () if partial else tuple(sorted(key for key in self._entries if key not in self._met))
        if not self._update:
            return Acceptance(str(self._path), tuple(self._entries[key] for key in gone))
        kept = {key: one for key, one in self._entries.items() if key not in gone}
        for key, one in self._met.items():
            least = kept[key].times if partial and key in kept else 1
            kept[key] = replace(one, times=max(one.times, least))
        _write(self._path, sorted(kept.values()))
        return Acceptance(str(self._path), (), len(kept.keys() - self._entries.keys()), len(gone))


def _read(path: Path, *, may_be_missing: bool) -> dict[Accepted, Accepted]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _FORMAT:
            raise OptionError(
                f"{path} is of version {document['version']!r:.40}.",
                cure=f"This durable_debug reads version {_FORMAT}: update it, or the file.",
            )
        entries = [Accepted(**one) for one in document["accepted"]]
        odd = [
            f"{name} is {value!r:.80}"
            for one in entries
            for name, value in asdict(one).items()
            if type(value) is not (int if name == "times" else str)
        ]
        if odd:
            raise TypeError(odd[0])  # noqa: TRY301
    except FileNotFoundError:
        if may_be_missing:
            return {}
        raise OptionError(
            f"There is no baseline {path}.",
            cure="An audit with --update-baseline (update_baseline=True) writes it.",
        ) from None
    except OSError as error:
        raise OptionError(f"{path} can't be read: {error.strerror}.", cure="Check --baseline.") from None
    except (ValueError, LookupError, TypeError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(
            f"{path} is no baseline: {error!s:.200}.",
            cure="Restore it; or remove it, and update the baseline.",
        ) from None
    return {one: one for one in entries}


def _write(path: Path, entries: list[Accepted]) -> None:
    document = {"version": _FORMAT, "accepted": [asdict(one) for one in entries]}
    try:
        path.write_text(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        raise OptionError(f"{path} can't be written: {error.strerror}.", cure="Check --baseline.") from None


def _entry(one: Divergence) -> Accepted:
    """Make the entry of a divergence."""
    sides = [_plain("" if side is None else _told(side)) for side in one.sides]
    was, now = map(_normal, sides)
    if was == now:  # a number is all that changed
        was, now = sides
    place = one.place
    return Accepted(
        file=path_in_repository(place.file) if place is not None else "",
        function=place.function if place is not None else "",
        kind=one.kind,
        operation=_normal(_plain(named(one.subject))) if one.subject is not None else "",
        recorded=was,
        asked=now,
    )


def _normal(text: str) -> str:
    """Take out what is another execution's tomorrow; a number that belongs to a word (``v2``) stays."""
    return _VARIES.sub("#", text)


def _plain(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


@singledispatch
def _told(side: Side) -> str:
    """Tell a side, without what is another execution's tomorrow."""
    raise TypeError(type(side).__name__)


@_told.register
def _(side: Operations) -> str:
    where = side.where
    parts = [named(identity) for identity in side.identities]
    if where is not None:
        parts.append(f"{where.how} {named(where.context) if where.context is not None else 'the handler'}")
    return ", ".join(parts)


@_told.register
def _(side: Branches) -> str:
    """How many there are is the execution's; which came or went is the code's."""
    names = {
        word: sorted({str(branch.name or "") for branch in branches})
        for word, branches in (("gone", side.gone), ("new", side.new))
    }
    return (
        "; ".join(f"{word}: {', '.join(found)}" for word, found in names.items() if any(found)) or "branches"
    )


@_told.register
def _(side: Argument) -> str:
    value = _shape(side.value.shown) if side.what in _PAYLOADS else side.value.shown
    return f"{side.what}: {value}"


@_told.register
def _(side: Result) -> str:
    return f"result: {_shape(side.value.shown)}"


@_told.register
def _(side: Failed) -> str:
    return f"failed: {_error(side.error)}"


@_told.register
def _(side: Raises) -> str:
    return f"raises: {_error(side.error)}"


@_told.register
def _(side: Ending) -> str:
    parts = [side.status]
    if side.error is not None:
        parts.append(_error(side.error))
    elif side.result is not None:
        parts.append(_shape(side.result.shown))
    return ": ".join(parts)


@_told.register
def _(side: Said) -> str:
    return side.text


def _error(error: Error | None) -> str:
    return "an error" if error is None else f"{error.type or 'an error'}: {error.message.shown}"


def _shape(shown: str) -> str:
    """Give the keys and types of a JSON text; what is too long to be shown is only that."""
    try:
        value = json.loads(shown)
    except ValueError:
        return "long" if shown.endswith("…") else "text"
    return json.dumps(_type(value), ensure_ascii=False)


def _type(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _type(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        kinds = {json.dumps(_type(one)): _type(one) for one in value}
        return [kinds[one] for one in sorted(kinds)]
    return {str: "text", bool: "boolean", int: "number", float: "number"}.get(type(value), "null")
