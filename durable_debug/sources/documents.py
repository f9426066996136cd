"""Tell what a parsed document is, and make a `History` of it.

Each shape that can be loaded is a `Shape`: a name, a test, and what makes a history of it. Documents that people have
at hand and that are no history are told by name too, with what to do instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.history.logs import Logs
from durable_debug.history.segments import Trace
from durable_debug.sources.records import arn_of, from_notice, from_telemetry
from durable_debug.sources.store import from_record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "from_document", "several"]

_HISTORY_COMMAND = "`aws lambda get-durable-execution-history --durable-execution-arn ARN --include-execution-data --output json`"
_GET_HISTORY = f"Get its history with {_HISTORY_COMMAND}."


class Shape(NamedTuple):
    """One kind of document that a history can be made of."""

    name: str
    description: str
    fits: Callable[[Any], bool]
    history: Callable[..., History]
    alone: bool = False  # each is an execution of its own, where there is a list of them


class Stranger(NamedTuple):
    """One kind of document that is no history."""

    what: str
    fits: Callable[[Any], bool]
    cure: str


def from_document(
    document: Any,
    *,
    format: str | None = None,  # noqa: A002
    source: Callable[[str], History] | None = None,
) -> History:
    """Make a history of a parsed document.

    Parameters
    ----------
    document
        Dicts and lists as JSON or boto3 give them.
    format
        Name of the shape to take it for, one of `FORMATS`; None to tell by looking.
    source
        Loads an execution by its ARN from where the document came from.

    Raises
    ------
    HistoryError
        It is no history; the message says what it looks like and what to do.
    """
    if format is not None:
        return _as(document, format, source)
    for shape in _SHAPES:
        if shape.fits(document):
            return shape.history(document, source=source)
    for stranger in _STRANGERS:
        if stranger.fits(document):
            raise HistoryError(f"This is {stranger.what}.", cure=stranger.cure)
    raise HistoryError(
        f"This is no execution history: {_description(document)}.", cure=f"Get one with {_HISTORY_COMMAND}."
    )


def several(document: Any) -> list[Any] | None:
    """The documents, where this is a list of more than one execution, as a file with one on each line is; else None."""
    if (
        not isinstance(document, list)
        or len(document) < 2
        or not all(isinstance(each, dict) for each in document)
    ):
        return None
    if all(_is_page(each) for each in document):
        arns = [each.get("DurableExecutionArn") for each in document]
        return document if len(set(arns)) == len(arns) else None  # else they are pages of one
    shapes = [shape for shape in _SHAPES if shape.alone and shape.fits(document[0])]
    if not shapes or not all(shapes[0].fits(each) for each in document):
        return None
    # Exporters write a record of an execution again and again: the last one says most.
    return list({arn_of(each) or at: each for at, each in enumerate(document)}.values())


def _as(document: Any, name: str, source: Callable[[str], History] | None) -> History:
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
    return shape.history(document, source=source)


def _response(document: dict[str, Any], **options: Any) -> History:
    arn, execution, reason = (
        document.get(key) for key in ("DurableExecutionArn", "Execution", "NotReplayable")
    )
    return History(
        document["Events"],
        arn=arn if isinstance(arn, str) else None,
        more_pages=_has_marker(document),
        execution=execution if isinstance(execution, dict) else None,
        not_replayable=reason if isinstance(reason, str) else "",
        redacted=_counts(document.get("Redacted"), "patterns"),
        kept=_counts(document.get("Redacted"), "kept") or {},
        secret_name=_secret_name(document.get("Redacted")),
        logs=Logs.of_document(document.get("Logs")),
        trace=Trace.of_document(document.get("Trace")),
        **options,
    )


def _counts(mark: Any, what: str) -> dict[str, int] | None:
    """What `History.save` notes of a redacted history; any such mark is one."""
    if not mark:
        return None
    noted = mark.get(what) if isinstance(mark, dict) else None
    known = noted.items() if isinstance(noted, dict) else ()
    return {rule: count for rule, count in known if type(count) is int}


def _secret_name(mark: Any) -> str | None:
    name = mark.get("secret") if isinstance(mark, dict) else None
    return name if isinstance(name, str) else None


def _pages(documents: list[dict[str, Any]], **options: Any) -> History:
    events = [event for document in documents for event in document["Events"]]
    # Every page but the last has a marker: what counts is whether any page is the last one.
    more = {"NextMarker": "unknown"} if all(_has_marker(document) for document in documents) else {}
    return _response(
        {**documents[0], "NextMarker": None, "NextToken": None, **more, "Events": events}, **options
    )


def _list(events: list[Any], **options: Any) -> History:
    return History(events, **options)


def _event(event: dict[str, Any], **options: Any) -> History:
    return History([event], **options)


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


def _is_notice(document: Any) -> bool:
    return (
        _has("detail-type")(document) and isinstance(document.get("detail"), dict) and bool(arn_of(document))
    )


_is_page = _holds("Events", list)
_SHAPES = (
    Shape("history", "a GetDurableExecutionHistory response", _is_page, _response),
    Shape("event", "a single event", _has("EventType", "EventId"), _event),
    Shape(
        "store",
        "a record of the local testing library's store",
        _has("StartInput", "Operations"),
        from_record,
        alone=True,
    ),
    Shape(
        "telemetry", "a telemetry or Workflow Insight record", _has("recordType"), from_telemetry, alone=True
    ),
    Shape("notice", "an EventBridge status change", _is_notice, from_notice, alone=True),
    Shape("pages", "a list of GetDurableExecutionHistory pages", _is_list_of("Events"), _pages),
    Shape("events", "a list of events", _is_list_of("EventType"), _list),
)
FORMATS = tuple(shape.name for shape in _SHAPES)
"""Names of the shapes that can be loaded."""


_STRANGERS = (
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
