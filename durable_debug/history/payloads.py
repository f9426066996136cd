"""Payloads as the values that they stand for: the SDK writes most of them with a type beside each value."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["plain_payload"]

_DEEPEST = 200


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
    return isinstance(value, dict) and value.keys() == {"t", "v"} and isinstance(value["t"], str)


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
