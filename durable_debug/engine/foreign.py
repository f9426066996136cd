"""Somebody's own `repr` or codec, asked only so that a value can be shown or compared: it may do anything but end the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["only_exceptions", "repr_of"]


class only_exceptions:  # noqa: N801
    """Make an ordinary exception of whatever else is raised: `SystemExit`, or what a test library fails with."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception | KeyboardInterrupt):
            raise RuntimeError(f"{kind.__name__}: {error}") from error


def repr_of(value: object, limit: int) -> str:
    """Give a value's repr, cut; where there is none, what it raises instead.

    Parameters
    ----------
    limit
        The most characters of it.
    """
    try:
        text = repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - `SystemExit`, say
        return f"<{type(value).__name__}: its repr raises {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
