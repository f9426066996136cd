"""An execution that went well, beside one that did not: where the two part."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import DurableDebugError
from durable_debug.sources import load_one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.history import History, Operation

__all__ = ["Sibling", "nearest"]

_MOST = 200  # files that are looked into, those next to it by name first


@dataclass(frozen=True, slots=True)
class Sibling:
    """An execution of the same function that went well.

    Attributes
    ----------
    label
        The file that it is in.
    history
        It.
    common
        How many operations both have at their beginning, with the same answers.
    mine, its
        The first operation that is not the same, or has another answer; None where one of them has no more.
    """

    label: str
    history: History
    common: int
    mine: Operation | None
    its: Operation | None


def nearest(history: History, source: str | Path) -> Sibling | None:
    """Give the execution in the same folder that went well and goes with this one the longest; None where there is none."""
    best: Sibling | None = None
    for path in _beside(Path(source)):
        try:
            other = load_one(path)
        except DurableDebugError:
            continue
        if other.status != "SUCCEEDED" or other.arn == history.arn or not _same_function(history, other):
            continue
        one = _parted(str(path), history, other)
        if best is None or one.common > best.common:
            best = one
    return best


def _beside(source: Path) -> Iterator[Path]:
    folder = source if source.is_dir() else source.parent
    if not folder.is_dir():
        return
    files = sorted(path for path in folder.glob("*.json*") if path.is_file() and path != source)
    at = sum(path.name < source.name for path in files)
    by_distance = sorted(range(len(files)), key=lambda index: abs(index - at))
    yield from (files[index] for index in by_distance[:_MOST])


def _same_function(one: History, other: History) -> bool:
    if one.function_name and other.function_name:
        return one.function_name == other.function_name
    ours, theirs = one.tree(), other.tree()
    return bool(ours and theirs) and _identity(ours[0]) == _identity(theirs[0])


def _identity(operation: Operation) -> tuple[object, ...]:
    return operation.position, operation.type, operation.sub_type, operation.name


def _parted(label: str, history: History, other: History) -> Sibling:
    pairs = itertools.zip_longest(history.tree(), other.tree())
    for count, (mine, its) in enumerate(pairs):
        if mine is None or its is None or _answer(mine) != _answer(its):
            return Sibling(label, other, count, mine, its)
    return Sibling(label, other, len(history.tree()), None, None)


def _answer(operation: Operation) -> tuple[object, ...]:
    return (*_identity(operation), operation.status, operation.result, operation.error)
