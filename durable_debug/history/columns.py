"""The events of one history as columns, checked: what everything else here reads."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history.documents import error_object, unicode
from durable_debug.history.timestamps import epoch_seconds, from_microseconds, microseconds
from durable_debug.history.vocabulary import KNOWN_EVENT_TYPES, Meaning, Origin, details_key, meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ["Columns"]

_OTHER_SHAPE = "has details of another shape"
_TEXT = frozenset({str, type(None)})
_LARGEST = 2**63 - 1  # of an EventId: what a column holds
_CONTRADICTS = Meaning(None, None, Origin.SERVICE)
_OBJECT = frozenset({dict, type(None)})
_CURE = "Get the history again with `aws lambda get-durable-execution-history --include-execution-data`."


class Columns:
    """Events in EventId order, one list per field, all of the same length.

    Parameters
    ----------
    events
        Events as given, in any order. They are neither copied nor changed.

    Raises
    ------
    HistoryError
        Something in it is not an event, or two events with one EventId differ.
    """

    timestamps: list[Any]
    """When each event was recorded: all float, seconds since 1970, or all int, microseconds."""
    details: list[dict[str, Any] | None]
    payloads: list[str | None]
    """Result, or input, as text."""
    errors: list[dict[str, Any] | None]
    lacking: list[int]
    """Indexes of the events with a payload that was left out: marked as truncated, and not there."""
    without_result: list[int]
    """Indexes of the events with a result that holds nothing, which need not mean that anything is missing."""

    def __init__(self, events: Iterable[Any]) -> None:
        self.warnings: list[str] = []
        self._half_characters = False
        self.events, self.event_ids = self._in_order(list(events))
        self.types: list[str] = self._texts("EventType", optional=False)
        self._meanings = {event_type: meaning(event_type) for event_type in set(self.types)}
        self.ids = self._texts("Id")
        self.contradicting = self._contradicting()
        self.parents = self._texts("ParentId")
        self.names = self._texts("Name")
        self.sub_types = self._texts("SubType")
        self.timestamps = self._timestamps()
        self._read_details()
        self._warn_of_gaps_and_news()
        self._warn_of_what_is_odd()

    def __len__(self) -> int:
        return len(self.events)

    @cached_property
    def times(self) -> list[int]:
        """When each event was recorded, in microseconds since 1970."""
        if self.timestamps and type(self.timestamps[0]) is float:
            return [round(value * 1_000_000) for value in self.timestamps]
        return self.timestamps

    @cached_property
    def moments(self) -> list[datetime]:
        """The same as aware datetimes, UTC."""
        return [from_microseconds(value) for value in self.times]

    def time(self, at: int) -> int:
        """One of `times`, where all of them are not worth the while."""
        value = self.timestamps[at]
        return round(value * 1_000_000) if type(value) is float else value

    @cached_property
    def meanings(self) -> list[Meaning]:
        """What each event says."""
        meanings = list(map(self._meanings.__getitem__, self.types))
        for at in self.contradicting:
            meanings[at] = _CONTRADICTS
        return meanings

    def meaning(self, at: int) -> Meaning:
        """One of `meanings`, where all of them are not worth the while."""
        return _CONTRADICTS if at in self.contradicting else self._meanings[self.types[at]]

    def types_of(self, origin: Origin) -> set[str]:
        """Event types here that have this origin."""
        return {event_type for event_type, meaning in self._meanings.items() if meaning.origin is origin}

    def _contradicting(self) -> frozenset[int]:
        """Indexes of the events that tell of another kind of operation than most with the same Id: no service writes them."""
        kind_of = {event_type: meaning.type for event_type, meaning in self._meanings.items()}
        kinds = list(map(kind_of.__getitem__, self.types))
        last = dict(zip(self.ids, kinds, strict=True))
        if list(map(last.__getitem__, self.ids)) == kinds:
            return frozenset()
        told: dict[str, Counter[str]] = {}
        for id_, kind in zip(self.ids, kinds, strict=True):
            if id_ is not None and kind is not None:
                told.setdefault(id_, Counter())[kind] += 1
        if kinds[0] == "EXECUTION" and self.ids[0] is not None:
            told[self.ids[0]] = Counter(["EXECUTION"])

        def true(id_: str) -> str:
            return max(told[id_], key=lambda kind: (told[id_][kind], kind != "EXECUTION"))

        of = {id_: true(id_) for id_ in told}
        return frozenset(
            at
            for at, (id_, kind) in enumerate(zip(self.ids, kinds, strict=True))
            if id_ is not None and kind is not None and of[id_] != kind
        )

    def _in_order(self, events: list[Any]) -> tuple[list[dict[str, Any]], list[int]]:
        try:
            ids = list(map(dict.__getitem__, events, repeat("EventId")))
        except (TypeError, KeyError):
            ids = [None]
        if not set(map(type, ids)) <= {int} or (ids and not -_LARGEST <= min(ids) <= max(ids) <= _LARGEST):
            at = next(at for at, event in enumerate(events) if not _has_id(event))
            raise HistoryError(
                f"Item {at} of {len(events)} is not an event: it has no whole EventId.", cure=_CURE
            )
        if ids != list(range(1, len(ids) + 1)):
            events = self._without_duplicates(sorted(events, key=itemgetter("EventId")))
            ids = list(map(itemgetter("EventId"), events))
        return events, ids

    def _without_duplicates(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        kept: list[dict[str, Any]] = []
        twice = []
        for event in events:
            if not kept or kept[-1]["EventId"] != event["EventId"]:
                kept.append(event)
            elif kept[-1] == event:
                twice.append(event["EventId"])
            else:
                raise HistoryError(
                    f"Two different events have EventId {event['EventId']}: these are events of more than one execution.",
                    cure="Load the history of each execution by itself.",
                )
        if twice:
            self.warnings.append(f"Events given more than once are kept once: EventId {_some(twice)}.")
        return kept

    def _decoded(self, at: int) -> HistoryError:
        """What was text was parsed on the way (`jq fromjson`), and nobody can tell which texts were, too."""
        found = {dict: "an object", list: "a list", bool: "true or false"}.get(
            type(self.payloads[at]), "a number"
        )
        return HistoryError(
            f"Event {self.event_ids[at]} {_OTHER_SHAPE}: its payload is {found}, and not text; it was decoded.",
            cure="Payloads are JSON in text, and how each was written is part of the record: leave out what parses them "
            f"(`fromjson` in jq). {_CURE}",
        )

    def _texts(self, field: str, *, optional: bool = True) -> list[Any]:
        column = list(map(dict.get, self.events, repeat(field)))
        allowed = _TEXT if optional else {str}
        if not set(map(type, column)) <= allowed:
            at = next(at for at, value in enumerate(column) if type(value) not in allowed)
            raise self._wrong(
                at, f"has no {field}" if column[at] is None else f"has a {field} that is not text"
            )
        return self._shown(column)

    def _shown(self, column: list[Any]) -> list[Any]:
        """Texts with what is no Unicode, half of a surrogate pair, replaced: nothing can show or write it."""
        if all(map(str.isascii, filter(None, column))):
            return column
        try:
            for text in filter(None, column):
                text.encode()
        except UnicodeEncodeError:
            self._half_characters = True
            return [text and unicode(text) for text in column]
        return column

    def _timestamps(self) -> list[Any]:
        values = list(map(dict.get, self.events, repeat("EventTimestamp")))
        quick = epoch_seconds(values)
        if quick is not None:
            return quick
        for at, value in enumerate(values):
            try:
                values[at] = microseconds(value)
            except (TypeError, ValueError, OverflowError):
                what = f"no valid EventTimestamp: {value!r:.60}" if value is not None else "no EventTimestamp"
                raise self._wrong(at, f"has {what}") from None
        return values

    def _read_details(self) -> None:
        keys = {event_type: details_key(event_type) for event_type in self._meanings}
        self.details = list(map(dict.get, self.events, map(keys.__getitem__, self.types)))
        self.payloads, self.errors = [None] * len(self), [None] * len(self)
        self.lacking, self.without_result = [], []
        for at, details in enumerate(self.details):
            if not details:
                continue
            try:
                if held := details.get("Result") or details.get("Input"):
                    payload = self.payloads[at] = held.get("Payload")
                    if payload is None:
                        (self.lacking if held.get("Truncated") is True else self.without_result).append(at)
                if held := details.get("Error"):
                    error = self.errors[at] = held.get("Payload")
                    if error is None and held.get("Truncated") is True:
                        self.lacking.append(at)
            except AttributeError:
                raise self._wrong(at, _OTHER_SHAPE) from None
        self._require_kinds()
        self.payloads = self._shown(self.payloads)
        if any(self.errors):
            self.errors = [error and error_object(error) for error in self.errors]

    def _require_kinds(self) -> None:
        for column, allowed in ((self.details, _OBJECT), (self.payloads, _TEXT), (self.errors, _OBJECT)):
            if not set(map(type, column)) <= allowed:
                at = next(at for at, value in enumerate(column) if type(value) not in allowed)
                raise self._decoded(at) if column is self.payloads else self._wrong(at, _OTHER_SHAPE)

    def _warn_of_gaps_and_news(self) -> None:
        if self.missing_ids:
            self.warnings.append(f"Events are missing: EventId {_some(self.missing_ids)}.")
        if unknown := sorted(self._meanings.keys() - KNOWN_EVENT_TYPES):
            self.warnings.append(
                f"Event types that this version does not know are kept and shown, not interpreted: {_some(unknown)}."
            )

    def _warn_of_what_is_odd(self) -> None:
        if self.contradicting:
            ids = [self.event_ids[at] for at in sorted(self.contradicting)]
            self.warnings.append(
                f"Events that tell of another type of operation than others with their Id are shown, not interpreted: EventId {_some(ids)}."
            )
        if self._half_characters:
            self.warnings.append(
                "Texts hold halves of characters (lone surrogates): they are read as \ufffd."
            )

    @cached_property
    def missing_ids(self) -> list[str]:
        """Runs of EventIds that are not there, counted from 1: ``["1-100", "207"]``."""
        runs, expected = [], 1
        if not self.event_ids or (self.event_ids[0] == 1 and self.event_ids[-1] == len(self.event_ids)):
            return []
        for event_id in self.event_ids:
            if event_id > expected:
                runs.append(f"{expected}-{event_id - 1}" if event_id - 1 > expected else str(expected))
            expected = event_id + 1
        return runs

    def _wrong(self, at: int, what: str) -> HistoryError:
        return HistoryError(f"Event {self.events[at]['EventId']} {what}.", cure=_CURE)


def _has_id(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and type(event.get("EventId")) is int
        and -_LARGEST <= event["EventId"] <= _LARGEST
    )


def _some(items: Sequence[Any], most: int = 8) -> str:
    shown = ", ".join(f"{item!s:.80}" for item in items[:most])
    return f"{shown}, … ({len(items)} in all)" if len(items) > most else shown
