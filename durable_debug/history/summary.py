"""The execution itself, in a few values: from its events, and where these do not tell, from its record and its ARN."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from durable_debug.history.keeping import ARN
from durable_debug.history.timestamps import from_microseconds
from durable_debug.history.vocabulary import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from durable_debug.history.columns import Columns

__all__ = ["Summary"]


@dataclass(frozen=True, eq=False)
class Summary:
    """See the properties of `History` that have the same names."""

    columns: Columns
    arn: str | None
    execution: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        """Name of the execution."""
        if self.columns.types[:1] == ["ExecutionStarted"] and self.columns.names[0]:
            return str(self.columns.names[0])
        return self._of_arn("name")

    @property
    def function_name(self) -> str | None:
        """Name of the durable function."""
        return self._of_arn("function")

    @property
    def version(self) -> str | None:
        """Version of the function."""
        told: str | None = self.execution.get("Version")
        return told or self._of_arn("version")

    @cached_property
    def status(self) -> str:
        """Status, by the last event that tells one."""
        for event_type, meaning in zip(
            reversed(self.columns.types), reversed(self.columns.meanings), strict=True
        ):
            if meaning.type == "EXECUTION" and meaning.status not in {None, "STARTED"}:
                return str(meaning.status)
            if event_type in {"ExecutionPaused", "ExecutionResumed"}:
                return "PAUSED" if event_type == "ExecutionPaused" else "RUNNING"
        return str(self.execution.get("Status") or "RUNNING")

    @property
    def trace_header(self) -> str | None:
        """X-Ray's trace header."""
        header: Mapping[str, str] = self.execution.get("TraceHeader") or {}
        return header.get("XAmznTraceId")

    @cached_property
    def input(self) -> str | None:
        """What it was given, JSON text."""
        payload, _ = self._told(started=True)
        return payload if payload is not None else self.execution.get("InputPayload")

    @cached_property
    def result(self) -> str | None:
        """What it gave, JSON text."""
        payload, _ = self._told(started=False)
        return payload if payload is not None else self.execution.get("Result")

    @cached_property
    def error(self) -> dict[str, Any] | None:
        """What it failed with."""
        _, error = self._told(started=False)
        return error or self.execution.get("Error") or None

    @property
    def started(self) -> datetime | None:
        """When the first event was recorded."""
        times = self.columns.times
        return from_microseconds(min(times)) if times else None

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from the first event to the last."""
        times = self.columns.times
        return (max(times) - min(times)) / 1e6 if times else None

    def _of_arn(self, part: str) -> str | None:
        found = ARN.match(self.arn) if self.arn else None
        return found[part] if found else None

    def _told(self, *, started: bool) -> tuple[str | None, dict[str, Any] | None]:
        """Payload and error of the event that started, or that ended, the execution."""
        for at, meaning in enumerate(self.columns.meanings):
            if meaning.origin is Origin.EXECUTION and (meaning.status == "STARTED") is started:
                return self.columns.payloads[at], self.columns.errors[at]
        return None, None
