"""A folder of histories that people can read, copy and commit: one JSON file an execution, and an index beside them.

The files are the truth: each is what `History.save` writes. The index (``index.ndjson``, one line a file) only spares
opening them; a line that is missing, torn, or does not fit its file's size is made again from the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

import orjson

from durable_debug.history import saving
from durable_debug.history.documents import unicode
from durable_debug.history.timestamps import from_microseconds, microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["ARN", "ENDED", "INDEX", "Entry", "entry_of", "file_name", "is_entry", "keep", "line_of"]

INDEX = "index.ndjson"
ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"})
"""Statuses of executions to which nothing is added any more."""
# botocore's pattern of a DurableExecutionArn, less strict about what it need not be strict about
ARN = re.compile(
    r"^arn:[^:]+:lambda:[^:]*:[^:]*:function:(?P<function>[^:/]+)(?::(?P<version>[^/]*))?/durable-execution/"
    r"(?P<name>[^/]+)/(?P<id>[^/]+)"
)
_ARN_FIRST = re.compile(rb'\s*\{\s*"DurableExecutionArn":\s*("(?:[^"\\]|\\.)*")')
_TEXTS = ("arn", "name", "function", "version", "status", "start", "end", "problem")
_naming = threading.Lock()
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 120
_STANDS = {f"Execution{what}": status for what, status in (("Succeeded", "SUCCEEDED"), ("Failed", "FAILED"), ("TimedOut", "TIMED_OUT"), ("Stopped", "STOPPED"), ("Paused", "PAUSED"), ("Resumed", "RUNNING"))}  # fmt: skip


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
    with _naming:
        target = _free(folder, arn, events)
        saving.write(events, target, arn=arn, more_pages=more_pages, also=also)
    with contextlib.suppress(LookupError, TypeError, ValueError, OverflowError, AttributeError):
        document = {"DurableExecutionArn": arn, "Events": events, **also}
        line = line_of(entry_of(document, target.name, target.stat().st_size))
        with (folder / INDEX).open(
            "ab", buffering=0
        ) as index:  # one write, which no other process comes between
            index.write(line)
    return target


def _free(folder: Path, arn: str | None, events: Sequence[Mapping[str, Any]]) -> Path:
    """The file of an execution: another one where the file of that name holds an execution of another account, say."""
    plain, own = (folder / file_name(arn, events, own=own) for own in (False, True))
    if own == plain or own.exists():
        return own
    held = _arn_in(plain)
    return plain if held is None or held == arn else own


def _arn_in(path: Path) -> str | None:
    """ARN of the history that a file holds: what `saving.write` begins it with. None where there is no such thing."""
    try:
        with path.open("rb") as file:
            found = _ARN_FIRST.match(file.read(8192))
        return str(json.loads(found[1])) if found else None
    except (OSError, ValueError):
        return None


def file_name(arn: str | None, events: Sequence[Mapping[str, Any]] = (), *, own: bool = False) -> str:
    """Name of the file of an execution: ``order-42--ce67da72-….json``.

    Parameters
    ----------
    arn
        Its ARN. The names of its last two parts are the file's.
    events
        Where there is no ARN, the name is made of these.
    own
        Whether it is to be the ARN's alone, be it of another account, region or function. It is where there are capital
        letters, which not every file system tells from small ones.
    """
    if arn is None:
        name = next((str(event["Name"]) for event in events[:1] if event.get("Name")), "execution")
        digest = hashlib.blake2b(
            repr([*events[:2], len(events)]).encode(errors="replace"), digest_size=6
        ).hexdigest()
        return f"{_safe(name)}--{digest}.json"
    wanted = "--".join(arn.split("/")[-2:])
    safe = _safe(wanted)
    # Different ARNs might come to the same name.
    if own or safe != wanted or safe != safe.lower() or not ARN.match(arn):
        safe += f"--{hashlib.blake2b(arn.encode(errors='surrogatepass'), digest_size=4).hexdigest()}"
    return f"{safe}.json"


def line_of(entry: Entry) -> bytes:
    """Write a line of the index."""
    try:
        return orjson.dumps(entry) + b"\n"
    except orjson.JSONEncodeError:  # lone surrogates
        return json.dumps(entry).encode() + b"\n"


def is_entry(value: Any) -> bool:
    """Whether this is a line of the index, as far as it is true of any file."""
    if not isinstance(value, dict) or value.keys() != Entry.__annotations__.keys():
        return False
    whole = isinstance(value["file"], str) and type(value["size"]) is int
    return (
        whole
        and (value["events"] is None or type(value["events"]) is int)
        and all(value[key] is None or isinstance(value[key], str) for key in _TEXTS)
        and all(value[key] is None or _is_moment(value[key]) for key in ("start", "end"))
    )


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def entry_of(document: Mapping[str, Any], file: str, size: int) -> Entry:
    """What the index says of a document as `History.save` writes it.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError
        It is of another shape.
    """
    events = document["Events"]
    arn = _text(document.get("DurableExecutionArn"))
    execution = document.get("Execution")
    execution = execution if isinstance(execution, dict) else {}
    parts = ARN.match(arn) if arn else None
    times = [
        microseconds(event["EventTimestamp"])
        for event in (events if len(events) < 3 else _first_and_last(events))
    ]
    status = next(
        (_STANDS[event["EventType"]] for event in reversed(events) if event["EventType"] in _STANDS), None
    )
    first = next((event.get("Name") for event in events if event["EventType"] == "ExecutionStarted"), None)
    return Entry(
        file=file,
        size=size,
        arn=arn,
        name=_text(first) or (parts["name"] if parts else None),
        function=parts["function"] if parts else None,
        version=_text(execution.get("Version")) or (parts["version"] if parts else None),
        status=status or _text(execution.get("Status")) or "RUNNING",
        start=from_microseconds(min(times)).isoformat() if times else None,
        end=from_microseconds(max(times)).isoformat() if times and status in ENDED else None,
        events=len(events),
        problem=None,
    )


def _first_and_last(events: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    by_id = [event["EventId"] for event in events]
    return events[by_id.index(min(by_id))], events[by_id.index(max(by_id))]


def _text(value: Any) -> str | None:
    return unicode(value) if isinstance(value, str) and value else None


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:_LONGEST] or "_"
