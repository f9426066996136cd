"""A divergence: what, where, and what Lambda would do about it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import Cut
from durable_debug.divergence.tree import recorded_identity
from durable_debug.divergence.verdict import Judge
from durable_debug.views import view
from durable_debug.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.blame import Group
    from durable_debug.divergence.effects import Effect
    from durable_debug.divergence.facts import Finding, Identity, Side, Twice
    from durable_debug.engine.places import Place
    from durable_debug.engine.recording import Recording

__all__ = ["Divergence", "judged"]

_LONGEST_REPR = 80
_WHOLE = Cut()


@dataclass(frozen=True, slots=True, repr=False)
class Divergence:
    """One thing that a replay does otherwise than the history.

    Attributes
    ----------
    kind
        One of `facts.KINDS`.
    severity
        ``"error"`` where Lambda fails, runs something (again) or ends otherwise; ``"warning"`` where it
        would for executions at another point; ``"info"`` where nothing comes of it.
    sides
        What is recorded and what is asked for, as data; None where a side has nothing. `recorded` and `asked` say it.
    effect
        What Lambda would do with it under the SDK that is installed, as data; `lambda_effect` says it.
    position, recorded_position
        Logical position asked for and recorded; None where a side has none.
    event_ids
        The recorded events that it is about.
    place
        The line of the user's code; None where no line can be named.
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
    subject
        The operation that both sides are of.
    alike
        How many findings of the same change are put together with this one.
    in_body_of
        The operation in whose body was asked for what is missing.
    asks_whether_it_replays
        Whether the handler's code does, and something is missing or new.
    twice
        What the handler did in a first replay and in a second, where that is not the same.
    told
        A message and an advice of its own: of an error, not of a difference.
    """

    kind: str
    severity: str
    sides: tuple[Side | None, Side | None] = (None, None)
    effect: Effect | None = None
    position: str | None = None
    recorded_position: str | None = None
    event_ids: tuple[int, ...] = ()
    place: Place | None = None
    positions: tuple[str, ...] = ()
    index: int | None = None
    signature: str = ""
    reached: bool = True
    stops: bool = False
    subject: Identity | None = None
    alike: int = 0
    in_body_of: Identity | None = None
    asks_whether_it_replays: bool = False
    twice: Twice | None = None
    told: tuple[str, str] | None = None

    @property
    def message(self) -> str:
        """One sentence with both sides."""
        return str(view("divergence.message")(self))

    @property
    def recorded(self) -> str | None:
        """What is recorded, as text; None where that is nothing."""
        text: str | None = view("divergence.recorded")(self)
        return text

    @property
    def asked(self) -> str | None:
        """What is asked for, as text; None where that is nothing."""
        text: str | None = view("divergence.asked")(self)
        return text

    @property
    def lambda_effect(self) -> str:
        """What Lambda would do with it, in a sentence."""
        return str(view("divergence.effect")(self))

    @property
    def advice(self) -> str:
        """What to do about it, in a sentence."""
        return str(view("divergence.advice")(self))

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
    if not groups:
        return ()
    judge = Judge(first, findings, cut)
    return tuple(_divergence(group, judge) for group in groups)


def _divergence(group: Group, judge: Judge) -> Divergence:
    first = group.findings[0]
    severity, effect = judge.verdict(group.findings)
    sides = [(one.recorded, one.asked) for one in group.findings]
    operations = [o for f in group.findings for o in (f.operation, *f.also) if o is not None]
    positions = [one.position for f in group.findings for one in (f.call or f.operation,) if one is not None]
    asks_whether = first.kind in {"missing", "unexpected"} and judge.asks_whether_it_replays
    return Divergence(
        kind=first.kind,
        severity=severity,
        sides=(first.recorded, first.asked),
        subject=_subject(first),
        effect=effect,
        position=first.call.position if first.call else None,
        recorded_position=first.operation.position if first.operation else None,
        event_ids=tuple(sorted({i for o in operations for i in o.event_ids})),
        place=group.place,
        positions=tuple(dict.fromkeys(positions)),
        index=None if first.order == math.inf else max(0, math.ceil(first.order)),
        signature=hashlib.blake2b(repr(sides).encode(errors="replace"), digest_size=16).hexdigest(),
        reached=judge.is_reached(group.findings),
        stops=judge.stops(group.findings),
        alike=len(group.findings) - 1,
        in_body_of=first.in_body_of,
        asks_whether_it_replays=asks_whether,
    )


def _subject(finding: Finding) -> Identity | None:
    """The operation that both sides are of."""
    operation, call = finding.operation, finding.call
    if call is not None and (call.virtual or operation is None):  # a FLAT branch's operation is its batch's
        return call.type, call.sub_type, call.name
    return recorded_identity(operation) if operation is not None else None
