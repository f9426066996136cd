"""Values in a payload by their path: which of them a pattern names, and so which are gone from a redacted history.

What is to be kept is named by patterns, too, or by what a value is: ``numbers``, ``booleans``, or ``enums``, texts in capital
letters as IN_TRANSIT.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from durable_debug.errors import HistoryError

__all__ = [
    "ALWAYS_KEPT",
    "EVERY_VALUE",
    "Gone",
    "Matcher",
    "Path",
    "everything",
    "keeper",
    "matcher",
    "matcher_of",
    "walked",
]

Path = tuple[str | int, ...]
Matcher = Callable[[Path], bool]
Gone = Callable[[Path, Any], bool]
EVERY_VALUE = "every value"
"""What `History.redacted` calls the rule that is no pattern."""
ALWAYS_KEPT = "ErrorType"
_DEEPEST = 200
_TAGS = frozenset(
    {"n", "s", "i", "f", "b", "B", "u", "d", "dt", "D", "t", "l", "m", "br"}
)  # TypeTag of SDK 3.0.0
_SUMMARIES = frozenset({"MapResult", "ParallelResult"})
_ENUM = re.compile(r"[A-Z][A-Z_]{0,38}[A-Z]", re.ASCII)
_KINDS: dict[str, Callable[[Any], bool]] = {
    "numbers": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    "booleans": lambda value: isinstance(value, bool),
    "enums": lambda value: isinstance(value, str) and _ENUM.fullmatch(value) is not None,
}
_STEP = re.compile(
    r"\.\.?(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\*)\]|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]"
)


def matcher_of(labels: Iterable[str], kept: Iterable[str] = ()) -> Gone:
    """Give what tells whether the value at a path is gone, by what `History.redacted` and `History.kept` name.

    What cannot be known of a function is taken to be gone.
    """
    matchers = [
        everything if label == EVERY_VALUE or label.startswith("function ") else _known(label)
        for label in labels
    ]
    keepers = [keeper(label) for label in kept]
    return lambda path, value: (
        path[-1:] != (ALWAYS_KEPT,)
        and any(matches(path) for matches in matchers)
        and not any(keeps(path, value) for keeps in keepers)
    )


def keeper(rule: str) -> Gone:
    """Give what tells whether a value is to be kept: by what it is, or by a pattern of its path.

    Raises
    ------
    HistoryError
        The path can't be read.
    """
    if rule in _KINDS:
        return lambda _, value: _KINDS[rule](value)
    matches = matcher(rule)
    return lambda path, _: matches(path)


def _known(label: str) -> Matcher:
    try:
        return matcher(label)
    except HistoryError:
        return everything


def everything(_: Path) -> bool:
    """Match each value."""
    return True


def matcher(rule: str) -> Matcher:
    """Give what matches by a pattern of keys, or by a JSON path.

    Raises
    ------
    HistoryError
        The path can't be read.
    """
    return _path_matcher(rule) if rule.startswith("$") else _key_matcher(rule)


def _key_matcher(pattern: str) -> Matcher:
    pattern = pattern.removeprefix("*.")  # of a key wherever it is, as in a path
    wanted = re.compile(fnmatch.translate(pattern.lower()))
    return lambda path: any(isinstance(key, str) and wanted.match(key.lower()) for key in path)


def _path_matcher(text: str) -> Matcher:
    """Match a JSON path, and all below it, as a pattern of the path's own text."""
    pattern, at = "", 1
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise HistoryError(
                f"The JSON path {text!r:.80} cannot be read at character {at + 1}.",
                cure="Write it like '$.card.number', '$.items[*].price', '$..email' or \"$['odd key']\".",
            )
        if text.startswith("..", at):
            pattern += r"(?:/[^/]*)*"
        key = step["key"] or step["quoted"] or step["index"]
        pattern += "/[^/]*" if key == "*" else "/" + re.escape(_plain(key))
        at = step.end()
    wanted = re.compile(pattern + "(?:/|$)")
    return lambda path: bool(wanted.match("".join(f"/{_plain(str(key))}" for key in path)))


def _plain(key: str) -> str:
    return key.replace("%", "%25").replace("/", "%2F")


# ----------------------------------------------------------------------------- a payload, value by value


def walked(value: Any, leaf: Callable[[Path, Any, str], Any], path: Path = (), depth: int = 0) -> Any:
    """Give a payload with other leaves: texts, numbers, booleans and null.

    Parameters
    ----------
    value
        What JSON text was read as.
    leaf
        Is given a leaf's path, the leaf, and the tag that the SDK has put to its type: ``d`` of a Decimal, which is a text
        here; ``""`` where there is none. Tags and what the SDK says of the items of a map are no leaves.

    The SDK's summary of a large map or parallel is structure, too.
    """
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        if not path and value.get("type") in _SUMMARIES and isinstance(value.get("totalCount"), int):
            return {
                key: held if _is_structure(key, held) else walked(held, leaf, (key,), depth + 1)
                for key, held in value.items()
            }
        if value.keys() == {"t", "v"} and isinstance(value["t"], str) and value["t"] in _TAGS:
            return {"t": value["t"], "v": _tagged(path, value["t"], value["v"], leaf, depth)}
        return {key: walked(held, leaf, (*path, key), depth + 1) for key, held in value.items()}
    if isinstance(value, list):
        return [walked(held, leaf, (*path, at), depth + 1) for at, held in enumerate(value)]
    return leaf(path, value, "")


def _is_structure(key: str, value: Any) -> bool:
    """Whether this part of the summary of a map or parallel says how many branches it had, or which way it ended."""
    if isinstance(value, list):
        return all(isinstance(one, int) for one in value)
    text = isinstance(value, str) and (key == "type" or _ENUM.fullmatch(value) is not None)
    return key != "summary" and (text or isinstance(value, int))


def _tagged(path: Path, tag: str, value: Any, leaf: Callable[[Path, Any, str], Any], depth: int) -> Any:
    if tag == "br" and isinstance(value, dict):  # a BatchResult: what it says of its items is structure
        items = value.get("all")
        return {**value, "all": _batch(path, items, leaf, depth)} if isinstance(items, dict) else value
    if isinstance(value, dict):
        return {key: walked(held, leaf, (*path, key), depth + 1) for key, held in value.items()}
    if isinstance(value, list):
        return [walked(held, leaf, (*path, at), depth + 1) for at, held in enumerate(value)]
    return leaf(path, value, tag)


def _batch(
    path: Path, items: dict[str, Any], leaf: Callable[[Path, Any, str], Any], depth: int
) -> dict[str, Any]:
    def item(held: Any) -> Any:
        if not isinstance(held, dict) or not isinstance(held.get("v"), dict):
            return held
        new = {
            key: walked(value, leaf, path, depth + 1) if key in {"result", "error"} else value
            for key, value in held["v"].items()
        }
        return {**held, "v": new}

    return {**items, "v": [item(held) for held in items.get("v") or ()]}
