"""From one replay to everything that it does otherwise: replayed again, aligned, until the alignment holds.

A call must be answered before the calls after it are known, so a replay is aligned in passes: the first guesses as
it goes; from what it asked the best alignment is computed; the next pass follows that, until nothing changes.
"""

from __future__ import annotations

import dataclasses
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.align import Plan, aligned
from durable_debug.divergence.blame import Group, grouped
from durable_debug.divergence.compare import compare
from durable_debug.divergence.facts import VALUE_KEEPING, Finding, Identity
from durable_debug.divergence.matcher import Aligner, replaced_at
from durable_debug.divergence.objections import Cut, find_cut
from durable_debug.divergence.outcome import ended_by_handler, find_in_outcome, find_side_effects
from durable_debug.divergence.redacted import Judged, judged_by_what_is_known
from durable_debug.divergence.tree import RecordedTree, identity_of, parent_of
from durable_debug.divergence.unchecked import refused_codecs
from durable_debug.engine.guard import noting_codecs
from durable_debug.engine.runner import Pass
from durable_debug.engine.skipping import Jump, jump_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from durable_debug.divergence.matcher import Caller, Kind
    from durable_debug.divergence.pairing import Pairing
    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History

__all__ = ["Analysis", "analysed"]

_MOST_IDLE_PASSES = 8  # that answer no more calls than those before
_MOST_ASKS = (
    1_000  # beyond twice what is recorded: a handler that goes on with values nobody knows may never end
)
_PATIENCE_SECONDS = 1.0  # with a handler that has been seen to run for ever
_PATIENCE_WITH_OTHERS = (
    10.0  # seconds, with one that is given other placeholders, and may count to one of them
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in one replay.

    Attributes
    ----------
    groups
        Findings, those of one change together.
    unchecked
        What could not be compared, a sentence each.
    complete
        The pass that went through to the end.
    evidence
        What Lambda would do, also behind side effects that were refused: there the replay had ended.
    unjudged
        How many differences may come only of values that were redacted.
    is_judged_whole
        Whether none of them is one of what the handler did behind where it decided by such a value.
    effects
        Side effects of codecs that were asked only so that values could be compared.
    pairing
        Which call of `complete` belongs to which recorded operation.
    is_aligned
        Whether it does by a plan, which a further pass has to follow; else by its id.
    """

    groups: tuple[Group, ...]
    unchecked: tuple[str, ...]
    complete: Recording
    evidence: Recording
    pairing: Pairing = dataclasses.field(repr=False)
    unjudged: int = 0
    is_judged_whole: bool = True
    is_aligned: bool = False
    effects: tuple[SideEffect, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the replay."""
        return sorted((f for group in self.groups for f in group.findings), key=lambda f: f.order)

    def aligner(self) -> Aligner | None:
        """Give what a further pass needs to do the same as `complete`; None where nothing has to be aligned."""
        if not self.is_aligned:
            return None
        pairing = self.pairing
        planned = {position: identity_of(call) for position, call in pairing.calls.items()}
        return Aligner(pairing.recorded, pairing.used, planned, unreadable=pairing.unreadable)


_held: weakref.WeakKeyDictionary[History, dict[int | None, RecordedTree]] = weakref.WeakKeyDictionary()


def _recorded(known: History, whole: History, invocation: int | None) -> RecordedTree:
    of_history = _held.setdefault(whole, {})
    if known is whole:
        invocation = None
    if invocation not in of_history:
        of_history[invocation] = RecordedTree(known, whole)
    return of_history[invocation]


def analysed(first: Recording) -> Analysis:
    """Compare a replay with its history; one invocation with what was known at its end.

    Parameters
    ----------
    first
        The replay as Lambda would do it: the SDK objects where it would there.
    """
    known = _record_of(first)
    held = _recorded(known, first.history, first.options.invocation)
    if known is not first.history:
        first = dataclasses.replace(first, history=known)
    with noting_codecs(first.options.allow) as effects:
        found = _analysed(first, held)
    return _with_effects(found, effects) if effects else found


_cut: weakref.WeakKeyDictionary[History, dict[int, History]] = weakref.WeakKeyDictionary()


def _record_of(recording: Recording) -> History:
    """What a replay is to be compared with: of an invocation that was not the last, the events up to its end."""
    history, invocation = recording.history, recording.options.invocation
    if invocation is None or invocation >= history.invocation_count:
        return history
    known = _cut.setdefault(history, {})
    if invocation not in known:
        ends = [history.invocation(number).last_event_id or 1 for number in range(1, invocation + 1)]
        last = max(ends)
        events = [event for event in history.raw if event["EventId"] <= last]
        known[invocation] = type(history)(events, arn=history.arn, decode=history.decode)
    return known[invocation]


def _with_effects(analysis: Analysis, effects: Iterable[SideEffect]) -> Analysis:
    """Tell of what codecs tried while values were compared, once a line."""
    new = tuple({(e.file, e.line): e for e in effects}.values())
    sentences = (*analysis.unchecked, *refused_codecs(new))
    return dataclasses.replace(analysis, unchecked=_distinct(sentences), effects=new)


def _analysed(first: Recording, held: RecordedTree) -> Analysis:
    """Compare a replay with its history; where something differs, replay it again to say what and where."""
    cut = find_cut(first, held)
    same: Plan = {
        a.position: a.position
        if a.virtual or a.position in held.by_position or a.position in held.later
        else None
        for a in first.calls
    }
    pairing = compare(first, held, same, {}, cut)
    failures = {call.objection.type for call in first.objected if call.objection is not None}
    objected = (
        "NonDeterministicExecutionError" in failures
    )  # the others are recorded so, where nothing differs
    refused = any(effect.refused and not effect.compared for effect in first.side_effects)
    if not (objected or refused or pairing.findings or find_in_outcome(first, first, (), cut)):
        return Analysis((), _distinct(pairing.unchecked), first, first, pairing)
    if _timed_out(first):  # each further pass would take as long
        stacks = {call.seq: (call.place,) for call in first.calls if call.place}
        return _told(first, dataclasses.replace(first, stacks=stacks), pairing)
    if failures or refused or first.halt is not None or {f.kind for f in pairing.findings} - {"child_result"}:
        found = _aligned(first, held, cut)
        if "" not in cut.met:
            return found
        # What the handler would do behind the objection was never recorded: the replay ends there, as the execution.
        return dataclasses.replace(found, complete=first, evidence=first, pairing=pairing, is_aligned=False)
    complete = _pass(first, None, trace=True)
    return _told(first, complete, compare(complete, held, same, {}, cut))


def _aligned(first: Recording, held: RecordedTree, cut: Cut) -> Analysis:
    plan: Plan = {}
    planned: dict[str, Identity] = {}
    unreadable: dict[str, str] = {}
    replaced: dict[Caller, Kind] = {}
    effects = _Effects(first)
    unfinished = held.unfinished | cut.contexts
    if not ended_by_handler(first.history):
        unfinished |= {""}
    endless, known, idle = False, 0, 0
    while idle < _MOST_IDLE_PASSES:
        aligner = Aligner(held, plan, planned, replaced=replaced, unreadable=unreadable)
        complete = _pass(first, aligner, hurried=endless, jumps=effects.jumps)
        endless = endless or _timed_out(complete)
        better = aligned(complete.calls, held, unfinished)
        unread = {**_unreadable(complete.calls), **unreadable}
        settled = better == aligner.used and unread.keys() == unreadable.keys() and not effects.add(complete)
        plan, planned, unreadable = better, {a.position: identity_of(a) for a in complete.calls}, unread
        replaced = replaced_at(complete.calls, plan, held)
        if settled:
            break
        answered = sum(target is not None for target in plan.values())
        idle, known = (0 if answered > known and not endless else idle + 1), max(known, answered)
    evidence = _pass(first, None, hurried=endless, jumps=effects.jumps) if effects.jumps else first
    pairing = compare(complete, held, aligner.used, unreadable, cut)

    def again(number: int) -> Recording:
        guide = Aligner(held, aligner.used, planned, replaced=replaced, unreadable=unreadable)
        return _pass(first, guide, hurried=endless, jumps=effects.jumps, other_values=number)

    told = _told(evidence, complete, pairing, effects.seen, again)
    if _lines_are_missing(told):
        aligner = Aligner(held, plan, planned, replaced=replaced, unreadable=unreadable)
        complete = _pass(first, aligner, hurried=endless, jumps=effects.jumps, trace=True)
        pairing = compare(complete, held, aligner.used, unreadable, cut)
        told = _told(evidence, complete, pairing, effects.seen, again)
    moved = any(asked != target for asked, target in aligner.used.items())
    # Where the SDK objects, a pass by the ids alone would end there.
    return dataclasses.replace(told, is_aligned=moved or bool(unreadable) or bool(first.objected))


class _Effects:
    """Side effects of all passes, and how to get past those that ended one."""

    def __init__(self, first: Recording) -> None:
        self.seen: list[tuple[SideEffect, float]] = []
        self.jumps: frozenset[Jump] = frozenset()
        self.add(first)

    def add(self, recording: Recording) -> bool:
        """Take note of a pass; whether the next one gets further."""
        effects = [effect for effect in recording.side_effects if not effect.compared]
        for effect in effects:
            if effect.refused and all(not _same_line(effect, other) for other, _ in self.seen):
                self.seen.append((effect, len(recording.calls) - 0.5))
        halt = recording.halt
        if halt is None or halt.kind != "side_effect" or not effects:
            return False
        effect = effects[-1]
        jump = jump_over(effect.file, effect.line) if effect.file and effect.line else None
        if jump is None or jump in self.jumps:
            return False
        self.jumps |= {jump}
        return True


def _same_line(one: SideEffect, other: SideEffect) -> bool:
    return (one.file, one.line) == (other.file, other.line)


def _lines_are_missing(told: Analysis) -> bool:
    """Whether something shows where a body ends: to note these lines takes several times as long."""
    at_the_end = {"result", "error", "outcome", "child_result", "undeserializable"}
    return any(f.kind in at_the_end or (f.kind == "missing" and f.follower is None) for f in told.findings)


def _pass(  # noqa: PLR0913
    first: Recording,
    aligner: Aligner | None,
    *,
    hurried: bool = False,
    trace: bool = False,
    jumps: frozenset[Jump] = frozenset(),
    other_values: int = 0,
) -> Recording:
    """Run the handler once more, and note from where it asks."""
    timeout = None
    if hurried or _timed_out(first):
        timeout = min(_PATIENCE_SECONDS, first.options.timeout or _PATIENCE_SECONDS)
    elif other_values:
        timeout = min(_PATIENCE_WITH_OTHERS, first.options.timeout or _PATIENCE_WITH_OTHERS)
    most = _MOST_ASKS + 2 * max(len(first.calls), len(first.history.tree()))
    return first.runner.again(
        first,
        Pass(aligner, most=most, trace=trace, jumps=jumps, timeout=timeout, other_values=other_values),
    )


def _timed_out(recording: Recording) -> bool:
    return recording.halt is not None and recording.halt.kind == "timeout"


def _unreadable(calls: Iterable[Call]) -> dict[str, str]:
    return {
        call.position: call.objection.text
        for call in calls
        if call.objection is not None and call.objection.is_unreadable and call.match_status == "SUCCEEDED"
    }


def _told(
    evidence: Recording,
    complete: Recording,
    pairing: Pairing,
    effects: Sequence[tuple[SideEffect, float]] = (),
    again: Callable[[int], Recording] | None = None,
) -> Analysis:
    """Judge what is found; `again` makes the complete pass with other placeholders, where it was aligned."""
    found = pairing.findings
    found += find_in_outcome(evidence, complete, found, pairing.cut)
    found += find_side_effects(effects)
    kept = _without_consequences(sorted(found, key=lambda finding: finding.order))
    if complete.halt is not None and complete.halt.kind == "endless":
        kept = [finding for finding in kept if not _is_of_the_loop(finding, complete.halt.call)]
    judged = Judged(kept, 0, ())
    if complete.looks is not None:
        judged = judged_by_what_is_known(
            kept,
            (evidence, complete),
            lambda number: again(number) if again else _pass(evidence, None, other_values=number),
        )
    groups = grouped(judged.kept, {call.position: call for call in complete.calls}.values(), complete.stacks)
    unchecked = _distinct((*pairing.unchecked, *judged.unchecked))
    return Analysis(
        tuple(groups),
        unchecked,
        complete,
        evidence,
        pairing,
        judged.left,
        is_judged_whole=not judged.unchecked,
    )


def _distinct(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences))


def _without_consequences(findings: Sequence[Finding]) -> list[Finding]:
    """Drop results of contexts that are other because something in them is: the cause is told already."""
    inside: set[str] = set()
    for finding in findings:
        if finding.kind in VALUE_KEEPING:
            continue
        path = finding.call.parent_path if finding.call else finding.path
        while path:
            inside.add(path)
            path = parent_of(path)
    return [
        f
        for f in findings
        if not (f.kind == "child_result" and f.call is not None and f.call.position in inside)
    ]


def _is_of_the_loop(finding: Finding, last: Call | None) -> bool:
    """Whether a finding only pairs a loop that does not end with what was to come behind it."""
    anchor = finding.anchor
    if anchor is None or last is None or finding.kind == "unexpected":
        return False
    return anchor.place is not None and last.place is not None and anchor.place.call == last.place.call
