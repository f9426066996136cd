"""A divergence: what, where, and what Lambda would do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.verdict import Judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.blame import Group
    from durable_debug.divergence.findings import Finding
    from durable_debug.replay.asked import Place
    from durable_debug.replay.recording import Recording

__all__ = ["KINDS", "Divergence", "judged"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """One thing that a replay does otherwise than the history.

    Attributes
    ----------
    kind
        One of `KINDS`.
    severity
        ``"error"`` where Lambda fails, runs something (again) or ends otherwise; ``"warning"`` where it
        would for executions at another point; ``"info"`` where nothing comes of it.
    message
        One sentence with both sides.
    recorded, asked
        The two sides as text; None where a side has nothing.
    position, recorded_position
        Logical position asked for and recorded; None where a side has none.
    event_ids
        The recorded events that it is about.
    place
        The line of the user's code; None where no line can be named.
    lambda_effect
        What Lambda would do with it under the installed SDK.
    advice
        What to do about it, in a sentence.
    positions
        All positions at which the same change shows (a loop, the branches of a map); the first is `position`.
    index
        Number of the call at which it shows, in the order of asking; of what is missing, the call that comes
        instead; None where it shows at the end.
    """

    kind: str
    severity: str
    message: str
    recorded: str | None
    asked: str | None
    position: str | None
    recorded_position: str | None
    event_ids: tuple[int, ...]
    place: Place | None
    lambda_effect: str
    advice: str
    positions: tuple[str, ...] = ()
    index: int | None = None

    @property
    def file(self) -> str | None:
        """File of the line."""
        return self.place.file if self.place else None

    @property
    def line(self) -> int | None:
        """Line, from 1."""
        return self.place.line if self.place else None

    @property
    def source(self) -> str:
        """Text of the line."""
        return self.place.source if self.place else ""

    @property
    def occurrences(self) -> int:
        """How often the same change shows."""
        return max(1, len(self.positions))


_KEEP = "Keep the code of running executions: deploy the change as a new version and let old executions end on theirs."

# kind -> (sentence, advice)
KINDS: dict[str, tuple[str, str]] = {
    "missing": ("{recorded} was recorded, but is not asked for", f"{_KEEP}"),
    "unexpected": ("{asked} is asked for, but the history has no such operation", f"{_KEEP}"),
    "renamed": (
        "{recorded} is now {asked}",
        "Keep operation names: give it its recorded name again, or version the function.",
    ),
    "retyped": (
        "{recorded} is now {asked}",
        "Keep the kind of a recorded operation, or version the function.",
    ),
    "reparented": ("{recorded} is now {asked}", "Keep operations in the context that they were recorded in."),
    "reordered": (
        "recorded in the order {recorded}, now asked for as {asked}",
        "Ask for operations in the recorded order; do not order them by a set, a clock or chance.",
    ),
    "nesting_changed": (
        "{recorded} is now {asked}",
        "Keep contexts and the nesting type of maps and parallels as recorded.",
    ),
    "item_count": (
        "the batch had {recorded} and has now {asked}",
        "Compute the items in a step, so that a replay has the same ones.",
    ),
    "branch_name": ("branch {recorded} is now {asked}", "Keep the names of items and branches as recorded."),
    "wait_duration": (
        "{recorded} was recorded, now it is {asked}",
        "Nothing for this execution; new ones wait as the code says.",
    ),
    "invoke_target": (
        "{recorded} was invoked, now it would be {asked}",
        "Make sure that old executions may keep the old function's answer.",
    ),
    "invoke_payload": (
        "{recorded} was sent, now it would be {asked}",
        "Compute what is sent in a step, or accept that old executions keep the old answer.",
    ),
    "invoke_tenant": (
        "{recorded} was recorded, now it is {asked}",
        "Make sure that old executions may keep the old tenant's answer.",
    ),
    "callback_timeout": (
        "{recorded} was recorded, now it is {asked}",
        "Nothing for this execution; new callbacks time out as the code says.",
    ),
    "child_result": (
        "the body recorded: {recorded}; now: {asked}",
        "Move what changed into a step, or accept that completed contexts keep their recorded result.",
    ),
    "result": (
        "the execution ended {recorded}, the replay {asked}",
        "Compute the result from operations only: no clock, chance or outside state between them.",
    ),
    "error": (
        "the execution ended {recorded}, the replay {asked}",
        "Compute errors from operations only: no clock, chance or outside state between them.",
    ),
    "outcome": (
        "the execution {recorded}, the replay {asked}",
        "Look at what decided the end: step back from the end stop in the debugger.",
    ),
    "undeserializable": (
        "the recorded {recorded} can't be read any more: {asked}",
        "Let the serdes read what older versions wrote.",
    ),
    "swallowed": (
        "the SDK's {recorded} is caught by the handler: {asked}",
        "Don't catch Exception around operations; catch what you expect, and let ExecutionError pass.",
    ),
    "side_effect": (
        "outside a step: {asked}",
        "Move it into a step: outside, it happens again at every replay.",
    ),
    "would_run": ("{asked} ({recorded})", "Make the body idempotent, or use at-most-once semantics."),
}


def judged(groups: Sequence[Group], findings: Sequence[Finding], first: Recording) -> tuple[Divergence, ...]:
    """Say of each change what Lambda would do about it.

    Parameters
    ----------
    groups
        Findings of one change each.
    findings
        All of them, in the order of the replay.
    first
        The replay as Lambda would do it: the evidence.
    """
    judge = Judge(first, findings)
    return tuple(_divergence(group, judge) for group in groups)


def _divergence(group: Group, judge: Judge) -> Divergence:
    first = group.findings[0]
    sentence, advice = KINDS[first.kind]
    message = sentence.format(recorded=first.recorded, asked=first.asked)
    if len(group.findings) > 1:
        message += f" (and {len(group.findings) - 1} more like it)"
    severity, effect = judge.verdict(group.findings)
    operations = [o for f in group.findings for o in (f.operation, *f.also) if o is not None]
    positions = [one.position for f in group.findings for one in (f.ask or f.operation,) if one is not None]
    return Divergence(
        kind=first.kind,
        severity=severity,
        message=message[:1].upper() + message[1:].rstrip(".") + ".",
        recorded=first.recorded,
        asked=first.asked,
        position=first.ask.position if first.ask else None,
        recorded_position=first.operation.position if first.operation else None,
        event_ids=tuple(sorted({i for o in operations for i in o.event_ids})),
        place=group.place,
        lambda_effect=effect,
        advice=advice,
        positions=tuple(dict.fromkeys(positions)),
        index=None if first.order == math.inf else max(0, math.ceil(first.order)),
    )
