"""The histories that a user names: paths, patterns, folders, archives, lists, iterators; handed on one at a time."""

from __future__ import annotations

import glob
import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.history.keeping import INDEX
from durable_debug.sources import Histories, fetched, load, members
from durable_debug.wording import abridged

if TYPE_CHECKING:
    import pandas as pd

    from durable_debug.sources.members import Members

__all__ = ["Source", "gathered"]

_FILES = (".json", ".json.gz", ".json.bz2", ".json.xz", ".json.zst")
_NO_PATHS = ("{", "[{", "arn:")  # `load` knows, or says what to do


@dataclass(frozen=True, slots=True)
class Source:
    """One history to look at.

    Attributes
    ----------
    label
        How to call it: the path as given, the execution's name, or its number among those given.
    content
        What `load` takes; or the error that reading it gave.
    within
        The file of many that it is in, where it has no name of its own there.
    """

    label: str
    content: Any
    within: str | None = None

    def called(self, name: str | None) -> str:
        """Give its label, once the execution's name is known."""
        return f"{self.within}#{name}" if self.within is not None and name else self.label


def gathered(histories: object) -> tuple[Iterator[Source], int | None]:
    """Name histories one at a time; files are not read yet, and an iterator is never held as a whole.

    Parameters
    ----------
    histories
        A path, a glob pattern (``**`` for any depth), a folder (its ``*.json``, packed or not, at any depth), a file of
        JSON lines, an archive, a frame of `executions`, or whatever `load` takes; or an iterable of any of these. What is named twice, by overlapping patterns say, is one history.

    Returns
    -------
    tuple
        The sources, and how many there are where that is known beforehand.

    Raises
    ------
    HistoryError
        A folder or a pattern has no files, or a path that is not handed on by an iterator leads nowhere.
    """
    if histories is None:
        raise HistoryError(
            "None is no history.",
            cure="Give paths, documents or histories; look at what should have given them.",
        )
    if isinstance(histories, Histories):
        return _shelved(histories), len(histories) + len(histories.problems)
    if _are_executions(histories):
        return _fetched(histories), len(histories)  # type: ignore[arg-type]
    if (
        isinstance(histories, list | tuple)
        and len(histories) == 1
        and isinstance(histories[0], str | os.PathLike)
    ):
        (histories,) = histories
    if isinstance(histories, str | os.PathLike):
        return _of_path(histories)
    if not _is_many(histories):
        return iter([Source(_label(histories, 0), histories)]), 1
    assert isinstance(histories, Iterable)
    if isinstance(histories, list | tuple):
        histories = list(_once(place for one in histories for place in _places(one)))
    count = len(histories) if isinstance(histories, Sized) and not _may_hold_many(histories) else None
    return _once(_each(histories)), count


def _is_many(histories: object) -> bool:
    if isinstance(histories, History | Mapping | bytes | bytearray) or hasattr(histories, "read"):
        return False
    if not isinstance(histories, Iterable):
        return False
    first = histories[0] if isinstance(histories, list | tuple) and histories else None
    return not (isinstance(first, Mapping) and "EventType" in first)  # else the events of one history


def _places(given: Any) -> list[Any]:
    """Give the files that a folder or a pattern stands for, anything else as it is; a path must lead somewhere."""
    if not isinstance(given, str | os.PathLike):
        return [given]
    text = os.fspath(given)
    if text.startswith(_NO_PATHS) or "://" in text:
        return [given]
    path = Path(text).expanduser()
    if text.strip() and (path.is_dir() or glob.has_magic(text)):
        return list(_files(text, path))
    place = path if path.exists() else Path(text.rpartition("#")[0] or text).expanduser()
    if not text.strip() or not place.exists():
        load(text)  # says so, and what may have been meant
    return [given]


def _once(given: Iterable[Any]) -> Iterator[Any]:
    """Leave out what was named before: the same path, address or ARN; of anything else each counts."""
    seen: set[bytes] = set()  # of an iterator of any length: a few bytes each
    for one in given:
        name = one.content if isinstance(one, Source) else one
        if isinstance(name, str | os.PathLike):
            text = os.fspath(name)
            if not text.startswith(_NO_PATHS) and "://" not in text:
                text = str(Path(text).expanduser().absolute())
            known = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
            if known in seen:
                continue
            seen.add(known)
        yield one


def _may_hold_many(histories: Sized) -> bool:
    """Whether one of these may stand for several histories, which nobody counted yet."""
    if not isinstance(histories, list):
        return True
    return any(
        isinstance(one, Histories)
        or (isinstance(one, str | os.PathLike) and not os.fspath(one).endswith(_FILES))
        for one in histories
    )


