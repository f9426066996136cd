"""What text and pages say alike of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.divergence.wording import listed

if TYPE_CHECKING:
    from durable_debug.divergence.divergence import Divergence

__all__ = ["located"]


def located(divergence: Divergence) -> str:
    """Tell where in the history a divergence is: position asked for, the recorded one where it is another, events."""
    asked, recorded, events = divergence.position, divergence.recorded_position, divergence.event_ids
    parts = [f"position {asked}"] if asked else []
    if recorded and recorded != asked:
        parts.append(f"recorded at {recorded if asked else f'position {recorded}'}")
    if events:
        parts.append(f"event{'s' if len(events) > 1 else ''} {listed([str(event) for event in events])}")
    return ", ".join(parts)
