"""SDK 3.x: sub types are text, and steps and callbacks may have one of their own, too."""

from __future__ import annotations

from typing import Any

from aws_durable_execution_sdk_python.context import DurableContext

from durable_debug.engine.sdk.lines.line import durable_wrapper
from durable_debug.engine.sdk.lines.since_2 import Since2

__all__ = ["LINE"]


class Line3(Since2):
    context = DurableContext

    def sub_type(self, own: Any) -> str | None:
        return own  # type: ignore[no-any-return]

    def own_sub_type(self, text: str | None) -> Any:
        return text

    def label(self, config: Any) -> str | None:
        return getattr(config, "sub_type", None)

    def refuses_step(self, config: Any) -> bool:
        return config is not None and not hasattr(config, "sub_type")

    def is_durable(self, candidate: object) -> bool:
        return durable_wrapper(candidate, "execution", "func", "configured_plugins")


LINE = Line3()
