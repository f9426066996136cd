"""From one replay to everything that it does otherwise: replayed again, aligned, until the alignment holds.

A call must be answered before the calls after it are known, so a replay is aligned in passes: the first guesses as
it goes; from what it asked the best alignment is computed; the next pass follows that, until nothing changes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.align import Plan, aligned
from durable_debug.divergence.blame import Group, grouped
from durable_debug.divergence.compare import compare
from durable_debug.divergence.findings import VALUE_KEEPING, Comparison, Finding
from durable_debug.divergence.matcher import Aligner
from durable_debug.divergence.outcome import find_in_outcome
from durable_debug.divergence.slots import Identity, Recorded, identity_of, parent_of
from durable_debug.divergence.witness import Witness
from durable_debug.replay.engine import Replay
from durable_debug.replay.recording import Recording, recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from durable_debug.divergence.witness import Stack
    from durable_debug.replay.tape import Ask

__all__ = ["Analysis", "analysed"]

_MOST_PASSES = 5
_MOST_ASKS = 1_000  # beyond twice what is recorded: a handler that goes on with values nobody knows may never end
_PATIENCE_SECONDS = 1.0  # with a handler that has been seen to run for ever


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
    plan, planned, unreadable
        How it was aligned (see `Aligner`); the plan is None where nothing has to be.
    """

    groups: tuple[Group, ...]
    unchecked: tuple[str, ...]
    complete: Recording
    plan: Plan | None = None
    planned: dict[str, Identity] = dataclasses.field(default_factory=dict)
    unreadable: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the replay."""
        return sorted((f for group in self.groups for f in group.findings), key=lambda f: f.order)

    def aligner(self) -> Aligner | None:
        """Give what a further pass needs to do the same as `complete`; None where nothing has to be aligned."""
        if self.plan is None:
            return None
        answers = self.complete.script.answers
        return Aligner(Recorded(self.complete.history), answers, self.plan, self.planned, self.unreadable)


def analysed(first: Recording) -> Analysis:
    """Compare a replay with its history; where something differs, replay it again to say what and where.

    Parameters
    ----------
    first
        The replay as Lambda would do it: the SDK objects where it would there.
    """
    held = Recorded(first.history)
    same: Plan = {a.position: a.position if a.position in held.by_position or a.virtual else None for a in first.asks}
    comparison = compare(first, held, same, {})
    broken = any(ask.failure is not None for ask in first.asks)
    objected = any(type(ask.failure).__name__ == "NonDeterministicExecutionError" for ask in first.asks)
    if not objected and not comparison.findings and not find_in_outcome(first, first, ()):
        return Analysis((), _distinct(comparison.unchecked), first)  # also where it can't read what it never could
    if broken or any(finding.kind != "child_result" for finding in comparison.findings):
        return _aligned(first, held)
    complete, stacks = _pass(first, None)
    return _told(first, complete, stacks, compare(complete, held, same, {}))


def _aligned(first: Recording, held: Recorded) -> Analysis:
    plan: Plan = {}
    planned: dict[str, Identity] = {}
    unreadable: dict[str, str] = {}
    endless = False
    for _ in range(_MOST_PASSES):
        aligner = Aligner(held, first.script.answers, plan, planned, unreadable)
        complete, stacks = _pass(first, aligner, hurried=endless)
        endless = endless or _timed_out(complete)
        better = aligned(complete.asks, held)
        unread = {**_unreadable(complete.asks), **unreadable}
        if better == aligner.used and unread.keys() == unreadable.keys():
            break
        plan, planned, unreadable = better, {a.position: identity_of(a) for a in complete.asks}, unread
    comparison = compare(complete, held, aligner.used, unread)
    told = _told(first, complete, stacks, comparison)
    if not unread and all(asked == target for asked, target in aligner.used.items()):
        return told
    planned = {a.position: identity_of(a) for a in complete.asks}
    return dataclasses.replace(told, plan=aligner.used, planned=planned, unreadable=unread)


def _pass(first: Recording, aligner: Aligner | None, *, hurried: bool = False) -> tuple[Recording, dict[int, Stack]]:
    """Run the handler once more, and note from where it asks. Nothing that the user allowed to run runs again."""
    options = dataclasses.replace(first.options, run=())
    if hurried or _timed_out(first):
        options = dataclasses.replace(options, timeout=min(_PATIENCE_SECONDS, options.timeout or _PATIENCE_SECONDS))
    witness = Witness(_MOST_ASKS + 2 * max(len(first.asks), len(first.script.answers)))
    replay = Replay(first.handler, first.script, options, observer=witness, matcher=aligner, trace=True)
    witness.tape = replay.tape
    return recorded(replay, first.history, replay.run()), witness.stacks


def _timed_out(recording: Recording) -> bool:
    return recording.halt is not None and recording.halt.kind == "timeout"


def _unreadable(asks: Iterable[Ask]) -> dict[str, str]:
    return {
        ask.position: str(ask.failure)
        for ask in asks
        if type(ask.failure).__name__ == "SerDesError" and ask.match is not None and ask.match.status.value == "SUCCEEDED"
    }


def _told(first: Recording, complete: Recording, stacks: dict[int, Stack], comparison: Comparison) -> Analysis:
    found = comparison.findings
    found += find_in_outcome(first, complete, found)
    kept = _without_consequences(sorted(found, key=lambda finding: finding.order))
    if complete.halt is not None and complete.halt.kind == "endless":
        kept = [finding for finding in kept if not _is_of_the_loop(finding, complete.halt.ask)]
    groups = grouped(kept, {ask.position: ask for ask in complete.asks}.values(), stacks)
    return Analysis(tuple(groups), _distinct(comparison.unchecked), complete)


def _distinct(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences))


def _without_consequences(findings: Sequence[Finding]) -> list[Finding]:
    """Drop results of contexts that are other because something in them is: the cause is told already."""
    inside: set[str] = set()
    for finding in findings:
        if finding.kind in VALUE_KEEPING:
            continue
        path = finding.ask.parent_path if finding.ask else finding.path
        while path:
            inside.add(path)
            path = parent_of(path)
    return [f for f in findings if not (f.kind == "child_result" and f.ask is not None and f.ask.position in inside)]


def _is_of_the_loop(finding: Finding, last: Ask | None) -> bool:
    """Whether a finding only pairs a loop that does not end with what was to come behind it."""
    anchor = finding.anchor
    if anchor is None or last is None or finding.kind == "unexpected":
        return False
    return anchor.code is last.code and anchor.lasti == last.lasti
