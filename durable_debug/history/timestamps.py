"""Timestamps of all sources as one thing: whole microseconds since 1970, UTC.

Sources write them as epoch seconds (float or whole), epoch milliseconds, ISO 8601 (``T`` or a space, ``Z`` or an
offset) or `datetime` objects. Sort, compare and store the integers; show the datetimes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["epoch_seconds", "from_microseconds", "microseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# 1e11 s is the year 5138 and 1e11 ms is 1973: below it a number counts seconds, above it milliseconds.
_SMALLEST_MILLISECONDS = 100_000_000_000
_LARGEST_SECONDS = 2**32  # the year 2106: until then a float tells microseconds apart
# The years 1700 to 2200: what shows a moment counts nanoseconds in 64 bits (1677 to 2262), and delays can be added.
_SMALLEST, _LARGEST = -8_520_336_000_000_000, 7_258_118_400_000_000


def microseconds(value: Any) -> int:
    """Microseconds since 1970-01-01 UTC.

    Parameters
    ----------
    value
        Epoch seconds, epoch milliseconds, an ISO 8601 string or a datetime. One without an offset is UTC.

    Raises
    ------
    ValueError, TypeError, OverflowError
        It is not a timestamp, or not one between the years 1700 and 2200.
    """
    if isinstance(value, str):
        try:
            return microseconds(datetime.fromisoformat(value))
        except ValueError:
            return microseconds(float(value))  # numbers that went through a text format
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        result = (aware - _EPOCH) // _MICROSECOND
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} is not a timestamp")
    else:
        result = round(value * (1_000 if abs(value) >= _SMALLEST_MILLISECONDS else 1_000_000))
    if not _SMALLEST <= result <= _LARGEST:
        raise OverflowError(f"{value!s:.40} is outside the years 1700 to 2200")
    return result


def epoch_seconds(values: Sequence[Any]) -> list[float] | None:
    """Seconds since 1970 of each value, where that is quick: all floats, or all ISO 8601 with an offset; else None."""
    types = set(map(type, values))
    if types == {str}:
        try:
            moments = list(map(datetime.fromisoformat, values))
        except ValueError:
            return None
        if None in {moment.tzinfo for moment in moments}:
            return None
        values = list(map(datetime.timestamp, moments))
    elif types != {float}:
        return None
    # Neither min nor max sees a NaN, but a sum does.
    quick = isfinite(sum(values)) and min(values) >= 0 and max(values) < _LARGEST_SECONDS
    return list(values) if quick else None


def from_microseconds(value: int) -> datetime:
    """Return the aware UTC datetime of `value` microseconds since 1970."""
    return _EPOCH + timedelta(0, 0, value)
