"""The user's files as they were read: each once, and with what tells whether it would be read the same again."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator, Sequence

__all__ = ["Loader", "ReadCode"]

_RACY_SECONDS = (
    2.0  # bytecode goes by a file's size and its second: of a young file it may be another version's
)


class ReadCode:
    """The code of a handler's modules.

    Parameters
    ----------
    module
        Name of the handler's module, where it is named by that and not by a file.
    """

    def __init__(self, module: str | None) -> None:
        self._module = module
        self._code: dict[str, types.CodeType] = {}  # by file
        self._files: dict[str, tuple[int, int]] = {}
        self._environ: dict[str, str] = {}
        self._raw: dict[Any, Any] = {}
        self.place: object = None  # where the import system finds the module

    def begin(self) -> None:
        """Note under which circumstances it is read."""
        self._environ, self._raw = _environment(), _raw_environment()
        self.place = _place_of(self._module) if self._module is not None else None

    def twin(self) -> ReadCode:
        """Give the same code, for modules that are made of it once more."""
        twin = ReadCode(self._module)
        twin._code, twin._files = self._code, self._files
        return twin

    def is_current(self) -> bool:
        """Whether all would be read the same again."""
        if self._module is not None and self.place != _place_of(self._module):
            return False  # another of this name comes first on the path by now
        if self._raw != _raw_environment() and self._environ != _environment():
            return False
        return all(_stamp(f) == s for f, s in self._files.items())

    def of_file(self, file: str, read: SourceFileLoader, name: str) -> types.CodeType:
        """Give a file's code; what was read once is kept."""
        code = self._code.get(file)
        if code is None:
            stamp = _stamp(file)
            if time.time() - stamp[0] / 1e9 < _RACY_SECONDS:
                code = read.source_to_code(read.get_data(file), file)
            else:
                code = SourceFileLoader.get_code(read, name)
            assert code is not None
            self._code[file], self._files[file] = code, stamp
        return code

    @contextlib.contextmanager
    def found(self) -> Iterator[None]:
        """While the user's modules are imported: they are made of this code."""
        finder = _Finder(self)
        place = next((i for i, one in enumerate(sys.meta_path) if one is PathFinder), len(sys.meta_path))
        sys.meta_path.insert(place, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)


def _stamp(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116 - many, at each replay
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _place_of(name: str) -> object:
    """Where the import system finds a module, or the package that it is in."""
    here = str(Path.cwd())
    path = None if here in sys.path else [here, *sys.path]
    with contextlib.suppress(ImportError, ValueError):
        spec = PathFinder.find_spec(name.partition(".")[0], path)
        if spec is not None:
            return spec.origin or list(spec.submodule_search_locations or ())
    return None


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _raw_environment() -> dict[Any, Any]:
    """The environment as CPython keeps it: quick to compare, as long as nothing differs."""
    return dict(getattr(os.environ, "_data", os.environ))


class _Finder:
    """Finds as Python does; the user's modules are loaded by us."""

    def __init__(self, code: ReadCode) -> None:
        self.code = code

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and is_users(spec.loader.path):
            spec.loader = Loader(name, spec.loader.path, self.code)
        return spec


class Loader(SourceFileLoader):
    """Makes a module of code that was read."""

    def __init__(self, name: str, path: str, code: ReadCode) -> None:
        super().__init__(name, path)
        self.code = code

    def get_code(self, fullname: str) -> types.CodeType:
        """Give the code that the import system asks for."""
        return self.code.of_file(self.path, self, fullname)
