"""What of a redacted history can be judged: the handler's structure, up to where it decides by a placeholder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.tree import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.divergence.facts import Finding
    from durable_debug.engine.recording import Recording

__all__ = ["Judged", "judged_by_what_is_known", "values_sentence"]

# Compared with a placeholder, or made of one.
_OF_VALUES = frozenset({"result", "error", "child_result", "invoke_payload", "undeserializable"})
_OF_NAMES = frozenset({"renamed", "branch_name", "reordered", "missing", "unexpected"})
_ALWAYS = frozenset({"side_effect"})
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


def values_sentence(redacted: Sequence[str]) -> str:
    """Say that values are placeholders."""
    by = ", ".join(f"{pattern:.60}" for pattern in redacted[:5]) + (", …" if len(redacted) > 5 else "")
    return (
        f"Values were redacted ({by}): results, errors and payloads are not compared."
        if by
        else ("Values were redacted: results, errors and payloads are not compared.")
    )


def judged_by_what_is_known(
    findings: Sequence[Finding],
    passes: Sequence[Recording],
    otherwise: Callable[[], Recording],
) -> Judged:
    """Leave out what a handler may do otherwise only because values are placeholders.

    Parameters
    ----------
    findings
        All, in the order of the replay.
    passes
        The pass that Lambda would make, and the one through to the end.
    otherwise
        Replays with other placeholders: what then is other too depends on them.
    """
    names = _Names(passes)
    of_values = [f for f in findings if f.kind in _OF_VALUES or (f.kind in _OF_NAMES and names.explain(f))]
    others = [f for f in findings if f not in of_values]
    if not others:
        return Judged([], len(of_values), ())
    looks = [each.looks for each in passes if each.looks is not None and each.looks.looked_at is not None]
    since = min((look.looked_at for look in looks if look.looked_at is not None), default=None)
    place = next((look.place for look in looks if look.looked_at == since), None)
    if _before(others, since):
        parts = _parts(passes[0], otherwise())
        if parts is not None and (since is None or parts < since):
            since, place = parts, None
    kept = _before(others, since)
    count = len(others) - len(kept)
    if not count:
        return Judged(kept, len(of_values), ())
    assert since is not None
    where = f"From {place[0]}:{place[1]} on" if place is not None else f"From its operation {since + 1} on"
    sentence = (
        f"{where} the handler decides by values that were redacted: "
        f"{count} difference{'' if count == 1 else 's'} behind it can't be judged."
    )
    return Judged(kept, len(of_values) + count, (sentence,))


def _before(findings: Sequence[Finding], since: int | None) -> list[Finding]:
    """Findings on what was asked for before so many calls, and not between that call and the one before it."""
    return [f for f in findings if since is None or f.kind in _ALWAYS or f.order <= since - 1]


def _parts(first: Recording, other: Recording) -> int | None:
    """The call from which on two passes go different ways; None where they do the same."""
    ours, theirs = (_Names((each,)).identities() for each in (first, other))
    for at, (one, another) in enumerate(zip(ours, theirs, strict=False)):
        if one != another:
            return at
    if len(ours) != len(theirs) or first.outcome.status != other.outcome.status:
        return min(len(ours), len(theirs))
    return None


class _Names:
    """Names of operations that placeholders were written into."""

    def __init__(self, passes: Sequence[Recording]) -> None:
        self._texts = {text for each in passes if each.looks is not None for text in each.looks.texts}
        self._asked = {ask.name for ask in passes[-1].asks if ask.name} if self._texts else set()
        self._recorded = {o.name for o in passes[0].history.tree() if o.name} if self._texts else set()
        self._asks = passes[0].asks

    def identities(self) -> list[tuple[object, ...]]:
        """What is asked for in a pass, names without the placeholders in them."""
        return [(a.position, *identity_of(a)[:2], self._known(a.name or "")) for a in self._asks]

    def explain(self, finding: Finding) -> bool:
        """Whether a difference is one of names that are the same but for a placeholder."""
        asked = finding.ask.name if finding.ask is not None else None
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
