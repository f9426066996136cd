"""A divergence: what, where, and what Lambda would do about it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import Cut
from durable_debug.divergence.verdict import Judge
from durable_debug.divergence.wording import called, described, short_ids, shortened, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.blame import Group
    from durable_debug.divergence.findings import Finding
    from durable_debug.engine.places import Place
    from durable_debug.engine.recording import Recording

__all__ = ["KINDS", "Divergence", "judged"]

_LONGEST_REPR = 80
_WHOLE = Cut()
_REPLAYS = (
    " The handler asks the context whether it is replaying: what it does the first time only is not asked for again, "
    "so each replay differs. Ask for operations either way."
)


@dataclass(frozen=True, slots=True, repr=False)
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
    signature
        What it is, wherever it stands in the code: the same for two handlers that do the same. Made of whole values,
        where `recorded` and `asked` are cut.
    reached
        Whether Lambda comes to it, before the execution fails or runs something.
    stops
        Whether this is what the execution fails at, or runs something for.
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
    signature: str = ""
    reached: bool = True
    stops: bool = False

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

    def __repr__(self) -> str:
        at = f" at {PurePath(self.file).name}:{self.line}" if self.file else ""
        return f"<Divergence {self.kind} ({self.severity}){at}: {shortened(self.message, _LONGEST_REPR)}>"


_KEEP = "Keep the code of running executions: deploy the change as a new version and let old executions end on theirs."
_OTHER_ARGUMENT = "{name}: {what} was {recorded}, is now {asked}"

# kind -> (sentence, advice)
KINDS: dict[str, tuple[str, str]] = {
    "missing": ("{recorded} {was} recorded, but {is_} not asked for", f"{_KEEP}"),
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
        "recorded {recorded}, now {asked}",
        "Keep contexts and the nesting type of maps and parallels as recorded.",
    ),
    "item_count": (
        "{name} had {recorded}, now it has {asked}",
        "Compute the items in a step, so that a replay has the same ones.",
    ),
    "branch_name": ("branch {recorded} is now {asked}", "Keep the names of items and branches as recorded."),
    "wait_duration": (
        _OTHER_ARGUMENT,
        "Nothing for this execution; new ones wait as the code says.",
    ),
    "invoke_target": (
        _OTHER_ARGUMENT,
        "Make sure that old executions may keep the old function's answer.",
    ),
    "invoke_payload": (
        _OTHER_ARGUMENT,
        "Compute what is sent in a step, or accept that old executions keep the old answer.",
    ),
    "invoke_tenant": (
        _OTHER_ARGUMENT,
        "Make sure that old executions may keep the old tenant's answer.",
    ),
    "callback_timeout": (
        _OTHER_ARGUMENT,
        "Nothing for this execution; new callbacks time out as the code says.",
    ),
    "retry_strategy": (
        _OTHER_ARGUMENT,
        "Nothing for attempts that were made; further ones are made as the code says.",
    ),
    "wait_strategy": (
        _OTHER_ARGUMENT,
        "Nothing for polls that were made; further ones are made as the code says.",
    ),
    "child_result": (
        "{name}: its body {recorded}, now it {asked}",
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
        "Move it into a step: outside, it happens again at every replay. To let it happen while you look, name it in allow=.",
    ),
    "nondeterministic": (
        "{asked}",  # written by `determinism`
        "Put what it depends on into a step.",
    ),
    "would_run": ("{asked} ({recorded})", "Make the body idempotent, or use at-most-once semantics."),
}


def judged(
    groups: Sequence[Group], findings: Sequence[Finding], first: Recording, cut: Cut = _WHOLE
) -> tuple[Divergence, ...]:
    """Say of each change what Lambda would do about it.

    Parameters
    ----------
    groups
        Findings of one change each.
    findings
        All of them, in the order of the replay.
    first
        The replay as Lambda would do it: the evidence.
    cut
        Where the record ends with an objection of the SDK.
    """
    judge = Judge(first, findings, cut)
    return tuple(_divergence(group, judge) for group in groups)


def _divergence(group: Group, judge: Judge) -> Divergence:
    first = group.findings[0]
    message, advice = _message(first), first.advice or KINDS[first.kind][1]
    if first.kind in {"missing", "unexpected"} and judge.asks_whether_it_replays:
        advice += _REPLAYS
    if len(group.findings) > 1:
        message += f" (and {len(group.findings) - 1} more like it)"
    severity, effect = judge.verdict(group.findings)
    told = hashlib.blake2b(digest_size=16)
    for one in group.findings:
        told.update(whole(one.recorded) + b"/" + whole(one.asked) + b";")
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
        signature=told.hexdigest(),
        reached=judge.is_reached(group.findings),
        stops=judge.stops(group.findings),
    )


def _message(finding: Finding) -> str:
    """One sentence with both sides, and the operation's name where the sides are of something of it."""
    sentence, _ = KINDS[finding.kind]
    operation, ask = finding.operation, finding.ask
    recorded, asked, what = finding.recorded, finding.asked, ""
    if ask is not None and (ask.virtual or operation is None):  # a FLAT branch's operation is its batch's
        name = described(ask.type, ask.sub_type, ask.name)
    else:
        name = called(operation) if operation is not None else ""
    if sentence is _OTHER_ARGUMENT:
        what, _, recorded = str(recorded).partition(": ")
        asked = str(asked).removeprefix(f"{what}: ")
    elif finding.kind == "child_result":
        recorded, asked = (
            side.replace("result ", f"{verb} ", 1) if side.startswith("result ") else side
            for side, verb in ((str(recorded), "returned"), (str(asked), "returns"))
        )
    elif finding.kind == "nesting_changed" and str(recorded).endswith(" branches"):
        recorded, asked = f"{name} with {recorded}", f"with {asked}"
    several = finding.kind == "missing" and recorded != (
        called(operation) if operation else "a virtual context"
    )
    return short_ids(
        sentence.format(
            name=name,
            what=what,
            recorded=recorded,
            asked=asked,
            was="were" if several else "was",
            is_="are" if several else "is",
        )
    )
