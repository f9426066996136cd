"""A history without its values, so that it can be shown to others: structure, types and form stay.

What becomes of a value:

===============================  ===================================================================================
text                             another one of the same form (see `StandIns`): as long, each letter another letter and
                                 each digit another digit; dates, UUIDs, e-mail addresses and numbers stay such; a text
                                 that is JSON, also in base64, is looked into
number                           another one of the same sign and with as many digits; 0 stays
true, false                      false
null                             null
what the Python SDK tags         a value of the same type: a Decimal, a UUID, a date, bytes of the same length
of a map's or parallel's result  the items' results and errors; number, status and order of items stay
error                            message, data and stack trace; ErrorType stays
===============================  ===================================================================================

Equal values stay equal and others different, in all histories that one `Redaction` is used for. Names, ids, ARNs, times,
durations and sizes stay: they are no payload. Of log events nothing that was written stays, whatever the pattern,
and of a trace only its structure (`redacted_logs`).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.redaction_secret import name_of, own_secret, secret_from
from durable_debug.sources.redacted_logs import redacted_logs, redacted_trace
from durable_debug.stand_ins import StandIns, dumped, json_text
from durable_debug.value_paths import (
    ALWAYS_KEPT,
    EVERY_VALUE,
    Gone,
    Matcher,
    Path,
    everything,
    keeper,
    matcher,
    walked,
)

if TYPE_CHECKING:
    import os

    from durable_debug.history import History

__all__ = ["Redact", "Redaction", "redacted", "redactor"]

Rule = str | Callable[[str, Any], Any]


class Redaction:
    """How histories are redacted: what goes, what is kept, and the secret that decides what stands in for it.

    Parameters
    ----------
    what
        True for all values, or one or more of

        - a JSON path into any payload: ``"$.card.number"``, ``"$.items[*].price"``, ``"$..email"``;
        - a pattern of a key, wherever it is, in any case: ``"*email*"``, ``"password"``;
        - a function of the path (``"$.card.number"``) and the value (text, number, boolean or None) that returns what to
          put there, or the value itself.

        With a path or key, all that is below goes too. Errors are read as ``{"ErrorMessage": …, "ErrorData": …}``.
    keep
        What stays as it is, of all that `what` names: ``"numbers"``, ``"booleans"``, ``"enums"`` (texts of two to 40
        capital letters and underscores, such as ``IN_TRANSIT``; names that are written so are taken for such, too), and
        paths and patterns as above: ``"$.order.state"``, ``"status"``.
    secret
        Bytes, or a file of at least 16, so that equal values stay equal from one call to the next; kept where the
        histories are not. None: what is in the file that the environment's DURABLE_DEBUG_SECRET names; else one that is
        made for this object and that nobody else has. Where that variable is set, replays of what is redacted so compare
        texts and numbers themselves, as far as they are not calculated from others.

    Raises
    ------
    HistoryError
        A path cannot be read; the secret can't be, or is too short.

    Examples
    --------
    >>> redaction = Redaction(keep=["numbers", "enums", "$.order.state"])
    >>> shared = [redaction.of(history) for history in histories]  # doctest: +SKIP
    """

    def __init__(
        self,
        what: bool | Rule | Iterable[Rule] = True,  # noqa: FBT001, FBT002
        *,
        keep: str | Iterable[str] = (),
        secret: bytes | str | os.PathLike[str] | None = None,
    ) -> None:
        self._rules = _rules(what)
        kept = [keep] if isinstance(keep, str) else list(keep)
        self._keepers = {rule: keeper(rule) for rule in kept}
        known = own_secret() if secret is None else secret_from(secret)
        self._stand_ins = StandIns(known or secrets.token_bytes(32))
        self._secret_name = None if known is None else name_of(known)

    @property
    def what(self) -> list[str]:
        """What `History.redacted` calls each of the patterns."""
        return [rule.label for rule in self._rules]

    @property
    def keep(self) -> list[str]:
        """The rules of what is kept, as given."""
        return list(self._keepers)

    def of(self, history: History) -> History:
        """Redact a history; see `redacted`."""
        if not self._rules:
            return history
        eraser = _Eraser(self._rules, self._keepers, self._stand_ins)
        events = [eraser.event(event) for event in history.raw]
        replaced, kept = dict(eraser.replaced), dict(eraser.kept)
        execution = eraser.execution(dict(history.execution))
        for counts, seen in ((replaced, eraser.replaced), (kept, eraser.kept)):
            for label, count in seen.items():  # the record repeats what the events hold
                counts[label] = counts[label] or count
        source = history.source
        return history.rewritten(
            events,
            execution=execution,
            source=None if source is None else lambda arn: self.of(source(arn)),
            redacted=replaced,
            kept=kept,
            secret_name=self._secret_name,
            logs=redacted_logs(history.raw_logs) if history.raw_logs is not None else None,
            trace=redacted_trace(history.raw_trace) if history.raw_trace is not None else None,
        )


Redact = bool | Rule | Iterable[Rule] | Redaction


def redacted(history: History, redact: Redact = True) -> History:  # noqa: FBT002
    """Put stand-ins where values are; this module says which.

    Parameters
    ----------
    history
        Stays as it is.
    redact
        A `Redaction`, or what it takes for `what`: True for all values, JSON paths, patterns of keys, functions.

    Returns
    -------
    History
        Its structure replays as before, as far as the handler's control flow does not depend on a value that is gone. Its
        ``redacted`` says how many values each pattern replaced, ``kept`` how many each rule kept; so does the file that
        it is saved to.

    Raises
    ------
    HistoryError
        A path cannot be read.

    Examples
    --------
    >>> redacted(history, ["$.card", "*email*"]).save("shared.json")  # doctest: +SKIP
    """
    return _redaction(redact).of(history)


def redactor(redact: Redact | None) -> Callable[[History], History] | None:
    """Return the function that redacts histories in this way, all by one secret; None where nothing is to be redacted."""
    if redact is None or redact is False:
        return None
    return _redaction(redact).of  # a mistake in the rules is told now


def _redaction(redact: Redact) -> Redaction:
    return redact if isinstance(redact, Redaction) else Redaction(redact)


class _Rule(NamedTuple):
    """One of what was asked for: it matches paths, or is a function of path and value."""

    label: str
    matches: Matcher | None
    function: Callable[[str, Any], Any] | None = None


def _rules(redact: bool | Rule | Iterable[Rule]) -> list[_Rule]:  # noqa: FBT001
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
    def __init__(self, rules: list[_Rule], keepers: dict[str, Gone], stand_ins: StandIns) -> None:
        self._rules = rules
        self._keepers = keepers
        self._stand_ins = stand_ins
        self.replaced = dict.fromkeys((rule.label for rule in rules), 0)
        self.kept = dict.fromkeys(keepers, 0)

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
                execution[key] = self._payload(held)
        if isinstance(execution.get("Error"), dict):
            execution["Error"] = walked(execution["Error"], self._leaf)
        return execution

    def _held(self, key: str, value: Any) -> Any:
        if (
            key not in {"Input", "Result", "Error"}
            or not isinstance(value, dict)
            or value.get("Payload") is None
        ):
            return value
        return {**value, "Payload": self._payload(value["Payload"])}

    def _payload(self, payload: Any) -> Any:
        """A payload: JSON text, any other text, or a value."""
        if not isinstance(payload, str):
            return walked(payload, self._leaf)
        if payload == "":  # says that the children replay
            return payload
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            return str(self._leaf((), payload))
        return dumped(walked(value, self._leaf), payload)

    def _leaf(self, path: Path, value: Any, tag: str = "") -> Any:
        new = self._by_function(path, value)
        if new is not value or value is None:
            return new
        inner = json_text(value) if isinstance(value, str) and not tag else None
        if inner is not None:  # JSON in JSON, as in the body of an HTTP request
            held, written = inner
            changed = walked(held, self._leaf, path)
            return value if changed == held else written(changed)
        matched = [rule for rule in self._rules if rule.matches is not None and rule.matches(path)]
        if not matched or path[-1:] == (ALWAYS_KEPT,):
            return value
        shown = 0 if tag == "d" else value  # a Decimal is a number, written as text
        keeping = [label for label, keeps in self._keepers.items() if keeps(path, shown)]
        for label in keeping:
            self.kept[label] += 1
        if keeping:
            return value
        for rule in matched:
            self.replaced[rule.label] += 1
        return (
            self._stand_ins.data(value)
            if tag == "B" and isinstance(value, str)
            else self._stand_ins.of(value)
        )

    def _by_function(self, path: Path, value: Any) -> Any:
        for rule in self._rules:
            if rule.function is not None:
                shown = "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
                new = rule.function(shown, value)
                if new is not value:
                    self.replaced[rule.label] += 1
                    return new
        return value
