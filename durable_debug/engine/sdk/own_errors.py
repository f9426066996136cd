"""Errors of this package's own that rise in what the handler calls: they are never taken for the handler's."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.engine.ongoing_pass import OngoingPass

__all__ = ["meant", "own_errors_apart", "raised_by_us"]

_Method = TypeVar("_Method", bound="Callable[..., Any]")

_OURS = str(Path(__file__).parent.parent) + os.sep
_PLACEHOLDER = str(Path(__file__).parent.parent / "placeholder.py")


def meant(error: Exception) -> Exception:
    """Mark an error that we raise for the handler to have."""
    error._durable_debug_meant = True  # type: ignore[attr-defined]
    return error


def raised_by_us(error: BaseException) -> bool:
    """Whether an error rose in this package's own code: the handler is not to blame for it, whoever catches it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace is not None else ""
    return (
        file.startswith(_OURS) and file != _PLACEHOLDER and not getattr(error, "_durable_debug_meant", False)
    )


def own_errors_apart(method: _Method) -> _Method:
    """Around what the handler calls of a context: an error of ours ends the replay instead of reaching the handler."""

    @functools.wraps(method)
    def operation(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except Exception as error:
            if not raised_by_us(error):
                raise
            ongoing: OngoingPass = self._ongoing
            ongoing.seen.internal = ongoing.seen.internal or error
            raise ongoing.stop("internal", f"{type(error).__name__}: {error}") from error

    return cast("_Method", operation)
