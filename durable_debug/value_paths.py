"""Values in a payload by their path: which of them a pattern names, and so which are gone from a redacted history."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable

from durable_debug.errors import HistoryError

__all__ = ["ALWAYS_KEPT", "EVERY_VALUE", "Matcher", "Path", "everything", "matcher", "matcher_of"]

Path = tuple[str | int, ...]
Matcher = Callable[[Path], bool]
EVERY_VALUE = "every value"
"""What `History.redacted` calls the rule that is no pattern."""
ALWAYS_KEPT = "ErrorType"
_STEP = re.compile(
    r"\.\.?(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\*)\]|\[(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)\]"
)


def matcher_of(labels: Iterable[str]) -> Matcher:
    """Give what tells whether the value at a path is gone, by what `History.redacted` names.

    What cannot be known of a function is taken to be gone.
    """
    matchers = [
        everything if label == EVERY_VALUE or label.startswith("function ") else _known(label)
        for label in labels
    ]
    return lambda path: path[-1:] != (ALWAYS_KEPT,) and any(matches(path) for matches in matchers)


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
