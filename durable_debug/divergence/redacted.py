"""What of a redacted history can be judged: what the handler does whatever the hidden values were.

Three things tell that a difference comes only of placeholders. The handler had looked at one before (`engine.veiled`): it may
have gone another way. With other placeholders it does something else again. Or the values have the same form, and so may be
the same: a result is compared as it would be redacted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.redacted_values import Values
from durable_debug.divergence.tree import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.divergence.facts import Finding
    from durable_debug.engine.recording import Recording

__all__ = ["Judged", "judged_by_what_is_known", "values_sentence"]

_OF_NAMES = frozenset({"renamed", "branch_name", "reordered", "missing", "unexpected"})
_ALWAYS = frozenset({"side_effect"})
_OTHERS = 4  # times that a handler is replayed with other placeholders, before a difference is told
_SHORTEST = 2  # characters of a text that is looked for in a name


class Judged(NamedTuple):
    """Findings that hold whatever the values were.

    Attributes
    ----------
    kept
        Those.
    left
        How many may come of a placeholder.
    unchecked
        What to say of them, a sentence each.
    """

    kept: list[Finding]
    left: int
    unchecked: tuple[str, ...]


def values_sentence(redacted: Sequence[str], kept: Sequence[str] = ()) -> str:
    """Say that values are placeholders."""
    by = f" ({_some(redacted)})" if redacted else ""
    but = f", except {_some(kept)}" if kept else ""
    return f"Values were redacted{by}{but}: what stands for one is compared by its form."


def _some(rules: Sequence[str]) -> str:
    return ", ".join(f"{rule:.60}" for rule in rules[:5]) + (", …" if len(rules) > 5 else "")


def judged_by_what_is_known(
    findings: Sequence[Finding],
    passes: Sequence[Recording],
    otherwise: Callable[[int], Recording],
) -> Judged:
    """Leave out what a handler may do otherwise only because values are placeholders.

    Parameters
    ----------
    findings
        All, in the order of the replay.
    passes
        The pass that Lambda would make, and the one through to the end.
    otherwise
        Replays with other placeholders, of which a number stands for some: what then is other too depends on them.
    """
    names, values = _Names(passes), Values(passes[-1])
    found = [f for f in findings if not (f.kind in _OF_NAMES and names.explain(f)) and values.differ(f)]
    if not found:
        return Judged([], len(findings), ())
    since, place = _first_look(passes)
    kept = _before(found, since)
    for number in range(1, _OTHERS + 1):
        if all(finding.kind in _ALWAYS for finding in kept):
            break
        other = otherwise(number)
        parts = _parts(passes[-1], other)
        if parts is not None and (since is None or parts < since):
            since, place = parts, None
        kept = [finding for finding in _before(kept, since) if values.hold(finding, other)]
    behind = len(found) - len(_before(found, since))
    if not behind:
        return Judged(kept, len(findings) - len(kept), ())
    assert since is not None
    where = f"From {place[0]}:{place[1]} on" if place is not None else f"From its operation {since + 1} on"
    sentence = (
        f"{where} the handler decides by values that were redacted: "
        f"{behind} difference{'' if behind == 1 else 's'} behind it can't be judged."
    )
    return Judged(kept, len(findings) - len(kept), (sentence,))


def _first_look(passes: Sequence[Recording]) -> tuple[int | None, tuple[str, int] | None]:
    """How many calls came before a placeholder decided anything, and where that was."""
    looks = [
        (each.looks.looked_at, each.looks.place)
        for each in passes
        if each.looks is not None and each.looks.looked_at is not None
    ]
    looks += [
        (len(each.calls), (each.raised.place.file, each.raised.place.line) if each.raised.place else None)
        for each in passes
        if each.raised is not None and each.raised.may_be_of_a_value and not _failed_so(each)
    ]
    return min(looks, key=lambda look: look[0], default=(None, None))


def _failed_so(recording: Recording) -> bool:
    """Whether the execution failed with an exception of the same class."""
    kind = str((recording.history.error or {}).get("ErrorType") or "").rpartition(".")[2]
    return recording.raised is not None and recording.raised.type == kind


def _before(findings: Sequence[Finding], since: int | None) -> list[Finding]:
    """Findings on what was asked for before so many calls, and not between that call and the one before it."""
    return [f for f in findings if since is None or f.kind in _ALWAYS or f.order <= since - 1]


def _parts(first: Recording, other: Recording) -> int | None:
    """The call from which on two passes go different ways; None where they do the same."""
    ours, theirs = first.calls, other.calls
    names, others = _Names((first,)), _Names((other,))
    for at, (one, another) in enumerate(zip(ours, theirs, strict=False)):
        if (one.position, *identity_of(one)[:2]) != (another.position, *identity_of(another)[:2]):
            return at
        name, other_name = one.name or "", another.name or ""
        if not (names.fits(name, other_name) and others.fits(other_name, name)):
            return at
    if len(ours) != len(theirs) or first.outcome.status != other.outcome.status:
        return min(len(ours), len(theirs))
    return None


class _Names:
    """Names of operations that placeholders were written into."""

    def __init__(self, passes: Sequence[Recording]) -> None:
        self._texts = {text for each in passes if each.looks is not None for text in each.looks.texts}
        self._asked = {call.name for call in passes[-1].calls if call.name} if self._texts else set()
        self._recorded = {o.name for o in passes[0].history.tree() if o.name} if self._texts else set()

    def fits(self, name: str, other: str) -> bool:
        """Whether another name is this one but for the placeholders in this one."""
        return name == other or self._could_be(name, other)

    def explain(self, finding: Finding) -> bool:
        """Whether a difference is one of names that are the same but for a placeholder."""
        asked = finding.call.name if finding.call is not None else None
        recorded = finding.operation.name if finding.operation is not None else None
        if finding.kind == "missing":
            return recorded is not None and any(self._could_be(name, recorded) for name in self._asked)
        if asked is None:
            return False
        if finding.kind in {"reordered", "unexpected"}:
            return any(self._could_be(asked, name) for name in self._recorded)
        return recorded is not None and self._could_be(asked, recorded)

    def _could_be(self, asked: str, recorded: str) -> bool:
        known = self._known(asked)
        if len(known) == 1 or asked == recorded:
            return False
        return re.fullmatch(".*".join(map(re.escape, known)), recorded, re.DOTALL) is not None

    def _known(self, name: str) -> tuple[str, ...]:
        """A name's parts around the placeholders in it."""
        found = [text for text in self._texts if text in name and (len(text) >= _SHORTEST or text.isdigit())]
        if not found:
            return (name,)
        return tuple(re.split("|".join(map(re.escape, sorted(found, key=len, reverse=True))), name))
