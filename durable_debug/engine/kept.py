"""A handler given as a function: the object stays what it is, and what its modules hold is put back after each pass."""

from __future__ import annotations

import contextlib
import functools
import inspect
import marshal
import os
import sys
import threading
import types
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine.patches import edited_since_import
from durable_debug.engine.process_modules import forget_new
from durable_debug.engine.reach import reached
from durable_debug.engine.users_code import claim, is_users

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from durable_debug.engine.module_state import State

__all__ = ["Kept", "kept"]

_known: weakref.WeakValueDictionary[int, Kept] = weakref.WeakValueDictionary()
_lock = threading.RLock()


def kept(layers: Sequence[Any], func: Any) -> Kept:
    """Look after the state of a function, and of the decorators around it."""
    found = _known.get(id(layers[0]))
    if found is None or found.layers[0] is not layers[0]:
        found = _known[id(layers[0])] = Kept((*layers, func))
    return found


class Kept:
    """The state that a function and what it calls keep in the user's modules.

    Parameters
    ----------
    layers
        The function as it was given, what it is made of, and the user's own inside.
    """

    def __init__(self, layers: tuple[Any, ...]) -> None:
        self.layers = layers
        self._state: State | None = None
        self._passes = 0
        self._left: list[str] = []
        self.assumed: dict[str, str] = {}  # variables that are not there, and where they are read
        claim(_file(layers[0]))
        self._files = self._modules_files()

    @contextlib.contextmanager
    def cold(self) -> Iterator[Kept]:
        """Around a pass: what it changed is as before, then."""
        with _lock:
            middle = None
            if self._passes and self._state is not None and self._state.changed():
                middle = reached(self.layers)  # a debugger stands in the middle of a pass
                self._state.put_back()
            elif self._state is None or self._state.changed():
                self._state = reached(self.layers)
            self._passes += 1
            before = sys.modules.copy()
        try:
            yield self
        finally:
            with _lock:
                self._passes -= 1
                forget_new(before)
                if self._state.changed():
                    self._left = self._state.put_back()
                if middle is not None and self._passes:
                    middle.put_back()

    def letting(self) -> AbstractContextManager[None]:
        """See `State.letting`."""
        return self._state.letting() if self._state is not None else contextlib.nullcontext()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what may not be as on a cold Lambda."""
        found = []
        if self._left:
            found.append(
                f"What a pass left in {', '.join(self._left)}: it could not be put back, so the next one began with it. "
                "Name the handler by its file, 'path/app.py:handler', to have it imported anew."
            )
        if self._state is not None and not self._state.whole:
            found.append("Whether all that the modules hold is as before: it is too much to look at.")
        edited = [file for file in self._files if _is_edited(file, self.layers[-1])]
        if edited:
            found.append(
                f"Edits of {', '.join(edited)} since the handler was imported: what was replayed is the function as it "
                "was given. Import it again, or name it by its file, 'path/app.py:handler'."
            )
        return tuple(found)

    def _modules_files(self) -> list[str]:
        """Give the files of the user's modules whose names the function can reach, its own first."""
        func = inspect.unwrap(self.layers[-1]) if callable(self.layers[-1]) else self.layers[-1]
        space = getattr(func, "__globals__", {})
        files = [_file(func)]
        code = getattr(func, "__code__", None)
        for name in code.co_names if code is not None else ():
            value = space.get(name)
            module = (
                value
                if isinstance(value, types.ModuleType)
                else sys.modules.get(getattr(value, "__module__", ""))
            )
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and is_users(file):
                files.append(file)
        return [file for file in dict.fromkeys(files) if file and Path(file).is_file()]


def _file(found: Any) -> str:
    with contextlib.suppress(ValueError):
        found = inspect.unwrap(found)
    while isinstance(found, functools.partial | types.MethodType):
        found = found.func if isinstance(found, functools.partial) else found.__func__
    code = getattr(found, "__code__", None)
    return code.co_filename if code is not None else ""


def _is_edited(file: str, func: Any) -> bool:
    """Whether a file is another than was imported, as far as that can be told: by its bytecode, or by the function."""
    try:
        stat = os.stat(file)  # noqa: PTH116
    except OSError:
        return True
    return _differs(file, stat.st_mtime_ns, stat.st_size, getattr(inspect.unwrap(func), "__code__", None))


@functools.lru_cache(maxsize=256)
def _differs(file: str, _changed: int, _size: int, code: types.CodeType | None) -> bool:
    known = edited_since_import(file)
    if known is not None:
        return known
    if code is None or os.path.realpath(code.co_filename) != os.path.realpath(file):
        return False
    try:
        whole = compile(Path(file).read_bytes(), code.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OSError):
        return True
    return all(not _is_like(code, one) for one in _codes(whole))


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _codes(inner)


def _is_like(one: types.CodeType, other: types.CodeType) -> bool:
    if one.co_qualname != other.co_qualname:
        return False
    return one == other or marshal.dumps(one) == marshal.dumps(other)
