"""A folder of histories that people can read, copy and commit: one JSON file an execution, and an index beside them.

The files are the truth: each is what `History.save` writes. The index (``index.ndjson``, one line a file) only spares
opening them; a line that is missing, torn, or does not fit its file's size is made again from the file.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from durable_debug.history import saving
from durable_debug.history.timestamps import from_microseconds, microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["ARN", "ENDED", "INDEX", "Entry", "entry_of", "file_name", "keep"]

INDEX = "index.ndjson"
ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"})
"""Statuses of executions to which nothing is added any more."""
# botocore's pattern of a DurableExecutionArn, less strict about what it need not be strict about
ARN = re.compile(
    r"^arn:[^:]+:lambda:[^:]*:[^:]*:function:(?P<function>[^:/]+)(?::(?P<version>[^/]*))?/durable-execution/"
    r"(?P<name>[^/]+)/(?P<id>[^/]+)"
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 120
_ENDS = {f"Execution{end}": status for end, status in (("Succeeded", "SUCCEEDED"), ("Failed", "FAILED"), ("TimedOut", "TIMED_OUT"), ("Stopped", "STOPPED"))}  # fmt: skip


class Entry(TypedDict):
    """What the index says of one execution; times are ISO 8601."""

    file: str
    size: int
    arn: str | None
    name: str | None
    function: str | None
    version: str | None
    status: str | None
    start: str | None
    end: str | None
    events: int | None
    problem: str | None


def keep(
    events: Sequence[dict[str, Any]],
    folder: Path,
    *,
    arn: str | None,
    more_pages: bool,
    also: Mapping[str, Any],
) -> Path:
    """Write one history into a folder, and a line into the folder's index."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file_name(arn, events)
    saving.write(events, target, arn=arn, more_pages=more_pages, also=also)
    entry = entry_of(
        {"DurableExecutionArn": arn, "Events": events, **also}, target.name, target.stat().st_size
    )
    with (folder / INDEX).open("ab", buffering=0) as index:  # one write, which no other process comes between
        index.write(orjson.dumps(entry) + b"\n")
    return target


def file_name(arn: str | None, events: Sequence[Mapping[str, Any]] = ()) -> str:
    """Name of the file of an execution: ``order-42--ce67da72-….json``.

    Parameters
    ----------
    arn
        Its ARN. The names of its last two parts are the file's.
    events
        Where there is no ARN, the name is made of these.
    """
    if arn is None:
        name = next((str(event["Name"]) for event in events[:1] if event.get("Name")), "execution")
        digest = hashlib.blake2b(
            repr([*events[:2], len(events)]).encode(errors="replace"), digest_size=6
        ).hexdigest()
        return f"{_safe(name)}--{digest}.json"
    wanted = "--".join(arn.split("/")[-2:])
    safe = _safe(wanted)
    if safe != wanted or not ARN.match(arn):  # different ARNs might come to the same name
        safe += f"--{hashlib.blake2b(arn.encode(errors='replace'), digest_size=4).hexdigest()}"
    return f"{safe}.json"


def entry_of(document: Mapping[str, Any], file: str, size: int) -> Entry:
    """What the index says of a document as `History.save` writes it.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError
        It is of another shape.
    """
    events = document["Events"]
    arn: str | None = document.get("DurableExecutionArn")
    execution = document.get("Execution") or {}
    parts = ARN.match(arn) if arn else None
    times = [
        microseconds(event["EventTimestamp"])
        for event in (events if len(events) < 3 else _first_and_last(events))
    ]
    status = next(
        (_ENDS[event["EventType"]] for event in reversed(events) if event["EventType"] in _ENDS), None
    )
    first = next((event.get("Name") for event in events if event["EventType"] == "ExecutionStarted"), None)
    return Entry(
        file=file,
        size=size,
        arn=arn,
        name=first or (parts["name"] if parts else None),
        function=parts["function"] if parts else None,
        version=execution.get("Version") or (parts["version"] if parts else None),
        status=status or execution.get("Status") or "RUNNING",
        start=from_microseconds(min(times)).isoformat() if times else None,
        end=from_microseconds(max(times)).isoformat() if times and status else None,
        events=len(events),
        problem=None,
    )


def _first_and_last(events: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    by_id = [event["EventId"] for event in events]
    return events[by_id.index(min(by_id))], events[by_id.index(max(by_id))]


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_LONGEST] or "_"
