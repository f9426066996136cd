"""A divergence: what, where, and what Lambda would do about it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.findings import STRUCTURE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.replay.asked import Place
    from durable_debug.replay.recording import Recording
    from durable_debug.replay.tape import Ask

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
    "renamed": ("{recorded} is now {asked}", "Keep operation names: give it its recorded name again, or version the function."),
    "retyped": ("{recorded} is now {asked}", "Keep the kind of a recorded operation, or version the function."),
    "reparented": ("{recorded} is now {asked}", "Keep operations in the context that they were recorded in."),
    "reordered": ("{recorded} comes now {asked}", "Ask for operations in the recorded order; do not order them by a set, a clock or chance."),
    "nesting_changed": ("{recorded} is now {asked}", "Keep contexts and the nesting type of maps and parallels as recorded."),
    "item_count": ("the batch had {recorded} and has now {asked}", "Compute the items in a step, so that a replay has the same ones."),
    "branch_name": ("branch {recorded} is now {asked}", "Keep the names of items and branches as recorded."),
    "wait_duration": ("{recorded} was recorded, now it is {asked}", "Nothing for this execution; new ones wait as the code says."),
    "invoke_target": ("{recorded} was invoked, now it would be {asked}", "Make sure that old executions may keep the old function's answer."),
    "invoke_payload": ("{recorded} was sent, now it would be {asked}", "Compute what is sent in a step, or accept that old executions keep the old answer."),
    "callback_timeout": ("{recorded} was recorded, now it is {asked}", "Nothing for this execution; new callbacks time out as the code says."),
    "child_result": ("the body recorded: {recorded}; now: {asked}", "Move what changed into a step, or accept that completed contexts keep their recorded result."),
    "result": ("the execution ended with {recorded}, the replay with {asked}", "Compute the result from operations only: no clock, chance or outside state between them."),
    "error": ("the execution {recorded}, the replay {asked}", "Compute errors from operations only: no clock, chance or outside state between them."),
    "outcome": ("{recorded}; the replay {asked}", "Look at what decided the end: step back from the end stop in the debugger."),
    "undeserializable": ("the recorded {recorded} can't be read any more: {asked}", "Let the serdes read what older versions wrote."),
    "swallowed": ("the SDK's {recorded} is caught by the handler: {asked}", "Don't catch Exception around operations; catch what you expect, and let ExecutionError pass."),
    "side_effect": ("outside a step: {asked}", "Move it into a step: outside, it happens again at every replay."),
    "would_run": ("{asked}, though {recorded}", "Make the body idempotent, or use at-most-once semantics."),
}

_SHARED = re.compile(r"\d+")


def judged(findings: Iterable[Finding], first: Recording) -> tuple[Divergence, ...]:
    """Put alike findings together and say what Lambda would do about each.

    Parameters
    ----------
    first
        The replay as Lambda would do it: the evidence.
    """
    ordered = sorted(findings, key=lambda finding: finding.order)
    ordered = _without_consequences(ordered)
    groups: dict[object, list[Finding]] = {}
    for finding in ordered:
        groups.setdefault(_key(finding), []).append(finding)
    judge = _Judge(first, ordered)
    return tuple(_divergence(group, judge) for group in groups.values())


def _key(finding: Finding) -> object:
    """The same change at the same line shows once for every turn of a loop and every branch."""
    if finding.place is None or finding.kind in {"result", "error", "outcome", "swallowed"}:
        return id(finding)
    name = _SHARED.sub("#", f"{finding.recorded} {finding.asked}") if finding.kind == "missing" else ""
    wild = _SHARED.sub("#", finding.operation.position) if finding.kind == "missing" and finding.operation else ""
    return (finding.kind, finding.place.file, finding.place.line, finding.place.function, name, wild)


def _without_consequences(findings: list[Finding]) -> list[Finding]:
    """Drop results that are other because something in them is: the cause is told already."""
    causes = [f.ask.position for f in findings if f.ask is not None and (f.kind in STRUCTURE or f.kind == "child_result")]
    causes += [f.operation.position for f in findings if f.kind == "missing" and f.operation is not None]
    kept = []
    for finding in findings:
        if finding.kind == "child_result" and finding.ask is not None:
            mine = finding.ask.position
            if any(position.startswith(f"{mine}-") for position in causes):
                continue
        kept.append(finding)
    return kept


def _divergence(group: list[Finding], judge: _Judge) -> Divergence:
    first = group[0]
    sentence, advice = KINDS[first.kind]
    message = sentence.format(recorded=first.recorded, asked=first.asked)
    if len(group) > 1:
        message += f" (and {len(group) - 1} more like it)"
    severity, effect = judge.verdict(first)
    operations = [f.operation for f in group if f.operation is not None]
    operations += [o for f in group for o in f.also]
    return Divergence(
        kind=first.kind,
        severity=severity,
        message=message[:1].upper() + message[1:] + ".",
        recorded=first.recorded,
        asked=first.asked,
        position=first.ask.position if first.ask else None,
        recorded_position=first.operation.position if first.operation else None,
        event_ids=tuple(sorted({i for o in operations for i in o.event_ids})),
        place=first.place,
        lambda_effect=effect,
        advice=advice,
        positions=tuple(dict.fromkeys(f.ask.position if f.ask else o.position for f in group for o in [f.operation] if f.ask or o)),
        index=None if first.order == math.inf else math.ceil(first.order),
    )


class _Judge:
    """Says what Lambda would do, from a replay in which it did: through the real SDK over the recorded state."""

    def __init__(self, first: Recording, findings: list[Finding]) -> None:
        self._first = first
        self._cause = next((f for f in findings if f.kind in STRUCTURE and not self._unseen(f)), None)

    def verdict(self, finding: Finding) -> tuple[str, str]:
        """Severity and effect."""
        if finding.kind == "side_effect":
            return "error", "It happens at every replay of every execution: a retry, a callback or the end of a wait runs it again."
        if finding.kind == "would_run":
            return "error", "The body runs again: Lambda has no result for it."
        if finding.kind == "swallowed":
            return "error", f"The execution does not fail: it {self._end()}."
        if finding.kind in {"result", "error", "outcome"}:
            return "error", f"Lambda notices nothing: the execution {self._end()}."
        if finding.kind == "undeserializable":
            return "error", f"The operation raises SerDesError in the handler; the execution {self._end()}."
        if self._unseen(finding):
            return "info", "Nothing: the context around it is complete and answers from its checkpoint, so its body does not run again. An execution that is still inside it is hit."
        if finding.kind == "child_result":
            return "info", "Nothing: the context is complete and answers with the recorded result."
        if finding.kind not in STRUCTURE:
            return "warning", "Nothing visible: the operation has been recorded and is answered from its checkpoint."
        return self._structural(finding)

    def _structural(self, finding: Finding) -> tuple[str, str]:
        first = self._first
        if finding is not self._cause and self._objection() is not None:
            return "warning", "Not reached: the execution has failed before, at the first difference."
        halt = first.halt
        if halt is not None and halt.kind == "would_run":
            if finding is self._cause:
                return "error", f"Lambda notices nothing and goes on: {halt.message.partition(':')[0]}."
            return "warning", "Not reached by this replay: it ends at the first body that would run."
        objection = self._objection()
        if objection is not None:
            swallowed = first.outcome.status != "FAILED" or "NonDeterministic" not in str((first.outcome.error or {}).get("ErrorType"))
            if swallowed:
                return "error", f"The SDK raises NonDeterministicExecutionError, which the handler catches: the execution {self._end()}."
            return "error", f"The execution fails with NonDeterministicExecutionError: {objection}"
        if first.outcome.status == first.history.status and first.outcome.result == first.history.result:
            return "warning", f"Lambda notices nothing: the execution {self._end()}, as recorded."
        return "error", f"Lambda notices nothing: the execution {self._end()}."

    def _objection(self) -> str | None:
        for ask in self._first.asks:
            if ask.failure is not None and type(ask.failure).__name__ == "NonDeterministicExecutionError" and not ask.looked:
                return str(ask.failure)
        return None

    def _end(self) -> str:
        outcome, history = self._first.outcome, self._first.history
        if outcome.status == "SUCCEEDED":
            other = "the recorded result" if outcome.result == history.result else "another result"
            return f"ends SUCCEEDED with {other}"
        if outcome.status == "FAILED":
            return f"ends FAILED with {(outcome.error or {}).get('ErrorType')}"
        if outcome.status == "CRASHED":
            return "ends its invocation without an output, and Lambda tries it again"
        return "stays suspended" if outcome.status == "PENDING" else f"is {outcome.status}"

    def _unseen(self, finding: Finding) -> bool:
        """Whether it is inside a context that Lambda would not enter."""
        if finding.ask is not None:
            return _looked_into(finding.ask)
        operation = finding.operation
        return operation is not None and "-" in operation.position and self._closed_above(operation.position)

    def _closed_above(self, position: str) -> bool:
        path = position.rpartition("-")[0]
        by_position = {o.position: o for o in self._first.history.tree()}
        while path:
            above = by_position.get(path)
            if above is not None and above.status in {"SUCCEEDED", "FAILED"} and above.replay_children is not True:
                return True
            path = path.rpartition("-")[0]
        return False


def _looked_into(ask: Ask) -> bool:
    return ask.looked
