"""Codecs of a replay that goes on behind inserted operations: what nobody knows stays so when it is written and read."""

from __future__ import annotations

from typing import Any, TypeVar

from aws_durable_execution_sdk_python.serdes import EXTENDED_TYPES_SERDES, SerDes, SerDesContext

from durable_debug.engine.placeholder import holds_unknown, remade
from durable_debug.engine.sdk.copies import replaced

__all__ = ["keeping"]

_Config = TypeVar("_Config")


class _Keeping(SerDes[Any]):
    """The user's codec, or the SDK's own, that gives back what nobody knows as such."""

    def __init__(self, codec: SerDes[Any] | None) -> None:
        self._codec = codec or EXTENDED_TYPES_SERDES
        self._written: dict[str, Any] = {}

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        text = self._codec.serialize(value, serdes_context)
        if holds_unknown(value):
            self._written[text] = value
        return text

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        read = self._codec.deserialize(data, serdes_context)
        return remade(self._written[data], read) if data in self._written else read


def keeping(config: _Config, *names: str) -> _Config:
    """Give a configuration whose codecs keep what nobody knows."""
    for name in names:
        codec = getattr(config, name, None)
        if name == "serdes" or codec is not None:  # without one of their own, items have that of the whole
            config = replaced(config, name, _Keeping(codec))
    return config
