"""What Lambda would do about a difference: from the replay in which the real SDK met the recorded state."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from durable_debug.divergence.effects import Effect, Stop
from durable_debug.divergence.facts import STRUCTURE
from durable_debug.divergence.objections import (
    Cut,
    ends_as_recorded,
    failed_by,
    failed_in_flight,
    is_of_objection,
    objected_at,
    objections,
)
from durable_debug.divergence.tree import numbers, parent_of
from durable_debug.wording import short_ids, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.facts import Finding
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import Operation

__all__ = ["Judge"]

_ENDED = {"SUCCEEDED", "FAILED"}
_AT_THE_END = (float("inf"),)


class Judge:
    """Says what Lambda would do.

    Parameters
    ----------
    first
        The replay as Lambda would do it: the evidence.
    findings
        Everything that was found, in the order of the replay.
    cut
        Where the record ends with an objection of the SDK.
    """

    def __init__(self, first: Recording, findings: Sequence[Finding], cut: Cut) -> None:
        self._first = first
        self._by_position = {o.position: o for o in first.history.tree()}
        self._by_id = {o.id: o for o in first.history.tree()}
        self._run_again = {  # contexts whose bodies run again, also where the events alone could not tell
            a.position for a in first.calls if a.replays_children
        }
        self._cut = cut
        self._objections = objections(first)
        self._objection: Call | None = self._objections[-1] if self._objections else None
        halt = first.halt
        self._halted_at: Call | None = (
            halt.call if halt is not None and halt.kind == "would_run" else first.beyond
        )
        stops: list[tuple[float, ...]] = [numbers(objected_at(first, call)) for call in self._objections]
        if self._halted_at is not None:
            stops = stops or [numbers(self._halted_at.position)]
        self._stopped: tuple[float, ...] | None = stops[-1] if stops else None
        visible = [f for f in findings if f.kind in STRUCTURE and not self._is_unseen(f)]
        self._causes_of_each = [
            max((f for f in visible if self._at(f) <= stop), key=self._at, default=None)
            for stop in stops or [_AT_THE_END]
        ]
        self._causes = [cause for cause in self._causes_of_each if cause is not None]

    @functools.cached_property
    def asks_whether_it_replays(self) -> bool:
        """Whether the handler's own code says ``is_replaying``."""
        return self._first.runner.asks_whether_it_replays

    def is_reached(self, findings: Sequence[Finding]) -> bool:
        """Whether Lambda comes to a change before the execution fails or runs something."""
        if findings[0].kind in {"result", "error", "outcome"}:
            return self._stopped is None
        return any(self._is_reached(finding) for finding in findings)

    def stops(self, findings: Sequence[Finding]) -> bool:
        """Whether a change is what the execution fails at, or runs something for."""
        return self._stopped is not None and any(cause in findings for cause in self._causes)

    def verdict(self, findings: Sequence[Finding]) -> tuple[str, Effect]:
        """Severity and effect of what is one change."""
        finding = next((cause for cause in self._causes if cause in findings), findings[0])
        unseen, kind = self._is_unseen(finding), finding.kind
        if kind == "side_effect":
            return (
                ("warning", Effect("nothing", "side_effect"))
                if finding.looked
                else ("error", Effect("repeats"))
            )
        if kind == "would_run":
            return "error", Effect("runs_again")
        if kind == "swallowed":
            fails = self._first.outcome.status == "FAILED"
            return "error", Effect("swallowed", "fails" if fails else "ends", self._end())
        if kind in {"result", "error", "outcome"}:
            return self._outcome(finding)
        if unseen:
            return "info", Effect("nothing", "met" if self._is_met(finding) else "unseen")
        if not self._is_reached(finding):
            return "warning", Effect("not_reached", stop=self._stop())
        if kind == "undeserializable":
            return "error", Effect("raises", self._unreadable(), self._end())
        if kind == "child_result":
            return "info", Effect("nothing", "answers")
        if kind in STRUCTURE:
            return self._structural(finding)
        return "warning", Effect("nothing", "on_record")

    def _unreadable(self) -> str:
        """What the SDK of this line raises for a payload that it can't read."""
        met = [call.objection for call in self._first.calls] + [self._first.raised]
        return next((one.type for one in met if one is not None and one.is_unreadable), "SerDesError")

    # ---- each kind

    def _outcome(self, finding: Finding) -> tuple[str, Effect]:
        if finding.call is not None and finding.call in self._objections:
            return "error", self._by_objection(finding)
        if self._objection is None and finding.call is not None and finding.call is self._halted_at:
            why = "objects_no_more" if failed_in_flight(self._first.history) else "goes_on"
            return "error", Effect("unnoticed", why, self._goes_on())
        if self._objection is not None or self._halted_at is not None:
            return "warning", Effect("not_reached", stop=self._stop())
        halt = self._first.halt
        if halt is not None and halt.kind == "timeout":
            return "error", Effect("hangs")
        return "error", Effect("unnoticed", "ends", self._end())

    def _structural(self, finding: Finding) -> tuple[str, Effect]:
        if finding not in self._causes and (self._objection is not None or self._halted_at is not None):
            return "warning", Effect("unnoticed", "here", self._stop())
        if self._objection is not None:
            return "error", self._by_objection(finding)
        if self._halted_at is not None:
            return "error", Effect("unnoticed", "goes_on", self._goes_on())
        severity = "warning" if ends_as_recorded(self._first) else "error"
        return severity, Effect("unnoticed", "ends", self._end())

    # ---- the evidence

    def _is_reached(self, finding: Finding) -> bool:
        """Whether Lambda comes to it before the execution fails or runs something."""
        return self._stopped is None or self._at(finding) <= self._stopped

    def _at(self, finding: Finding) -> tuple[float, ...]:
        """Where Lambda comes upon it, as numbers of a position."""
        anchor, operation = finding.run or finding.anchor, finding.operation
        if finding.kind == "reparented" and operation is not None and anchor is not None and anchor.looked:
            return numbers(operation.position)  # it is missed where it was
        if anchor is not None:
            return numbers(anchor.position)
        if operation is not None and "-" in operation.position:
            return (*numbers(parent_of(operation.position)), *_AT_THE_END)
        return _AT_THE_END

    def _is_unseen(self, finding: Finding) -> bool:
        """Whether it is inside a context that Lambda would not enter."""
        call, operation = finding.call, finding.operation
        if call is not None:
            if call.kind in {"map", "parallel"} and finding.kind in {"item_count", "nesting_changed"}:
                return operation is not None and _is_closed(operation)
            if call.kind == "branch":
                operation = self._operation(call.within)
                return operation is not None and _is_closed(operation)
            if finding.kind != "reparented" or not call.looked:
                return call.looked and not self._is_run_again(call)
        path = parent_of(operation.position) if operation is not None else ""
        while path:
            context = self._by_position.get(path)
            if context is not None and _is_closed(context):
                return True
            path = parent_of(path)
        return False

    def _is_met(self, finding: Finding) -> bool:
        """Whether a context around it ended as its body does now, which meets an objection."""
        anchor = finding.anchor
        context = anchor.within if anchor is not None else None
        while context is not None:
            if context.position in self._cut.met:
                return True
            context = context.within
        return False

    def _is_run_again(self, call: Call) -> bool:
        """Whether a call that was looked at is in a body that Lambda runs again."""
        context = call.within
        if context is None or context.position not in self._run_again:
            return False
        return not context.looked or self._is_run_again(context)

    def _operation(self, call: Call | None) -> Operation | None:
        """The recorded operation that answers a call."""
        return self._by_id.get(call.match_id or "") if call is not None else None

    def _by_objection(self, finding: Finding) -> Effect:
        """What comes of an objection: the last that a change is the cause of, or the one that nothing explains."""
        causes = zip(self._objections, self._causes_of_each, strict=True)
        last = [call for call, cause in causes if cause is finding or call is finding.call][-1:]
        if last != [self._objection]:
            return Effect("stops", "ends", dataclasses.replace(self._end(), caught=True))
        why = "ends"
        if "" in self._cut.met and self._first.outcome.status == "PENDING":
            why = "on_record"
        elif "" in self._cut.met:
            # That an objection was caught is on record nowhere: code that was changed since may end alike.
            why = "recorded_end" if self._failed_by_objection() else "likely_recorded_end"
        return Effect("stops", why, self._stop())

    def _stop(self) -> Stop:
        if self._objection is None:
            return self._goes_on()
        return dataclasses.replace(self._end(), caught=not self._failed_by_objection())

    def _failed_by_objection(self) -> bool:
        return self._objection is not None and failed_by(self._first, self._objection)

    def _goes_on(self) -> Stop:
        return Stop("goes_on", shortened(self._halted_at.deed, 600) if self._halted_at is not None else "")

    def _end(self) -> Stop:
        outcome, history = self._first.outcome, self._first.history
        if outcome.status == "SUCCEEDED":
            same = outcome.result == history.result if history.status == "SUCCEEDED" else None
            return Stop("ends", status="SUCCEEDED", same=same)
        if outcome.status == "FAILED":
            error = outcome.error or {}
            if is_of_objection(error):
                return Stop("fails", shortened(short_ids(str(error.get("ErrorMessage"))).rstrip("."), 600))
            return Stop("ends", str(error.get("ErrorType")), "FAILED")
        if outcome.status == "CRASHED":
            return Stop("retried")
        if outcome.status == "PENDING":
            return Stop("suspended", same=history.status == "RUNNING")
        return Stop("unknown", self._first.halt.message if self._first.halt else "it was ended")


def _is_closed(context: Operation) -> bool:
    return context.status in _ENDED and context.replay_children is not True and context.type == "CONTEXT"
