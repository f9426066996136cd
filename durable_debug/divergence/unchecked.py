"""What a replay could not compare, and why."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import TYPE_CHECKING

from durable_debug.divergence.arguments import was_tried_again
from durable_debug.divergence.redacted import values_sentence
from durable_debug.divergence.tree import tenants_of
from durable_debug.spelling import option
from durable_debug.wording import called, counted, described, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History, Operation

__all__ = ["refused_codecs", "unchecked"]

_NOTED = {
    "thread": "The handler starts threads outside steps{where}: operations that they ask for have no certain order.",
    "sleep": "The handler sleeps outside steps{where}: a replay takes that time each time.",
}


def unchecked(recording: Recording) -> tuple[str, ...]:
    """Name what the history does not hold, and what the replay did not come to, a sentence each."""
    redacted = recording.history.redacted
    told = () if redacted is None else (values_sentence(tuple(redacted), tuple(recording.history.kept)),)
    return (
        *told,
        *_of_history(recording.history),
        *_in_calls(recording.calls),
        *_of_strategies(recording),
        *_in_run(recording),
    )


_held: weakref.WeakKeyDictionary[History, tuple[str, ...]] = weakref.WeakKeyDictionary()


def _of_history(history: History) -> tuple[str, ...]:
    """What is the same for all replays of a history."""
    if history not in _held:
        _held[history] = (*_in_history(history.tree()), *_of_tenants(history))
    return _held[history]


def _in_history(operations: Sequence[Operation]) -> Iterator[str]:
    unnamed = Counter(o.type for o in operations if not o.name)
    if unnamed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unnamed.items()))
        yield f"Order and identity of operations without a name ({kinds}): nothing tells them apart."
    placeless = [o for o in operations if not o.position.replace("-", "").isdigit()]
    if placeless:
        yield f"{len(placeless)} operations whose place can't be recovered from their id."
    truncated = [o.position for o in operations if o.truncated]
    if truncated:
        yield f"Payloads that the history lacks ({len(truncated)} operations, the first at {truncated[0]})."
    no_timeouts = [o for o in operations if o.type == "CALLBACK" and o.timeout_seconds is None]
    if no_timeouts:
        yield f"Timeouts of {len(no_timeouts)} callbacks: the history does not hold them."


def _in_calls(calls: Sequence[Call]) -> Iterator[str]:
    steps = sum(1 for call in calls if call.type == "STEP")
    if steps:
        yield f"Step bodies and their inputs ({steps} steps): a history holds results only."
    if any("step_semantics" in call.arguments for call in calls):
        yield "Step semantics: a history does not hold them."
    polled = sum(1 for call in calls if call.kind == "wait_for_condition")
    if polled:
        yield f"Checks of {counted(polled, 'condition')}: a history holds what came of them only."
    own = [call.position for call in calls if call.summarises]
    if own:
        yield (
            f"Whether {len(own)} contexts with a summary of their own (the first at {own[0]}) recorded a result or "
            "the summary: the events don't say, so it is taken from the size of the result."
        )


def _of_tenants(history: History) -> Iterator[str]:
    invokes = [called(operation) for operation in history.tree() if operation.type == "CHAINED_INVOKE"]
    if invokes and not tenants_of(history):
        yield f"Tenants of {_listed(invokes)}: the history does not hold them."


def _of_strategies(recording: Recording) -> Iterator[str]:
    """Retry and wait strategies that are the user's functions, or of which nothing is on record."""
    calls = [call for call in recording.calls if call.type == "STEP" and call.has_strategy]
    by_id = {operation.id: operation for operation in recording.history.tree()} if calls else {}
    own: dict[str, list[str]] = {}
    untried: list[str] = []
    for call in calls:
        operation = by_id.get(call.match_id or "")
        name = described(call.type, call.sub_type, call.name)
        if operation is not None and not was_tried_again(operation):
            untried.append(name)
        elif call.strategy is None:
            own.setdefault("Retry" if call.kind == "step" else "Wait", []).append(name)
    for which, names in own.items():
        yield f"{which} strategies of {_listed(names)}: they are functions, which a replay does not run."
    if untried:
        yield f"Retry and wait strategies of {_listed(untried)}: a single attempt does not show them."


def _listed(names: Iterable[str]) -> str:
    return listed(list(dict.fromkeys(names)))


def refused_codecs(effects: Iterable[SideEffect]) -> Iterator[str]:
    """Say what could not be compared, for a codec has a side effect when it writes."""
    for effect in effects:
        if effect.compared and effect.refused:
            where = f" at {effect.file}:{effect.line}" if effect.file else ""
            yield (
                f"What a codec writes{where}: it would have a side effect ({effect.detail}), which a replay refuses; "
                f"name it in {option('allow')} to let it happen."
            )


def _in_run(recording: Recording) -> Iterator[str]:
    yield from recording.runner.remarks
    if not recording.options.enter:
        yield f"The inside of completed contexts: {option('enter', value=False)}."
    if recording.halt is not None and recording.halt.kind != "would_run":
        yield f"All that comes after the end of the replay: {recording.halt.message}."
    yield from refused_codecs(recording.side_effects)
    if recording.ran:
        yield f"Bodies that were let run ({len(recording.ran)}): they ran once, and each further pass has the same answer."
    for kind, sentence in _NOTED.items():
        effect = next((e for e in recording.side_effects if e.kind == kind and not e.compared), None)
        if effect is not None:
            where = f" ({effect.file}:{effect.line})" if effect.file else ""
            yield sentence.format(where=where)
