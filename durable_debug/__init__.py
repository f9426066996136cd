"""Replay debugger for AWS Lambda durable functions.

>>> import durable_debug as dd
>>> history = dd.load("sample_histories/espresso_timed_out.json")
>>> run = dd.replay("sample_histories/apps/espresso.py:handler", history)
>>> dbg = dd.debug("sample_histories/apps/espresso.py:handler", history)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from durable_debug.errors import (
    ClosedError,
    DivergenceError,
    DurableDebugError,
    HandlerError,
    HistoryError,
    IncompleteHistoryError,
    InternalError,
    MissingDataError,
    NoSuchStopError,
    OptionError,
    UnsupportedSdkError,
)

if TYPE_CHECKING:
    from durable_debug.audits import DeployCheck, Report, audit, deploy_check
    from durable_debug.debugger import Debugger, Explanation, Stop, debug, why
    from durable_debug.divergence import Divergence, Run, replay
    from durable_debug.history import History, Operation
    from durable_debug.sources import (
        Histories,
        Redaction,
        executions,
        fetch,
        heartbeat,
        load,
        redacted,
        send_failure,
        send_success,
    )

__version__ = "0.1.0"

__all__ = [
    "ClosedError",
    "Debugger",
    "DeployCheck",
    "Divergence",
    "DivergenceError",
    "DurableDebugError",
    "Explanation",
    "HandlerError",
    "Histories",
    "History",
    "HistoryError",
    "IncompleteHistoryError",
    "InternalError",
    "MissingDataError",
    "NoSuchStopError",
    "Operation",
    "OptionError",
    "Redaction",
    "Report",
    "Run",
    "Stop",
    "UnsupportedSdkError",
    "audit",
    "debug",
    "deploy_check",
    "executions",
    "fetch",
    "heartbeat",
    "load",
    "redacted",
    "replay",
    "send_failure",
    "send_success",
    "why",
]

# The rest is loaded when first used: importing the package costs next to nothing.
_ROOMS = {
    "Debugger": "debugger",
    "DeployCheck": "audits",
    "Divergence": "divergence",
    "Explanation": "debugger",
    "Histories": "sources",
    "History": "history",
    "Operation": "history",
    "Redaction": "sources",
    "Report": "audits",
    "Run": "divergence",
    "Stop": "debugger",
    "audit": "audits",
    "debug": "debugger",
    "deploy_check": "audits",
    "executions": "sources",
    "fetch": "sources",
    "heartbeat": "sources",
    "load": "sources",
    "redacted": "sources",
    "replay": "divergence",
    "send_failure": "sources",
    "send_success": "sources",
    "why": "debugger",
}
_MODULES = {"plots", "testing", "widgets"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
