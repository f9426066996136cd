"""A history as a file: `GetDurableExecutionHistory` JSON, written so that nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from durable_debug.errors import HistoryError
from durable_debug.history.timestamps import microseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["same_events", "write", "write_whole"]

_DEEP = 200  # levels


def write(
    events: Sequence[dict[str, Any]],
    path: str | os.PathLike[str],
    *,
    arn: str | None,
    more_pages: bool,
    also: Mapping[str, Any],
) -> Path:
    """Write the events to a file, atomically, and return its path; `also` stands before them."""
    document: dict[str, Any] = ({"DurableExecutionArn": arn} if arn is not None else {}) | dict(also)
    document["Events"] = list(events)
    if more_pages:
        document["NextMarker"] = "unknown"  # so that it stays known to be incomplete
    return write_whole(Path(path), _json(document))


def write_whole(target: Path, content: bytes) -> Path:
    """Write a file, or leave what was there: nobody sees half of it.

    Raises
    ------
    HistoryError
        It can't be written there.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name[:64]}.", suffix=".tmp"
        )
    except (OSError, ValueError) as error:
        raise HistoryError(f"{target} cannot be written: {error}.", cure="Check the path.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        if isinstance(error, OSError):
            raise HistoryError(
                f"{target} cannot be written: {error}.", cure="Check the path, and the space that is left."
            ) from None
        raise
    return target


def same_events(some: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> bool:
    """Whether two lists of events are equal, timestamps compared as moments."""
    return len(some) == len(others) and all(
        a is b or a == b or _normal(a) == _normal(b) for a, b in zip(some, others, strict=True)
    )


def _normal(value: Any, key: str = "") -> Any:
    if key.endswith("Timestamp"):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return microseconds(value)
    if isinstance(value, dict):
        return {name: _normal(held, str(name)) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(held) for held in value]
    return value


def _json(document: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(
            document, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_DATETIME
        )
    except orjson.JSONEncodeError:
        pass
    try:  # lone surrogates, numbers beyond 64 bits and many levels, that the faster encoder refuses
        return json.dumps(document, default=_plain, indent=None if _is_deep(document) else 2).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise HistoryError(
            f"The history holds something that JSON cannot: {error}.",
            cure="Events may hold what botocore's responses hold: text, numbers, booleans, lists, dicts, datetimes.",
        ) from None


def _is_deep(document: dict[str, Any]) -> bool:
    """Whether the encoder that writes line by line, which is Python, would come to its end."""
    level: list[Any] = [document]
    for _ in range(_DEEP):
        level = [
            inner
            for held in level
            if isinstance(held, dict | list | tuple)
            for inner in (held.values() if isinstance(held, dict) else held)
        ]
        if not level:
            return False
    return True


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} in it")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
