"""A history without its values, so that it can be shown to others: structure, types and form stay.

What becomes of a value:

===============================  ===================================================================================
text                             as long, each letter another letter and each digit another digit, the same text the
                                 same again within a history (so comparisons and look-ups go on working); ISO dates
                                 become 1970-01-01T00:00:00; a text that is JSON is looked into
number                           0, or 0.0
true, false                      false
null                             null
what the Python SDK tags         a value of the same type: Decimal 0, a UUID, bytes of the same length
of a map's or parallel's result  the items' results and errors; number, status and order of items stay
error                            message, data and stack trace; ErrorType stays
===============================  ===================================================================================

Names, ids, ARNs, times, durations and sizes stay: they are no payload.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import string
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.value_paths import ALWAYS_KEPT, EVERY_VALUE, Matcher, Path, everything, matcher

if TYPE_CHECKING:
    from durable_debug.history import History

__all__ = ["Redact", "labels", "redacted", "redactor"]

Rule = str | Callable[[str, Any], Any]
Redact = bool | Rule | Iterable[Rule]

_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TAGS = frozenset(
    {"n", "s", "i", "f", "b", "B", "u", "d", "dt", "D", "t", "l", "m", "br"}
)  # TypeTag of SDK 3.0.0
_DEEPEST = 200


def redacted(history: History, redact: Redact = True) -> History:  # noqa: FBT002
    """Put placeholders where values are; this module says which.

    Parameters
    ----------
    history
        Stays as it is.
    redact
        True for all values, or one or more of

        - a JSON path into any payload: ``"$.card.number"``, ``"$.items[*].price"``, ``"$..email"``;
        - a pattern of a key, wherever it is, in any case: ``"*email*"``, ``"password"``;
        - a function of the path (``"$.card.number"``) and the value (text, number, boolean or None) that returns what to
          put there, or the value itself.

        With a path or key, all that is below goes too. Errors are read as ``{"ErrorMessage": …, "ErrorData": …}``.

    Returns
    -------
    History
        Its structure replays as before, as far as the handler's control flow does not depend on a value that is gone. Its
        ``redacted`` says how many values each pattern replaced; so does the file that it is saved to.

    Raises
    ------
    HistoryError
        A path cannot be read.

    Examples
    --------
    >>> redacted(history, ["$.card", "*email*"]).save("shared.json")  # doctest: +SKIP
    """
    rules = _rules(redact)
    if not rules:
        return history
    eraser = _Eraser(rules)
    events = [eraser.event(event) for event in history.raw]
    replaced = dict(eraser.replaced)
    execution = eraser.execution(dict(history.execution))
    for label, count in eraser.replaced.items():  # the record repeats what the events hold
        replaced[label] = replaced[label] or count
    return history.rewritten(
        events, execution=execution, source=_redacting(history.source, redact), redacted=replaced
    )


def redactor(redact: Redact | None) -> Callable[[History], History] | None:
    """Return the function that redacts a history in this way; None where nothing is to be redacted."""
    if redact is None or redact is False:
        return None
    _rules(redact)  # a mistake in them is told now
    return lambda history: redacted(history, redact)


def labels(redact: Redact) -> list[str]:
    """What `History.redacted` calls each of these patterns."""
    return [rule.label for rule in _rules(redact)]


def _redacting(source: Callable[[str], History] | None, redact: Redact) -> Callable[[str], History] | None:
    return None if source is None else lambda arn: redacted(source(arn), redact)


class _Rule(NamedTuple):
    """One of what was asked for: it matches paths, or is a function of path and value."""

    label: str
    matches: Matcher | None
    function: Callable[[str, Any], Any] | None = None


def _rules(redact: Redact) -> list[_Rule]:
    if redact is True:
        return [_Rule(EVERY_VALUE, everything)]
    if not redact:
        return []
    rules = [redact] if isinstance(redact, str) or callable(redact) else list(redact)
    return [
        _Rule(f"function {getattr(rule, '__name__', type(rule).__name__)}", None, rule)
        if callable(rule)
        else _Rule(rule, matcher(rule))
        for rule in rules
    ]


class _Eraser:
    def __init__(self, rules: list[_Rule]) -> None:
        self._rules = rules
        self.replaced = dict.fromkeys((rule.label for rule in rules), 0)
        self._key = secrets.token_bytes(
            16
        )  # so that nobody can try values until one gives the same placeholder

    def event(self, event: dict[str, Any]) -> dict[str, Any]:
        details_key = f"{event.get('EventType')}Details"
        details = event.get(details_key)
        if not isinstance(details, dict):
            return event
        new = {key: self._held(key, value) for key, value in details.items()}
        return {**event, details_key: new}

    def execution(self, execution: dict[str, Any]) -> dict[str, Any]:
        for key in ("InputPayload", "Result"):
            held = execution.get(key)
            if held is not None:
                execution[key] = self._text(held) if isinstance(held, str) else self._walk((), held)
        if isinstance(execution.get("Error"), dict):
            execution["Error"] = self._walk((), execution["Error"])
        return execution

    def _held(self, key: str, value: Any) -> Any:
        if (
            key not in {"Input", "Result", "Error"}
            or not isinstance(value, dict)
            or value.get("Payload") is None
        ):
            return value
        payload = value["Payload"]
        return {
            **value,
            "Payload": self._text(payload) if isinstance(payload, str) else self._walk((), payload),
        }

    def _text(self, payload: str) -> str:
        """A payload: JSON text, or any other."""
        if payload == "":  # says that the children replay
            return payload
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            return str(self._leaf((), payload))
        return _dumped(self._walk((), value), payload)

    def _walk(self, path: Path, value: Any, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            return None
        if isinstance(value, dict):
            if value.keys() == {"t", "v"} and isinstance(value["t"], str) and value["t"] in _TAGS:
                return {"t": value["t"], "v": self._tagged(path, value["t"], value["v"], depth)}
            return {key: self._walk((*path, key), held, depth + 1) for key, held in value.items()}
        if isinstance(value, list):
            return [self._walk((*path, at), held, depth + 1) for at, held in enumerate(value)]
        return self._leaf(path, value, depth + 1)

    def _tagged(self, path: Path, tag: str, value: Any, depth: int) -> Any:
        if tag == "br" and isinstance(value, dict):  # a BatchResult: what it says of its items is structure
            items = value.get("all")
            return {**value, "all": self._batch(path, items, depth)} if isinstance(items, dict) else value
        if isinstance(value, dict | list):
            walked = value.items() if isinstance(value, dict) else enumerate(value)
            new = {key: self._walk((*path, key), held, depth + 1) for key, held in walked}
            return new if isinstance(value, dict) else list(new.values())
        if not isinstance(value, str) or tag == "s" or self._new(path, value) is value:
            return self._leaf(path, value, depth + 1)
        return {"B": _bytes, "d": lambda _: "0", "u": self._uuid, "dt": _epoch, "D": _epoch}.get(
            tag, self._scrambled
        )(value)

    def _batch(self, path: Path, items: dict[str, Any], depth: int) -> dict[str, Any]:
        def item(held: Any) -> Any:
            if not isinstance(held, dict) or not isinstance(held.get("v"), dict):
                return held
            new = {
                key: self._walk(path, value, depth + 1) if key in {"result", "error"} else value
                for key, value in held["v"].items()
            }
            return {**held, "v": new}

        return {**items, "v": [item(held) for held in items.get("v") or ()]}

    def _leaf(self, path: Path, value: Any, depth: int = 0) -> Any:
        new = self._new(path, value)
        if new is not value or not isinstance(value, str) or value[:1] not in {"{", "["}:
            return new
        try:  # JSON in JSON, as in the body of an HTTP request
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return new
        walked = self._walk(path, inner, depth)
        return value if walked == inner else _dumped(walked, value)

    def _new(self, path: Path, value: Any) -> Any:
        """What stands in for a value; the value itself where no rule means it."""
        new = value
        for rule in self._rules:
            if rule.function is not None and new is value:
                shown = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
                new = rule.function(shown, value)
                self.replaced[rule.label] += new is not value
        if new is not value or value is None:
            return new
        kept = path[-1:] == (ALWAYS_KEPT,)
        matched = [r for r in self._rules if not kept and r.matches is not None and r.matches(path)]
        for rule in matched:
            self.replaced[rule.label] += 1
        return self._placeholder(value) if matched else value

    def _placeholder(self, value: Any) -> Any:
        if isinstance(value, bool):
            return False
        if isinstance(value, int | float):
            return type(value)(0)
        if _DATE.fullmatch(value):
            return _epoch(value)
        if _UUID.fullmatch(value):
            return self._uuid(value)
        if value[:1] in {"{", "["}:
            try:
                inner = json.loads(value)
            except (ValueError, RecursionError):
                return self._scrambled(value)
            return _dumped(_mapped(inner, self._placeholder), value)
        return self._scrambled(value)

    def _scrambled(self, text: str) -> str:
        """Another text of the same form; the same one for the same text."""
        return "".join(
            _other(string.ascii_lowercase, number)
            if each.islower()
            else _other(string.ascii_uppercase, number)
            if each.isalpha()
            else _other(string.digits, number)
            if each.isdigit()
            else each
            for each, number in zip(text, self._stream(text), strict=True)
        )

    def _uuid(self, text: str) -> str:
        numbers = self._stream(text)
        return "".join(
            _other("0123456789abcdef", number) if each.isalnum() else each
            for each, number in zip(text, numbers, strict=True)
        )

    def _stream(self, text: str) -> bytes:
        """A number for each character."""
        return hashlib.shake_256(self._key + text.encode(errors="surrogatepass")).digest(len(text))


def _mapped(value: Any, leaf: Callable[[Any], Any], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        return {key: _mapped(held, leaf, depth + 1) for key, held in value.items()}
    if isinstance(value, list):
        return [_mapped(held, leaf, depth + 1) for held in value]
    return value if value is None else leaf(value)


def _other(alphabet: str, number: int) -> str:
    return alphabet[number % len(alphabet)]


def _bytes(text: str) -> str:
    try:
        return base64.b64encode(bytes(len(base64.b64decode(text)))).decode()
    except ValueError:
        return ""


def _epoch(text: str) -> str:
    found = _DATE.fullmatch(text)
    if found is None:
        return "1970-01-01"
    time = re.sub(r"\d", "0", found["time"] or "")
    zone = found["zone"] or ""
    return f"1970-01-01{time}{zone if zone == 'Z' else re.sub(r'[0-9]', '0', zone)}"


def _dumped(value: Any, like: str) -> str:
    """JSON text with the spaces that the other one has."""
    separators = None if ", " in like or '": ' in like else (",", ":")
    return json.dumps(value, separators=separators, ensure_ascii=like.isascii())