def _of_path(given: str | os.PathLike[str]) -> tuple[Iterator[Source], int | None]:
    places = _places(given)
    if len(places) != 1 or places[0] != given:  # of a folder or a pattern
        if all(one.endswith(_FILES) for one in places):
            return map(_file, places), len(places)
        return _each(places), None
    if many := _members(given):
        return _streamed(*many), many[1].known
    found = list(_named(given))
    return iter(found), len(found)


def _file(path: str) -> Source:
    return Source(path, os.path.abspath(path))  # noqa: PTH100 - of texts, for there may be very many


def _are_executions(histories: object) -> bool:
    """Whether this is a frame of executions, as `executions` gives."""
    return type(histories).__name__ == "DataFrame" and "arn" in getattr(histories, "columns", ())


def _fetched(frame: pd.DataFrame) -> Iterator[Source]:
    """Give executions of an account, each fetched when its turn comes."""
    for arn, history in zip(frame["arn"], fetched(frame), strict=True):
        gone = HistoryError("The execution was deleted, or its retention ended, before it was fetched.")
        yield Source(str(arn), history if history is not None else gone)


def _members(given: str | os.PathLike[str]) -> tuple[str, Members] | None:
    """Give what a file holds that is read one execution at a time."""
    text = os.fspath(given)
    path = Path(text).expanduser()
    if text.startswith(_NO_PATHS) or "://" in text or path.name.endswith(_FILES) or not path.is_file():
        return None
    try:
        found = members(path)
    except (HistoryError, OSError):
        return None  # `load` says what is wrong
    return (text, found) if found is not None else None


def _streamed(text: str, found: Members) -> Iterator[Source]:
    within = None if found.are_files else text
    return (Source(f"{text}#{name}", content, within) for name, content in found.each)


def _each(histories: Iterable[Any]) -> Iterator[Source]:
    number = itertools.count()
    for one in _once(histories):
        if isinstance(one, str | os.PathLike):
            yield from _named(one)
        elif isinstance(one, Histories):
            yield from _shelved(one)
        else:
            yield Source(_label(one, next(number)), one)


def _named(given: str | os.PathLike[str]) -> Iterator[Source]:
    """Give what a path, a pattern or an address stands for; a file that is not there is one too, told by `load`."""
    text = os.fspath(given)
    if text.startswith(_NO_PATHS):
        yield Source(text, text)
        return
    path = Path(text).expanduser()
    if "://" in text or (path.is_file() and not path.name.endswith(_FILES)):
        if many := _members(given):
            yield from _streamed(*many)
            return
        try:
            found = load(text)
        except HistoryError as error:
            found = error
        yield from _shelved(found) if isinstance(found, Histories) else [Source(text, found)]
        return
    yield from map(_file, _files(text, path))


def _files(text: str, path: Path) -> list[str]:
    """Give the files that a folder or a pattern stands for: texts, for there may be very many."""
    if path.is_dir():
        found = list(_within(str(path)))
        if not found and not (path / INDEX).is_file():  # which a fetch leaves, also where there was nothing
            raise HistoryError(
                f"There is no history (*.json) in the folder {path}.", cure="Name the folder that has them."
            )
        return found
    if glob.has_magic(text) and not path.exists():
        names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - pathlib's takes no absolute pattern
        found = [name for name in names if os.path.isfile(name)]  # noqa: PTH113 - of texts
        if not found:
            raise HistoryError(f"No file matches {text!r}.", cure=f"The working directory is {Path.cwd()}.")
        return found
    return [str(path)]


def _within(folder: str) -> Iterator[str]:
    """The histories in a folder, at any depth, by name."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (one.name, one.is_dir(follow_symlinks=False))
                for one in entries
                if one.name.endswith(_FILES) or one.is_dir(follow_symlinks=False)
            )
    except OSError:  # a folder that may not be looked into
        return
    for name, is_folder in found:
        path = os.path.join(folder, name)  # noqa: PTH118 - of texts
        if is_folder:
            yield from _within(path)
        else:
            yield path


def _shelved(histories: Histories) -> Iterator[Source]:
    """Give those of a store or an archive, each read when its turn comes."""
    for number in range(len(histories)):
        try:
            history = histories[number]
        except HistoryError as error:
            yield Source(f"{histories.where}[{number}]", error)
        else:
            yield Source(_label(history, number), history)
    for problem in histories.problems:
        yield Source(problem.partition(": ")[0], HistoryError(problem))


def _label(content: object, number: int) -> str:
    if isinstance(content, History) and content.name:
        return abridged(content.name)
    return f"[{number}]"
