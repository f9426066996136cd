"""What travels between a panel in Python and its JavaScript.

Three ways, by how often a thing changes. Traits that never change carry what is static: `Rows` and the first `Source`.
One trait changes at every stop, and is small: `View`. All else is asked for when it is looked at: the page sends a
`Request` as a custom message, and gets an `Answer` with the same id.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

__all__ = [
    "Answer",
    "BreakpointView",
    "Chunk",
    "DivergenceView",
    "Done",
    "Fact",
    "Frame",
    "LogView",
    "LogsView",
    "OperationDetails",
    "Payload",
    "RecordedLogView",
    "RecordedLogs",
    "Request",
    "Rows",
    "Source",
    "Variable",
    "View",
]


class Rows(TypedDict):
    """Every operation, column by column, a parent before its children. Lists of one length, but for the two tables.

    ``stop`` is the number of the stop at which the handler asks for the operation, -1 where it never does. ``kind``
    and ``recorded`` are indices into ``kinds`` and ``statuses``, where empty text stands for what the history does not
    have, and ``VIRTUAL`` for a context that no history ever has; ``parent`` is a row, -1 at the top; ``attempts`` is 0 for
    what is no step.
    """

    position: list[str]
    name: list[str | None]
    parent: list[int]
    depth: list[int]
    kind: list[int]
    recorded: list[int]
    stop: list[int]
    attempts: list[int]
    kinds: list[str]
    statuses: list[str]


class Source(TypedDict):
    """A file, highlighted: each line alternates token class and text. ``operations`` are the lines that hold a call."""

    file: str
    title: str
    lines: list[list[str]]
    operations: list[int]
    cut: bool


class Frame(TypedDict):
    """A function on the call stack, innermost first; ``frame`` is its number."""

    frame: int
    function: str
    file: str
    title: str
    line: int


class BreakpointView(TypedDict):
    """A breakpoint as the list shows it."""

    id: int
    spec: str
    enabled: bool
    hits: int
    hit_count: int
    bound: bool
    note: str
    file: str | None
    line: int | None
    when: str | None


class DivergenceView(TypedDict):
    """One divergence, both sides."""

    kind: str
    message: str
    severity: str
    recorded: str | None
    asked: str | None
    effect: str
    advice: str
    file: str | None
    line: int
    place: str | None
    row: int
    here: bool


class View(TypedDict):
    """Where the debugger stands.

    ``row`` is the operation that is about to be answered, -1 where there is none. At a line between operations ``line_index``
    is its index, and ``kind`` and ``index`` are those of the operation to come. ``statuses`` has a letter for each row
    (`durable_debug.widgets._rows.CODES`): what the service knew of it as of then.
    """

    serial: int
    status: str
    kind: str
    line_index: int | None
    headline: str
    index: int
    total: int
    row: int
    file: str | None
    line: int
    end_line: int
    statuses: str
    frames: list[Frame]
    breakpoints: list[BreakpointView]
    divergences: int
    here: list[str]
    logs: int
    error: str | None
    problem: str | None


class Variable(TypedDict):
    """One name in a frame, or inside a value."""

    name: str
    type: str
    preview: str
    children: bool


class LogView(TypedDict):
    """One line that the handler wrote."""

    level: str
    message: str
    row: int
    replayed: bool


class RecordedLogView(TypedDict):
    """One log event of CloudWatch; ``here`` where the operation of the stop wrote it, or one inside it."""

    time: str
    level: str
    message: str
    where: str
    row: int
    here: bool
    platform: bool


class RecordedLogs(TypedDict):
    """What the execution wrote to CloudWatch, as far as it belongs to the stop."""

    title: str
    lines: list[RecordedLogView]


class LogsView(TypedDict):
    """The log tab; ``recorded`` is None where the history was loaded without its logs."""

    replayed: list[LogView]
    recorded: RecordedLogs | None


class Fact(TypedDict):
    """One label and its value."""

    label: str
    value: str


class Payload(TypedDict):
    """The beginning of a text; ``length`` counts all its characters, ``next`` is where the rest begins, ``folded``: until asked for."""

    field: str
    label: str
    text: str
    length: int
    next: int | None
    folded: bool


class OperationDetails(TypedDict):
    """What the record holds of one operation."""

    row: int
    title: str
    facts: list[Fact]
    payloads: list[Payload]
    attempts: list[list[str]]


class Chunk(TypedDict):
    """More of a payload."""

    text: str
    next: int | None


class Done(TypedDict):
    """A command was passed on; ``note`` is what is good to know of it."""

    note: str


class Request(TypedDict):
    """What the page asks; further keys depend on the kind."""

    id: int
    kind: str


class Answer(TypedDict):
    """The reply, with the request's id."""

    id: int
    ok: bool
    data: NotRequired[Any]
    error: NotRequired[str]
