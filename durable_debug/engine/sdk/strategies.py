"""What the SDK's own strategies would decide. Strategies that are the user's functions are not called."""

from __future__ import annotations

import dataclasses
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.config import JitterStrategy
from aws_durable_execution_sdk_python.retries import (
    LinearRetryStrategyConfig,
    RetryPresets,
    RetryStrategyConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
)
from aws_durable_execution_sdk_python.waits import WaitStrategyConfig, create_wait_strategy

if TYPE_CHECKING:
    from durable_debug.engine.sdk.given import Given

__all__ = ["Strategy", "has_strategy", "strategy_of"]

_FOR_EVER = sys.maxsize
_MADE_BY: dict[type, Any] = {
    RetryStrategyConfig: create_retry_strategy,
    LinearRetryStrategyConfig: create_linear_retry_strategy,
    WaitStrategyConfig: create_wait_strategy,
}


class Strategy:
    """One that the SDK has made of a configuration.

    Attributes
    ----------
    most
        How many attempts it makes at most.
    of_any_error
        Whether it goes on after whatever error.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        self.most: int = config.max_attempts
        filters = (
            getattr(config, "retryable_errors", None),
            getattr(config, "retryable_error_types", None),
        )
        self.of_any_error = filters == (None, None)
        endless: dict[str, Any] = {"max_attempts": _FOR_EVER, "jitter_strategy": JitterStrategy.NONE}
        if isinstance(config, WaitStrategyConfig):
            endless["should_continue_polling"] = lambda _: True
        else:
            endless |= {"retryable_errors": None, "retryable_error_types": None}
        self._decide = _MADE_BY[type(config)](dataclasses.replace(config, **endless))

    def delays(self, attempt: int) -> tuple[int, int]:
        """Between which numbers of seconds the pause behind an attempt (from 1) may be."""
        try:
            longest = max(1, self._decide(Exception(), attempt).delay.to_seconds())
        except ArithmeticError:  # the powers of a rate grow beyond all numbers
            return 1, _FOR_EVER
        match self._config.jitter_strategy:
            case JitterStrategy.NONE:
                return longest, longest
            case JitterStrategy.HALF:
                return max(1, longest // 2), longest
            case _:
                return 1, longest


def has_strategy(call: Given) -> bool:
    """Whether a call says how it is tried again; else the SDK's default holds."""
    return _given(call) is not None


def strategy_of(call: Given) -> Strategy | None:
    """The strategy of a step or a wait_for_condition; None where it is a function of the user's."""
    given = _given(call) or RetryPresets.default()
    if not isinstance(given, FunctionType) or given.__module__ not in {
        create_retry_strategy.__module__,
        create_wait_strategy.__module__,
    }:
        return None
    cells = [cell.cell_contents for cell in given.__closure__ or ()]
    config = next((held for held in cells if type(held) in _MADE_BY), None)
    return Strategy(config) if config is not None else None


def _given(call: Given) -> Any:
    config = call.args[2] if call.kind in {"step", "wait_for_condition"} else None
    if config is None:
        return None
    return config.wait_strategy if call.kind == "wait_for_condition" else config.retry_strategy
