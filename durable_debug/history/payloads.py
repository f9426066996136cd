"""Payloads as the values that they stand for: the one place where they are read to be shown.

The SDK writes values that JSON does not have with a type beside each; a serdes of the user's may encrypt or compress them, or
keep them elsewhere, and then a function of the user's gives the plain text. The record stays as it is, and a replay is given
that: there the handler's own serdes reads it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from durable_debug.history.operations import Operation

__all__ = ["Decode", "Payloads", "Shown", "plain_payload"]

Decode = Callable[..., str | bytes]
"""``decode(text)`` or ``decode(text, operation)``: gives a payload's plain text; `operation` is None for the execution's own."""

_DEEPEST = 200
_TAGS = {"n", "s", "i", "f", "b", "B", "u", "d", "dt", "D", "t", "l", "m", "br"}  # TypeTag of SDK 3.0.0


class Shown(NamedTuple):
    """A payload as it is shown.

    Attributes
    ----------
    text
        What it stands for; what is recorded, where that could not be decoded.
    problem
        Why it could not be decoded; None where it could.
    """

    text: str
    problem: str | None = None

    def __str__(self) -> str:
        return self.text if self.problem is None else f"(not decoded: {self.problem}) {self.text}"


class Payloads:
    """Reads payloads of one history, each once.

    Parameters
    ----------
    decode
        A function of the user's, which is first called when a payload is first shown; what it raises is said of that payload.
    """

    def __init__(self, decode: Decode | None = None) -> None:
        self.decode = decode
        self._with_operation = decode is not None and _takes_two(decode)
        self._known: dict[tuple[str, str | None], Shown] = {}

    def shown(self, payload: str, operation: Operation | None = None, *, is_input: bool = False) -> Shown:
        """Give a payload as it is shown.

        Parameters
        ----------
        is_input
            Whether it is an execution's input, which whoever started it has written: it is in no form of the SDK's.
        """
        if self.decode is None:
            return Shown(payload if is_input else plain_payload(payload) or "")
        key = payload, operation.id if operation is not None and self._with_operation else None
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._decoded(self.decode, payload, operation)
        if known.problem is not None or is_input:
            return known
        return Shown(plain_payload(known.text) or "")

    def text(self, payload: str | None, operation: Operation | None = None) -> str | None:
        """Give what a payload stands for; what is recorded where that can't be told, and None of none."""
        return None if payload is None else self.shown(payload, operation).text

    def _decoded(self, decode: Decode, payload: str, operation: Operation | None) -> Shown:
        try:
            found = decode(payload, operation) if self._with_operation else decode(payload)
            text: Any = found.decode() if isinstance(found, bytes) else found
        except Exception as error:  # noqa: BLE001 - the user's function may raise whatever it likes
            return Shown(payload, f"{type(error).__name__}: {error!s:.200}".removesuffix(": "))
        if not isinstance(text, str):
            return Shown(payload, f"decode gave a {type(text).__name__}, not text")
        return Shown(text)


def _takes_two(decode: Decode) -> bool:
    try:
        inspect.signature(decode).bind("", None)
    except (TypeError, ValueError):  # it takes one, or nobody can tell
        return False
    return True


def plain_payload(payload: str | None) -> str | None:
    """Give a payload without the SDK's types beside the values; as it is, where it has none or is no JSON.

    ``{"t": "m", "v": {"rate": {"t": "f", "v": 1.1}}}`` is ``{"rate": 1.1}``. What JSON has no value for (times, decimals,
    bytes) is the text that the SDK writes of it.

    Examples
    --------
    >>> plain_payload('{"t":"m","v":{"rate":{"t":"f","v":1.1}}}')
    '{"rate": 1.1}'
    """
    if payload is None or not payload.startswith("{"):
        return payload
    try:
        value = json.loads(payload)
        return json.dumps(_plain(value, 0), ensure_ascii=False) if _is_typed(value) else payload
    except (ValueError, RecursionError):
        return payload


def _is_typed(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"t", "v"}
        and isinstance(value["t"], str)
        and value["t"] in _TAGS
    )


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        return "…"
    if _is_typed(value):
        return _plain(value["v"], depth + 1)
    if isinstance(value, dict):
        return {key: _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    return value
