"""What a replay could not compare, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durable_debug.replay.recording import Recording

__all__ = ["unchecked"]


def unchecked(recording: Recording) -> tuple[str, ...]:
    """Name what the history does not hold, a sentence each."""
    history, asks = recording.history, recording.asks
    operations = history.tree()
    found = []
    steps = sum(1 for ask in asks if ask.type == "STEP")
    if steps:
        found.append(f"Step bodies and their inputs ({steps} steps): a history holds results only.")
    if any(ask.args[0] == "step" and ask.args[2] is not None for ask in asks):
        found.append("Retry strategies and step semantics: a history does not hold them.")
    unnamed = Counter(o.type for o in operations if not o.name)
    if unnamed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(unnamed.items()))
        found.append(f"Order and identity of operations without a name ({kinds}): nothing tells them apart.")
    placeless = [o for o in operations if not o.position.replace("-", "").isdigit()]
    if placeless:
        found.append(f"{len(placeless)} operations whose place can't be recovered from their id.")
    truncated = [o.position for o in operations if o.truncated]
    if truncated:
        found.append(f"Payloads that the history lacks ({len(truncated)} operations, the first at {truncated[0]}).")
    unclear = [o.position for o in operations if o.replay_children is None and o.type == "CONTEXT" and o.status == "SUCCEEDED"]
    if unclear:
        found.append(
            f"Whether {len(unclear)} contexts (the first at {unclear[0]}) recorded a result or a summary: the events don't say."
        )
    no_timeouts = [o for o in operations if o.type == "CALLBACK" and o.timeout_seconds is None]
    if no_timeouts:
        found.append(f"Timeouts of {len(no_timeouts)} callbacks: the history does not hold them.")
    if not recording.options.enter:
        found.append("The inside of completed contexts: enter=False.")
    if recording.halt is not None and recording.halt.kind != "would_run":
        found.append(f"All that comes after the end of the replay: {recording.halt.message}.")
    for kind, sentence in (("thread", "starts threads"), ("sleep", "sleeps")):
        effects = [e for e in recording.side_effects if e.kind == kind]
        if effects:
            where = f" ({effects[0].file}:{effects[0].line})" if effects[0].file else ""
            tail = "operations that they ask for have no certain order" if kind == "thread" else "a replay takes that time each time"
            found.append(f"The handler {sentence} outside steps{where}: {tail}.")
    return tuple(found)
