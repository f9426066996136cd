"""What a test has patched in its own modules holds for those that are imported for a handler beside them."""

from __future__ import annotations

import importlib.util
import os
import types
from pathlib import Path
from typing import Any

from durable_debug.engine.held_objects import SCALARS
from durable_debug.engine.reach import written_names

__all__ = ["alike", "edited_since_import", "patched"]


def _process_began() -> float:
    try:
        return os.stat("/proc/self").st_ctime  # noqa: PTH116
    except OSError:
        return 0.0


_BEGAN = _process_began()


def edited_since_import(file: str) -> bool | None:
    """Whether a file was changed after it was imported, told by its bytecode; None where there is none."""
    try:
        source = os.stat(file)  # noqa: PTH116
        if source.st_mtime < _BEGAN - 1:
            return False  # older than the process
        cached = Path(importlib.util.cache_from_source(file))
        written = cached.stat()
        header = cached.read_bytes()[:16]
    except (OSError, NotImplementedError, ValueError):
        return None
    flags, when, length = (int.from_bytes(header[i : i + 4], "little") for i in (4, 8, 12))
    if flags:
        return None  # it goes by a hash
    same = (when, length) == (source.st_mtime_ns // 1_000_000_000 & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF)
    return not same or source.st_mtime_ns > written.st_mtime_ns


def alike(theirs: types.ModuleType, ours: types.ModuleType) -> frozenset[str]:
    """Give the names of numbers and texts that are the same in two modules of one file."""
    mine = tuple(vars(ours).items())
    return frozenset(
        key for key, value in mine if type(value) in SCALARS and vars(theirs).get(key, mine) == value
    )


def patched(theirs: types.ModuleType, ours: types.ModuleType, were_alike: frozenset[str]) -> dict[str, Any]:
    """Give what stands in a module other than its code made it, by name.

    Functions and classes of elsewhere stand there by somebody's hand. So do numbers and texts that no function of the
    module assigns, unless the file is another by now; whatever else differs is what the module has kept.
    """
    file = getattr(theirs, "__file__", None)
    if file is None or file != getattr(ours, "__file__", None):
        return {}
    found: dict[str, Any] = {}
    steady = edited_since_import(file) is False
    for name, new in tuple(vars(ours).items()):
        old = vars(theirs).get(name, new)
        if old is new or (name.startswith("__") and name.endswith("__")):
            continue
        if isinstance(new, types.FunctionType | type):
            if not _is_of(old, new):
                found[name] = old
        elif (
            type(new) in SCALARS
            and (steady or name in were_alike)
            and old != new
            and name not in written_names(ours)
        ):
            found[name] = old
    return found


def _is_of(old: Any, new: Any) -> bool:
    """Whether a function or class is another version of one, of the same file or the same library."""
    if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
        same = os.path.realpath(old.__code__.co_filename) == os.path.realpath(new.__code__.co_filename)
        return same and old.__qualname__ == new.__qualname__
    if isinstance(old, type) and isinstance(new, type):
        return (old.__module__, old.__qualname__) == (new.__module__, new.__qualname__)
    return False
