"""The histories that a user names: paths, patterns, folders, lists, iterators; handed on one at a time."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable_debug.errors import HistoryError
from durable_debug.history import History

__all__ = ["Source", "gathered"]


@dataclass(frozen=True, slots=True)
class Source:
    """One history to look at.

    Attributes
    ----------
    label
        How to call it: the path as given, or its number among those given.
    content
        What `load` takes.
    """

    label: str
    content: Any


def gathered(histories: object) -> tuple[Iterator[Source], int | None]:
    """Name histories one at a time; nothing is read yet, and an iterator is never held as a whole.

    Parameters
    ----------
    histories
        A path, a glob pattern (``**`` for any depth), a folder (its ``*.json``, at any depth), a `History` or whatever
        `load` takes; or an iterable of any of these.

    Returns
    -------
    tuple
        The sources, and how many there are where that is known beforehand.

    Raises
    ------
    HistoryError
        A folder or a pattern has no files.
    """
    if isinstance(histories, str | os.PathLike):
        found = _files(histories)
        return iter(found), len(found)
    if not _is_many(histories):
        return iter([Source(_label(histories, 0), histories)]), 1
    assert isinstance(histories, Iterable)
    count = len(histories) if isinstance(histories, Sized) and not _may_be_folders(histories) else None
    return _each(histories), count


def _is_many(histories: object) -> bool:
    if isinstance(histories, History | Mapping | bytes | bytearray) or not isinstance(histories, Iterable):
        return False
    first = histories[0] if isinstance(histories, list | tuple) and histories else None
    return not (isinstance(first, Mapping) and "EventType" in first)  # else the events of one history


def _may_be_folders(histories: Iterable[Any]) -> bool:
    if not isinstance(histories, list | tuple):
        return True
    return any(isinstance(one, str | os.PathLike) and not Path(one).is_file() for one in histories)


def _each(histories: Iterable[Any]) -> Iterator[Source]:
    number = itertools.count()
    for one in histories:
        if isinstance(one, str | os.PathLike):
            yield from _files(one)
        else:
            yield Source(_label(one, next(number)), one)


def _files(given: str | os.PathLike[str]) -> list[Source]:
    """Give the files that a path or a pattern stands for; a file that is not there is one too, told by `load`."""
    text = os.fspath(given)
    if text.startswith(
        ("arn:", "https://", "http://", "s3://", "{", "[{")
    ):  # `load` knows, or says what to do
        return [Source(text, text)]
    path = Path(text).expanduser()
    if path.is_dir():
        found = sorted(path.rglob("*.json"))
        if not found:
            raise HistoryError(
                f"There is no history (*.json) in the folder {path}.", cure="Name the folder that has them."
            )
    elif glob.has_magic(text) and not path.exists():
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file()]  # noqa: PTH207 - pathlib's takes no absolute pattern
        if not found:
            raise HistoryError(f"No file matches {text!r}.", cure=f"The working directory is {Path.cwd()}.")
    else:
        found = [path]
    return [Source(str(one), str(one.absolute())) for one in found]


def _label(content: object, number: int) -> str:
    if isinstance(content, History) and content.name:
        return content.name
    return f"[{number}]"
