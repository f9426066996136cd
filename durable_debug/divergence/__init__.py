"""Observed against recorded: what a replay does otherwise than the history."""

from durable_debug.divergence.divergence import Divergence
from durable_debug.divergence.run import Run, replay

__all__ = ["Divergence", "Run", "replay"]
