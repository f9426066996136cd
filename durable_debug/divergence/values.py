"""Whether a value or an error is the recorded one."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

from durable_debug.replay import sdk
from durable_debug.replay.placeholder import Unrecorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.replay.tape import Ask

__all__ = ["same_error", "same_error_objects", "same_payload", "same_value", "same_where_known"]


_IDENTITY: Any = object.__eq__


@contextlib.contextmanager
def _sdk_is_quiet() -> Iterator[None]:
    """While it reads what it may not be able to: it would log a traceback."""
    log = logging.getLogger("aws_durable_execution_sdk_python")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def same_value(ask: Ask, payload: str | None, value: Any, arn: str) -> tuple[bool | None, str]:
    """Compare what a body returned with the payload that its context recorded.

    Returns
    -------
    tuple
        Whether they are the same, None if nobody can tell; and the value as text, or why not.
    """
    try:
        text = sdk.to_payload(ask, value, arn)
    except Exception as error:  # noqa: BLE001 - a codec of the user's may do anything
        return None, f"it can't be serialised here ({type(error).__name__}: {error})"
    if text == payload or same_payload(text, payload):
        return True, text or "none"
    if sdk.codec_of(ask) is None:
        return False, text or "none"
    try:  # a codec need not write the same text twice: compare what it reads
        with _sdk_is_quiet():
            read, recorded = sdk.from_payload(ask, text, arn), sdk.from_payload(ask, payload, arn)
    except Exception as error:  # noqa: BLE001
        return None, f"its codec can't read it back ({type(error).__name__}: {error})"
    if read == recorded:
        return True, text or "none"
    if type(read).__eq__ is _IDENTITY:
        return None, f"{type(read).__name__} objects can't be compared"
    return False, text or "none"


def same_payload(one: str | None, other: str | None) -> bool:
    """Compare two payloads as JSON, where they are."""
    if one == other:
        return True
    if one is None or other is None:
        return False
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def same_where_known(text: str | None, recorded: str | None) -> bool:
    """Compare a result with the recorded one, but for what is made of values that nobody knows.

    Such a value is an empty object when written, and a replay's text where it is put into one.
    """
    if text == recorded:
        return True
    try:
        return _same_where_known(json.loads(text or "null"), json.loads(recorded or "null"))
    except ValueError:
        return same_payload(text, recorded)


def _same_where_known(value: Any, recorded: Any) -> bool:
    if value in (recorded, {}) or (isinstance(value, str) and str(Unrecorded()) in value):
        return True
    if isinstance(value, dict) and isinstance(recorded, dict):
        return value.keys() == recorded.keys() and all(
            _same_where_known(value[k], recorded[k]) for k in value
        )
    if isinstance(value, list) and isinstance(recorded, list) and len(value) == len(recorded):
        return all(_same_where_known(one, other) for one, other in zip(value, recorded, strict=True))
    return False


def same_error(error: BaseException, recorded: dict[str, Any] | None) -> bool:
    """Compare what a body raised with the recorded error: by its class's name and message.

    The module is not compared: the same class is in ``app`` on Lambda and in ``__main__`` in a notebook.
    """
    return same_error_objects(sdk.error_object(error), recorded)


def same_error_objects(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """Compare two error objects."""
    one, other = one or {}, other or {}
    return _class(one) == _class(other) and (one.get("ErrorMessage") or "") == (
        other.get("ErrorMessage") or ""
    )


def _class(error: dict[str, Any]) -> str:
    return str(error.get("ErrorType") or "").rpartition(".")[2]
