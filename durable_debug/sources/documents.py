"""Tell what a parsed document is, and make a `History` of it.

Each shape that can be loaded is a `Shape`: a name, a test, and what makes a history of it. Documents that people have
at hand and that are no history are told by name too, with what to do instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.history import History

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "from_document"]

_HISTORY_COMMAND = "`aws lambda get-durable-execution-history --durable-execution-arn ARN --include-execution-data --output json`"
_GET_HISTORY = f"Get its history with {_HISTORY_COMMAND}."


class Shape(NamedTuple):
    """One kind of document that a history can be made of."""

    name: str
    description: str
    fits: Callable[[Any], bool]
    history: Callable[[Any], History]


class Stranger(NamedTuple):
    """One kind of document that is no history."""

    what: str
    fits: Callable[[Any], bool]
    cure: str


def from_document(document: Any, *, format: str | None = None) -> History:  # noqa: A002
    """Make a history of a parsed document.

    Parameters
    ----------
    document
        Dicts and lists as JSON or boto3 give them.
    format
        Name of the shape to take it for, one of `FORMATS`; None to tell by looking.

    Raises
    ------
    HistoryError
        It is no history; the message says what it looks like and what to do.
    """
    if format is not None:
        return _as(document, format)
    for stranger in _STRANGERS:
        if stranger.fits(document):
            raise HistoryError(f"This is {stranger.what}.", cure=stranger.cure)
    for shape in _SHAPES:
        if shape.fits(document):
            return shape.history(document)
    raise HistoryError(
        f"This is no execution history: {_description(document)}.", cure=f"Get one with {_HISTORY_COMMAND}."
    )


def _as(document: Any, name: str) -> History:
    shape = next((shape for shape in _SHAPES if shape.name == name), None)
    if shape is None:
        raise HistoryError(
            f"There is no format {name!r:.40}.", cure=f"Use one of {', '.join(FORMATS)}, or leave it out."
        )
    if not shape.fits(document):
        raise HistoryError(
            f"This is not {shape.description}: {_description(document)}.",
            cure="Leave out `format` to have it told.",
        )
    return shape.history(document)


def _response(document: dict[str, Any]) -> History:
    return _history(
        document["Events"], arn=document.get("DurableExecutionArn"), more_pages=_has_marker(document)
    )


def _pages(documents: list[dict[str, Any]]) -> History:
    events = [event for document in documents for event in document["Events"]]
    # Every page but the last has a marker: what counts is whether any page is the last one.
    return _history(events, arn=None, more_pages=all(_has_marker(document) for document in documents))


def _list(events: list[Any]) -> History:
    return _history(events, arn=None, more_pages=False)


def _event(event: dict[str, Any]) -> History:
    return _list([event])


def _history(events: list[Any], *, arn: Any, more_pages: bool) -> History:
    return History(events, arn=arn if isinstance(arn, str) else None, more_pages=more_pages)


def _has_marker(document: dict[str, Any]) -> bool:
    return bool(document.get("NextMarker") or document.get("NextToken"))


def _is_list_of(key: str) -> Callable[[Any], bool]:
    return lambda document: (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(item, dict) and key in item for item in document)
    )


def _has(*keys: str) -> Callable[[Any], bool]:
    return lambda document: isinstance(document, dict) and all(key in document for key in keys)


def _holds(key: str, kind: type) -> Callable[[Any], bool]:
    return lambda document: isinstance(document, dict) and isinstance(document.get(key), kind)


_SHAPES = (
    Shape("history", "a GetDurableExecutionHistory response", _holds("Events", list), _response),
    Shape("event", "a single event", _has("EventType", "EventId"), _event),
    Shape("pages", "a list of GetDurableExecutionHistory pages", _is_list_of("Events"), _pages),
    Shape("events", "a list of events", _is_list_of("EventType"), _list),
)
FORMATS = tuple(shape.name for shape in _SHAPES)
"""Names of the shapes that can be loaded."""


def _any_record(*keys: str) -> Callable[[Any], bool]:
    """One record, or a list of them (a file with one on each line)."""
    has = _has(*keys)
    return lambda document: (
        has(document) or (isinstance(document, list) and bool(document) and has(document[0]))
    )


_STRANGERS = (
    Stranger(
        "a record of the durable execution telemetry exporter, which cannot be replayed, because it holds no events",
        _any_record("recordType"),
        _GET_HISTORY,
    ),
    Stranger(
        "an EventBridge event, which cannot be replayed, because it only says that an execution changed its status",
        _any_record("detail-type", "detail"),
        "Get the history of the execution that `detail.durableExecutionArn` names: " + _HISTORY_COMMAND + ".",
    ),
    Stranger(
        "an execution in the store of the local testing library; this version loads histories only",
        _any_record("StartInput", "Updates"),
        "Save its history: `runner.get_execution_history(arn, include_execution_data=True).to_dict()`.",
    ),
    Stranger("what Lambda sends to a handler, not a history", _has("InitialExecutionState"), _GET_HISTORY),
    Stranger("the state of an execution, not its history", _holds("Operations", list), _GET_HISTORY),
    Stranger("a list of executions, not the history of one", _has("DurableExecutions"), _GET_HISTORY),
    Stranger(
        "the summary of an execution, not its history", _has("DurableExecutionArn", "Status"), _GET_HISTORY
    ),
    Stranger(
        "an execution history of another service (Step Functions or a workflow engine)",
        _holds("events", list),
        _GET_HISTORY,
    ),
    Stranger(
        "an empty list",
        lambda document: isinstance(document, list) and not document,
        "A history has at least the event ExecutionStarted: " + _GET_HISTORY,
    ),
)


def _description(document: Any) -> str:
    if isinstance(document, dict):
        keys = ", ".join(f"{key!s:.40}" for key in list(document)[:6])
        return f"an object with {keys or 'nothing in it'}" + (", …" if len(document) > 6 else "")
    if isinstance(document, list):
        return (
            f"a list of {len(document)} items, the first of them {type(document[0]).__name__}"
            if document
            else "empty"
        )
    names = {str: "a text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}
    return names.get(type(document), f"a {type(document).__name__}")
