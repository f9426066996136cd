"""The events of one history as columns, checked: what everything else here reads."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history.timestamps import microseconds
from durable_debug.history.vocabulary import KNOWN_EVENT_TYPES, Meaning, details_key, meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Columns"]

_TEXT = frozenset({str, type(None)})
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

    def __init__(self, events: Iterable[Any]) -> None:
        self.warnings: list[str] = []
        self.events = self._in_order(list(events))
        self.event_ids: list[int] = [event["EventId"] for event in self.events]
        self.types: list[str] = self._texts("EventType", optional=False)
        self.ids = self._texts("Id")
        self.parents = self._texts("ParentId")
        self.names = self._texts("Name")
        self.sub_types = self._texts("SubType")
        self.times = self._timestamps()
        self.details = self._details()
        self._warn_of_gaps_and_news()

    def __len__(self) -> int:
        return len(self.events)

    @cached_property
    def meanings(self) -> list[Meaning]:
        """What each event says."""
        return [meaning(event_type) for event_type in self.types]

    @cached_property
    def outcomes(self) -> tuple[list[str | None], list[dict[str, Any] | None]]:
        """Payload (input or result) and error of each event."""
        payloads: list[str | None] = []
        errors: list[dict[str, Any] | None] = []
        for at, details in enumerate(self.details):
            payload = error = None
            if details:
                try:
                    if held := details.get("Result") or details.get("Input"):
                        payload = held.get("Payload")
                    if held := details.get("Error"):
                        error = held.get("Payload")
                except AttributeError:
                    raise self._wrong(at, "has details of another shape") from None
                if (payload is not None and not isinstance(payload, str)) or not isinstance(
                    error, dict | None
                ):
                    raise self._wrong(at, "has a payload of another shape")
            payloads.append(payload)
            errors.append(error)
        return payloads, errors

    def lacks_data(self, at: int) -> bool:
        """Whether a payload of the event was left out: marked as truncated, and not there."""
        details = self.details[at]
        return details is not None and any(
            isinstance(held, dict) and held.get("Truncated") is True and held.get("Payload") is None
            for held in (details.get("Result"), details.get("Input"), details.get("Error"))
        )

    def _in_order(self, events: list[Any]) -> list[dict[str, Any]]:
        try:
            ids = [event["EventId"] for event in events]
        except (TypeError, KeyError, IndexError):
            ids = [None]
        if not set(map(type, ids)) <= {int}:
            at = next(at for at, event in enumerate(events) if not _has_id(event))
            raise HistoryError(
                f"Item {at} of {len(events)} is not an event: it has no whole EventId.", cure=_CURE
            )
        if any(ids[at] >= ids[at + 1] for at in range(len(ids) - 1)):
            events = sorted(events, key=lambda event: int(event["EventId"]))
            events = self._without_duplicates(events)
        return events

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

    def _texts(self, field: str, *, optional: bool = True) -> list[Any]:
        column = [event.get(field) for event in self.events]
        allowed = _TEXT if optional else {str}
        if not set(map(type, column)) <= allowed:
            at = next(at for at, value in enumerate(column) if type(value) not in allowed)
            raise self._wrong(
                at, f"has no {field}" if column[at] is None else f"has a {field} that is not text"
            )
        return column

    def _timestamps(self) -> list[int]:
        times = []
        for at, event in enumerate(self.events):
            try:
                times.append(microseconds(event["EventTimestamp"]))
            except KeyError:
                raise self._wrong(at, "has no EventTimestamp") from None
            except (TypeError, ValueError, OverflowError):
                raise self._wrong(
                    at, f"has no valid EventTimestamp: {event['EventTimestamp']!r:.60}"
                ) from None
        return times

    def _details(self) -> list[dict[str, Any] | None]:
        column = [
            event.get(details_key(event_type))
            for event, event_type in zip(self.events, self.types, strict=True)
        ]
        if not set(map(type, column)) <= {dict, type(None)}:
            at = next(at for at, value in enumerate(column) if not isinstance(value, dict | None))
            raise self._wrong(at, f"has {details_key(self.types[at])} that are no object")
        return column

    def _warn_of_gaps_and_news(self) -> None:
        if self.missing_ids:
            self.warnings.append(f"Events are missing: EventId {_some(self.missing_ids)}.")
        if unknown := sorted(set(self.types) - KNOWN_EVENT_TYPES):
            self.warnings.append(
                f"Event types that this version does not know are kept and shown, not interpreted: {_some(unknown)}."
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
    return isinstance(event, dict) and type(event.get("EventId")) is int


def _some(items: Sequence[Any], most: int = 8) -> str:
    shown = ", ".join(f"{item!s:.80}" for item in items[:most])
    return f"{shown}, … ({len(items)} in all)" if len(items) > most else shown
