"""What of a redacted history can be judged: the handler's structure, up to where it decides by a placeholder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.divergence.slots import identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durable_debug.divergence.findings import Finding
    from durable_debug.replay.recording import Recording

__all__ = ["Judged", "judged_by_what_is_known", "values_sentence"]

# Compared with a placeholder, or made of one.
_OF_VALUES = frozenset({"result", "error", "child_result", "invoke_payload", "undeserializable"})
_OF_NAMES = frozenset({"renamed", "branch_name"})
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
    texts = {text for each in passes if each.veil is not None for text in each.veil.texts}
    of_values = [f for f in findings if f.kind in _OF_VALUES or (f.kind in _OF_NAMES and _could_be(f, texts))]
    others = [f for f in findings if f not in of_values]
    if not others:
        return Judged([], len(of_values), ())
    looks = [each.veil for each in passes if each.veil is not None and each.veil.looked_at is not None]
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
    ours, theirs = ([(ask.position, *identity_of(ask)) for ask in each.asks] for each in (first, other))
    for at, (one, another) in enumerate(zip(ours, theirs, strict=False)):
        if one != another:
            return at
    if len(ours) != len(theirs) or first.outcome.status != other.outcome.status:
        return min(len(ours), len(theirs))
    return None


def _could_be(finding: Finding, texts: set[str]) -> bool:
    """Whether a name is the recorded one, but for a placeholder in it."""
    asked = finding.ask.name if finding.ask is not None else None
    recorded = finding.operation.name if finding.operation is not None else None
    if not asked or not recorded:
        return False
    found = sorted((t for t in texts if t in asked and (len(t) >= _SHORTEST or t.isdigit())), key=len)
    if not found:
        return False
    known = re.split("|".join(map(re.escape, reversed(found))), asked)
    return re.fullmatch(".*".join(map(re.escape, known)), recorded, re.DOTALL) is not None
