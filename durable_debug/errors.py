"""Every error this package raises, each with what to do about it."""

from __future__ import annotations

__all__ = [
    "ClosedError",
    "DivergenceError",
    "DurableDebugError",
    "HandlerError",
    "HistoryError",
    "IncompleteHistoryError",
    "InternalError",
    "MissingDataError",
    "NoSuchStopError",
    "OptionError",
    "UnsupportedSdkError",
]


class DurableDebugError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message
        What is wrong, in one sentence.
    cure
        What the user can do about it, in one sentence.
    """

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(f"{message} {cure}".strip())
        self.message = message
        self.cure = cure


class HistoryError(DurableDebugError, ValueError):
    """What was given is not an execution history, or cannot be used as one."""


class IncompleteHistoryError(HistoryError):
    """The history is only a part: pages or events are missing."""


class MissingDataError(HistoryError):
    """Payloads that a replay needs are not in the history."""


class HandlerError(DurableDebugError):
    """The handler cannot be found, loaded or replayed."""


class UnsupportedSdkError(DurableDebugError, ImportError):
    """The installed AWS SDK is not one that a replay can run through."""


class OptionError(DurableDebugError, ValueError, TypeError):
    """An option that does not exist, or a value that it can't have."""


class InternalError(DurableDebugError, RuntimeError):
    """Something went wrong in this package itself: neither the handler nor the history is to blame."""


class DivergenceError(DurableDebugError, AssertionError):
    """A replay did not do what the history says; raised on request only."""


class NoSuchStopError(DurableDebugError, LookupError):
    """The debugger was told to go to a place that this replay does not reach."""


class ClosedError(DurableDebugError, RuntimeError):
    """The debugger was closed."""
