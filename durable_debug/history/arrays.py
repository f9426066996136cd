"""Columns of DataFrames made from lists.

This module is imported when the first frame is asked for: pandas takes longer to load than the rest together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "booleans",
    "datetimes",
    "floats",
    "frame",
    "nullable",
    "objects",
    "strings",
    "times",
    "truths",
    "whole",
]


def frame(columns: dict[str, Any]) -> pd.DataFrame:
    """Put columns together."""
    return pd.DataFrame(columns, copy=False)


def strings(values: Sequence[str | None]) -> Any:
    """Text; missing where it is None."""
    if not any(values) and values.count(None) == len(values):
        # pandas takes its time over None: mostly whole columns
        return pd.array([None], dtype="str").repeat(len(values))
    return pd.array(objects(values), dtype="str")


def whole(values: Sequence[int]) -> Any:
    """Whole numbers, none of them missing."""
    return np.array(values, dtype="int64")


def nullable(values: Sequence[int | None]) -> Any:
    """Whole numbers; missing where it is None."""
    if None in values:
        return pd.array(values, dtype="Int64")
    return pd.arrays.IntegerArray(np.array(values, dtype="int64"), np.zeros(len(values), dtype=bool))


def floats(values: Sequence[float | None]) -> Any:
    """Numbers; NaN where it is None."""
    return np.array([float("nan") if value is None else value for value in values], dtype="float64")


def times(values: Sequence[float] | Sequence[int]) -> Any:
    """Seconds (float) or microseconds (int) since 1970, as times in UTC."""
    column = np.array(values)
    if column.dtype == np.float64:
        column = np.rint(column * 1_000_000)
    return pd.DatetimeIndex(column.astype("int64").view("M8[us]")).tz_localize("UTC")


def datetimes(values: Sequence[Any]) -> Any:
    """Aware datetimes, as times in UTC; missing where it is None."""
    return pd.DatetimeIndex(values, dtype="datetime64[us, UTC]")


def objects(values: Sequence[Any]) -> Any:
    """Values as they are."""
    return np.fromiter(values, dtype=object, count=len(values))


def booleans(values: Sequence[bool | None]) -> Any:
    """Truths; missing where it is None."""
    return pd.array(values, dtype="boolean")


def truths(values: Sequence[bool]) -> Any:
    """Truths, none of them missing."""
    return np.array(values, dtype=bool)
