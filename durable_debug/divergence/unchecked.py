"""What a replay could not compare, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from durable_debug.divergence.redacted import values_sentence
from durable_debug.divergence.slots import tenants_of
from durable_debug.divergence.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.tape import Ask
    from durable_debug.history import History, Operation

__all__ = ["refused_codecs", "unchecked"]

_NOTED = {
    "thread": "The handler starts threads outside steps{where}: operations that they ask for have no certain order.",
    "sleep": "The handler sleeps outside steps{where}: a replay takes that time each time.",
}


def unchecked(recording: Recording) -> tuple[str, ...]:
    """Name what the history does not hold, and what the replay did not come to, a sentence each."""
    redacted = recording.history.redacted
    told = () if redacted is None else (values_sentence(tuple(redacted)),)
    return (
        *told,
        *_in_history(recording.history.tree()),
        *_in_calls(recording.asks, recording.history),
        *_in_run(recording),
    )


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


def _in_calls(asks: Sequence[Ask], history: History) -> Iterator[str]:
    steps = sum(1 for ask in asks if ask.type == "STEP")
    if steps:
        yield f"Step bodies and their inputs ({steps} steps): a history holds results only."
    if any(
        ask.kind == "step" and ("step_semantics" in ask.arguments or ask.match_attempts > 1) for ask in asks
    ):
        yield "Retry strategies and step semantics: a history does not hold them."
    polled = [ask for ask in asks if ask.kind == "wait_for_condition"]
    if polled:
        yield (
            f"Checks and wait strategies of {counted(len(polled), 'condition')} (the first at {polled[0].position}): a "
            "history holds what came of them only."
        )
    tenants = [ask for ask in asks if ask.kind == "invoke" and "tenant_id" in ask.arguments]
    unknown = [ask for ask in tenants if ask.operation_id not in tenants_of(history)]
    if unknown:
        yield (
            f"Tenants of {counted(len(unknown), 'invoke')} (the first at {unknown[0].position}): the history does not hold "
            "them."
        )
    own = [ask.position for ask in asks if ask.summarises]
    if own:
        yield (
            f"Whether {len(own)} contexts with a summary of their own (the first at {own[0]}) recorded a result or "
            "the summary: the events don't say, so it is taken from the size of the result."
        )


def refused_codecs(effects: Iterable[SideEffect]) -> Iterator[str]:
    """Say what could not be compared, for a codec has a side effect when it writes."""
    for effect in effects:
        if effect.compared and effect.refused:
            where = f" at {effect.file}:{effect.line}" if effect.file else ""
            yield (
                f"What a codec writes{where}: it would have a side effect ({effect.detail}), which a replay refuses; "
                "name it in allow= to let it happen."
            )


def _in_run(recording: Recording) -> Iterator[str]:
    yield from recording.runner.remarks
    if not recording.options.enter:
        yield "The inside of completed contexts: enter=False."
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
