"""Observed against recorded: what a replay does otherwise than the history."""

from durable_debug.divergence.audit import audit
from durable_debug.divergence.divergence import Divergence
from durable_debug.divergence.report import Report
from durable_debug.divergence.run import Run, replay

__all__ = ["Divergence", "Report", "Run", "audit", "replay"]
