"""What a debugger shows at a stop, as plain data that can be compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import durable_debug as dd

SAMPLES = Path(__file__).parent.parent.parent / "sample_histories"

# Sample, handler and invocation: forward and back in each of these must look the same.
SUBJECTS = {
    "timed out": ("espresso_timed_out", "espresso", None),
    "cancelled": ("espresso_cancelled", "espresso", None),
    "first invocation": ("espresso_completed", "espresso", 1),
    "nested": ("nested", "nested", None),
    "suspended": ("suspended", "suspended", None),
    "divergent": ("shipping_v1", "shipping", None),
    "completed map": ("map_200", "map_items", None),
    "live map": ("map_200", "map_items", 1),
    "polls": ("poll_job", "poll_job", None),
    "retries": ("payment_failed", "payment", None),
}


def open_debugger(subject: str, **options: Any) -> dd.Debugger:
    history, app, invocation = SUBJECTS[subject]
    return dd.debug(
        f"{SAMPLES}/apps/{app}.py:handler", SAMPLES / f"{history}.json", invocation=invocation, **options
    )


def without_addresses(variables: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (one.name, one.type, re.sub(r"0x[0-9a-f]+", "0x…", one.preview), one.children) for one in variables
    ]


def straight(dbg: dd.Debugger) -> list[dict[str, Any]]:
    """What is to be seen at each stop, from the first to the end, one after the other."""
    dbg.restart()
    seen = [shown(dbg)]
    while dbg.stop.kind != "end":
        dbg.step_in()
        seen.append(shown(dbg))
    return seen


def shown(dbg: dd.Debugger) -> dict[str, Any]:
    """All that is to be seen at a stop, but for the reason why it stopped there."""
    stop = dbg.stop
    return {
        "index": stop.index,
        "kind": stop.kind,
        "status": dbg.status,
        "operation": stop.operation,
        "asked": stop.asked,
        "source": stop.source,
        "divergences": stop.divergences,
        "error": stop.error,
        "at event": stop.state_event_id,
        "stack": dbg.stack,
        "variables": [without_addresses(dbg.variables(number)) for number in range(len(dbg.stack))],
        "statuses": dbg.statuses,
        "state": dbg.state.to_json(orient="values"),
        "logs": dbg.logs,
        "hits": [(one.id, one.hit_count) for one in dbg.breakpoints],
    }
