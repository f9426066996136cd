"""Values of a replay against those of a redacted history, as far as both are known: results are compared as they would be redacted.

What is kept is compared as it is. Of what is gone the form is left, which a value and its stand-in have in common: another
text of the same form may be the same text. What becomes another with other placeholders is calculated from them, and nobody
knows what it would be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durable_debug.redaction_secret import own_secret
from durable_debug.stand_ins import StandIns, coarse, form, json_text
from durable_debug.value_paths import matcher_of, walked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.divergence.facts import Finding
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording
    from durable_debug.value_paths import Gone, Path

__all__ = ["Values"]

Leaves = dict[tuple[Any, ...], list[Any]]  # by path, what is known of the leaves there
Value = tuple[str, Any]  # "returned" and a payload, or "raised" and an error object

Level = Callable[[Any], Any]  # how much of a hidden leaf is compared

_LEVELS: tuple[Level, ...] = (form, coarse)
_OF_CODECS = frozenset({"undeserializable"})
_OF_VALUES = frozenset({"result", "error", "child_result", "invoke_payload"})
_ARGUMENTS = {
    "wait_duration": ("seconds",),
    "callback_timeout": ("timeout_seconds", "heartbeat_timeout_seconds"),
    "invoke_target": ("function_name",),
    "invoke_tenant": ("tenant_id",),
}
_OF_STRATEGIES = frozenset({"retry_strategy", "wait_strategy"})
_ATTEMPTS = range(1, 4)


class _Exact:
    """A hidden leaf where the secret is at hand: of the record a stand-in, of a replay a value or a stand-in."""

    def __init__(self, value: Any, stand_ins: StandIns) -> None:
        self.value = value
        self._stand_ins = stand_ins

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Exact):
            return NotImplemented
        one, another = self.value, other.value
        if isinstance(one, bool) or isinstance(another, bool):
            return isinstance(one, int) and isinstance(another, int)
        return bool(one == another or one == self._stand_ins.of(another))

    def __hash__(self) -> int:
        return hash(_Exact)  # two that are equal to a third need not be equal


class _Exactly:
    """Compares the values themselves: of a record, on the left, with those of a replay."""

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins

    def __call__(self, value: Any) -> _Exact:
        return _Exact(value, self._stand_ins)


class Values:
    """Findings on values: which are more than that other values of the same form stand there."""

    def __init__(self, recording: Recording) -> None:
        history = recording.history
        self._gone = matcher_of(history.redacted or (), history.kept)
        self._recording = recording
        secret = own_secret(history.secret_name) if history.secret_name is not None else None
        self._levels: tuple[Level, ...] = _LEVELS
        if secret is not None:
            self._levels = (_Exactly(StandIns(secret)), *_LEVELS)
        self._differences: dict[Finding, list[set[tuple[Any, ...]]]] = {}

    def differ(self, finding: Finding) -> bool:
        """Whether a finding is one where the values are compared as far as they are known; true of all that are of none."""
        if finding.kind in _OF_CODECS:
            return False
        if finding.kind not in _OF_VALUES:
            return True
        recorded, ours = _recorded(finding, self._recording), _replayed(finding, self._recording)
        if recorded is None or ours is None:
            return False
        differences = [
            _differences(_leaves(recorded, self._gone, level), _leaves(ours, self._gone, level))
            for level in self._levels
        ]
        self._differences[finding] = differences
        return any(differences)

    def hold(self, finding: Finding, other: Recording) -> bool:
        """Whether a finding is there with other placeholders, too."""
        if finding.kind in _ARGUMENTS or finding.kind in _OF_STRATEGIES:
            call, asked = finding.call, _asked(finding, other)
            return (
                call is not None
                and asked is not None
                and _argument(finding, call) == _argument(finding, asked)
            )
        if finding.kind not in _OF_VALUES:
            return True  # whether it asks for something else is seen of all calls
        ours, theirs = _replayed(finding, self._recording), _replayed(finding, other)
        if ours is None or theirs is None:
            return False
        self._differences[finding] = [
            differences - _differences(_leaves(ours, self._gone, level), _leaves(theirs, self._gone, level))
            for level, differences in zip(self._levels, self._differences[finding], strict=True)
        ]
        return any(self._differences[finding])


def _recorded(finding: Finding, recording: Recording) -> Value | None:
    history, operation, call = recording.history, finding.operation, finding.call
    if finding.kind == "result":
        return "returned", history.result
    if finding.kind == "error":
        return "raised", history.error
    if operation is None or call is None:
        return None
    if finding.kind == "invoke_payload":
        return "returned", operation.payload
    if call.kind == "branch" and operation.type == "CONTEXT" and call.within is not None:
        item = call.within.items.get(call.number)
        if item is not None and operation.sub_type in {"Map", "Parallel"}:  # it has no operation of its own
            return ("returned", item.plain[1]) if item.status == "SUCCEEDED" else ("raised", item.error)
    return ("returned", operation.result) if operation.status == "SUCCEEDED" else ("raised", operation.error)


def _replayed(finding: Finding, recording: Recording) -> Value | None:
    if finding.kind == "result":
        return ("returned", recording.outcome.result) if recording.outcome.status == "SUCCEEDED" else None
    if finding.kind == "error":
        return ("raised", recording.outcome.error) if recording.outcome.status == "FAILED" else None
    call = _asked(finding, recording)
    if call is None:
        return None
    if finding.kind == "invoke_payload":
        return None if call.payload is None else ("returned", call.payload)
    body = call.body
    if body is None or body.has_codec or body.is_unknown or body.how not in {"returned", "raised"}:
        return None
    if body.how == "raised":
        return "raised", body.error
    can_write, text = body.plain
    return ("returned", text) if can_write else None


def _asked(finding: Finding, recording: Recording) -> Call | None:
    """The call that a finding is about, in any pass."""
    if finding.call is None:
        return None
    return next((call for call in recording.calls if call.position == finding.call.position), None)


def _argument(finding: Finding, call: Call) -> tuple[Any, ...]:
    """What a finding on an argument is about."""
    if finding.kind in _ARGUMENTS:
        return tuple(call.arguments.get(name) for name in _ARGUMENTS[finding.kind])
    strategy = call.strategy
    return () if strategy is None else (strategy.most, *map(strategy.delays, _ATTEMPTS))


def _leaves(value: Value, gone: Gone, level: Level) -> Leaves:
    """Give what is known of a value, leaf by leaf."""
    how, what = value
    reading = _Reading(gone, level)
    reading.found["how",] = [how]
    if how == "raised":
        error: Mapping[str, Any] = what or {}
        reading.found["type",] = [str(error.get("ErrorType") or "").rpartition(".")[2]]
        reading.note(("message",), ("ErrorMessage",), error.get("ErrorMessage") or "")
        return reading.found
    try:
        read = json.loads(what) if isinstance(what, str) else what
    except (ValueError, RecursionError):
        read = what
    reading.fill(("value",), (), read)
    return reading.found


class _Reading:
    """A value that is being read."""

    def __init__(self, gone: Gone, level: Level) -> None:
        self._gone = gone
        self._level = level
        self.found: Leaves = {}

    def fill(self, at: tuple[Any, ...], path: Path, value: Any) -> None:
        """Note all leaves of a value, and the shape of what holds them: tags and batches are structure."""

        def leaf(where: Path, held: Any, tag: str) -> None:
            inner = json_text(held) if isinstance(held, str) and not tag else None
            if inner is not None:
                self.fill((*at, *where, "json"), where, inner[0])
            else:
                self.note((*at, *where), where, held, tag)

        self.found[*at, "shape"] = [json.dumps(walked(value, leaf, path), sort_keys=True)]

    def note(self, at: tuple[Any, ...], path: Path, value: Any, tag: str = "") -> None:
        """Note a leaf: of what is gone the form, of what is not all."""
        shown = 0 if tag == "d" else value
        if tag == "B" and isinstance(value, str):
            value = re.sub("[^=]", "x", value)  # as many bytes
        hidden = value is not None and self._gone(path, shown)
        known = ("gone", self._level(value)) if hidden else (isinstance(value, bool), value)
        self.found.setdefault(at, []).append(known)  # the items of a batch have one path


def _differences(some: Leaves, others: Leaves) -> set[tuple[Any, ...]]:
    return {at for at in some.keys() | others.keys() if some.get(at) != others.get(at)}
