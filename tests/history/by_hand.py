"""Histories written by hand, of lines."""

from __future__ import annotations

from typing import Any

from durable_debug.history import History

EPOCH = 1_795_291_732_000


def written(*lines: tuple[Any, ...], recorded: bool = True) -> History:
    """A history of lines: milliseconds, event type, name (which is the id, too), parent and what else the event has."""
    events = []
    for number, (at, kind, name, *rest) in enumerate(lines, 1):
        parent, sub_type, details = [*rest, None, None, {}][:3] if len(rest) < 3 else rest
        if kind == "InvocationCompleted" and not recorded:
            details = {}
        events.append(
            {
                "EventId": number,
                "EventType": kind,
                "EventTimestamp": (EPOCH + at) / 1000,
                f"{kind}Details": details or {},
                **({"Id": name, "Name": name} if name else {}),
                **({"ParentId": parent} if parent else {}),
                **({"SubType": sub_type} if sub_type else {}),
            }
        )
    return History(events)


def completed(at: int, start: int) -> tuple[Any, ...]:
    return at, "InvocationCompleted", None, None, None, {"StartTimestamp": (EPOCH + start) / 1000}


def failed(at: int, name: str) -> tuple[Any, ...]:
    return at, "StepFailed", name, None, "Step", {"RetryDetails": {"NextAttemptDelaySeconds": 1}}
