"""Where a running execution goes behind the first body that would run, as the SDK of its line goes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.divergence.tree import identity_of
from durable_debug.engine.runner import Pass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from durable_debug.divergence.run import Run
    from durable_debug.engine.call import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History, Operation

__all__ = ["Followed", "followed", "is_killed"]

_MOST_ASKS = 500  # beyond twice what is recorded: what goes on with values nobody knows may never end
_PATIENCE_SECONDS = 5.0
_CONTEXT = "CONTEXT"
_BRANCHES = {"Map", "Parallel", "MapIteration", "ParallelBranch"}


@dataclass(frozen=True, slots=True)
class Followed:
    """What is met on the way.

    Attributes
    ----------
    killed
        The call that the SDK kills the execution for; None where it does not, or where none can be named.
    is_killed
        Whether it is killed.
    again
        The first call whose body would run a second time.
    unknown
        The first call that is not on record: what follows it may depend on what it gives.
    """

    killed: Call | None
    is_killed: bool
    again: Call | None
    unknown: Call | None

    def depends(self, call: Call | None) -> Call | None:
        """Give the call whose unknown answer comes before this one."""
        before = self.unknown is not None and call is not None and self.unknown.seq < call.seq
        return self.unknown if before else None


def followed(run: Run) -> Followed:
    """Go on behind what would run, with values that nobody knows, until the SDK ends it or it waits."""
    recording = run.recording
    halt = recording.halt
    if halt is not None and halt.kind == "would_run":
        most = _MOST_ASKS + 2 * len(recording.history.tree())
        given = recording.options.timeout
        patience = _PATIENCE_SECONDS if given is None else min(given, _PATIENCE_SECONDS)
        further = recording.runner.again(recording, Pass(most=most, timeout=patience, supposes=True))
        if any(call.supposed for call in further.calls):
            recording = further
    supposed = [call for call in recording.calls if call.supposed]
    if not supposed and halt is not None and halt.kind == "would_run" and halt.call is not None:
        supposed = [halt.call]
    if not supposed and recording.beyond is not None:
        supposed = [recording.beyond]
    gone = _unanswered(recording, run.history)
    objected = [a for a in recording.calls if a.objection is not None and a.objection.is_identity]
    return Followed(
        killed=next((a for a in objected if a.ended_it), next(iter(objected), None)),
        is_killed=is_killed(recording),
        again=next((call for call in supposed if _is_among(call, gone, run.history)), None),
        unknown=next(iter(supposed), None),
    )


def is_killed(recording: Recording) -> bool:
    """Whether the SDK ends it for asking for something else than was recorded."""
    error = (recording.outcome.error or {}).get("ErrorType")
    killed = str(error).rpartition(".")[2] == "NonDeterministicExecutionError"
    return recording.outcome.status == "FAILED" and killed


def _unanswered(recording: Recording, history: History) -> list[Operation]:
    """Operations that have ended, and answer no call of their own kind and name."""
    by_id = {one.id: one for one in history.tree()}
    answered: set[str] = set()
    closed: set[str] = set()  # contexts that answer: what they hold is not asked for
    for call in recording.calls:
        held = by_id.get(call.match_id or "")
        if held is None or call.supposed:
            continue
        if _identity(held) == identity_of(call):
            answered.add(held.id)
        if held.type == call.type == _CONTEXT and held.end_event_id is not None:
            closed.add(held.id)
    return [
        one
        for one in by_id.values()
        if one.end_event_id is not None
        and one.type != _CONTEXT
        and one.id not in answered
        and not any(outer in closed for outer in _around(one, by_id))
    ]


def _is_among(call: Call, gone: Iterable[Operation], history: History) -> bool:
    """Whether one of these is what a call would run once more: each branch has its own, and is known by its number."""
    by_id = {one.id: one for one in history.tree()}
    for one in gone:
        if _identity(one) != identity_of(call):
            continue
        in_branch = any(by_id[outer].sub_type in _BRANCHES for outer in _around(one, by_id))
        if not in_branch or _branch(one.position) == _branch(call.position):
            return True
    return False


def _around(operation: Operation, by_id: dict[str, Operation]) -> Iterable[str]:
    outer = operation.parent_id
    while outer is not None and outer in by_id:
        yield outer
        outer = by_id[outer].parent_id


def _branch(position: str) -> str:
    return position.rpartition("-")[0].rpartition("-")[2]


def _identity(operation: Operation) -> tuple[str, str | None, str | None]:
    return operation.type, operation.sub_type, operation.name or None
