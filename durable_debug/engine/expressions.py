"""Expressions of the user's over variables of the handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from types import CodeType

__all__ = ["compiled"]


def compiled(expression: str) -> CodeType:
    """Compile an expression.

    Raises
    ------
    DurableDebugError
        It is none.
    """
    try:
        return compile(expression, "<expression>", "eval")
    except (SyntaxError, ValueError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        raise DurableDebugError(
            f"{expression!r} is not an expression: {why}.", cure="Write one, such as \"order['id']\"."
        ) from None
