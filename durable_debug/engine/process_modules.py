"""What is this process's own of imports, `sys.modules` and `sys.path`: the user's modules in them, and whose they are."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from durable_debug.engine.read_files import note
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping


__all__ = [
    "all_held",
    "aside",
    "forget_new",
    "is_users_own",
    "new_names",
    "of_handlers",
    "originals",
    "own_path",
    "put_first",
    "restore",
    "users_modules",
]


class Held(Protocol):
    """Modules that are held for a handler."""

    modules: dict[str, types.ModuleType]

    @property
    def folders(self) -> list[str]:
        """Folders that they are imported from."""


all_held: list[Held] = []  # all that are held for handlers
_ours: set[str] = set()  # entries of the path that are there for handlers
originals: dict[str, types.ModuleType] = {}  # of others, that ours stand in for while a pass runs


def users_modules() -> dict[str, types.ModuleType]:
    """All of the user's that is imported, whoever did."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name != "__main__" and is_users_own(module)
    }


@contextlib.contextmanager
def aside(*, ours_only: bool = False) -> Iterator[dict[str, types.ModuleType]]:
    """Put the user's modules aside, and then back, so that what is imported meanwhile is imported anew."""
    modules, path = users_modules(), list(sys.path)
    if ours_only:
        modules = {name: module for name, module in modules.items() if of_handlers(module)}
    for name in modules:
        del sys.modules[name]
    sys.path[:] = [
        entry for entry in path if entry not in _ours
    ]  # folders of other handlers have nothing for this one
    try:
        yield modules
    finally:
        sys.path[:] = path
        sys.modules.update(modules)


def is_users_own(module: object) -> bool:
    """Whether a module, or a package without a file, is the user's."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return is_users(file)
    path = getattr(module, "__path__", None)  # a package without a file
    path = getattr(path, "_path", path)  # as it was found: its parent may be gone by now, and is asked for it
    return file is None and path is not None and all(is_users(os.path.join(one, "")) for one in path)  # noqa: PTH118


def of_handlers(module: object) -> bool:
    """Whether a module was imported for a handler."""
    return any(module is one for held in all_held for one in held.modules.values())


def new_names(before: Container[str]) -> list[str]:
    """Names of modules that were imported since there were these."""
    return [name for name in sys.modules if name not in before]


def forget_new(
    before: dict[str, types.ModuleType], kept: Mapping[str, types.ModuleType] = MappingProxyType({})
) -> None:
    """Take away what of the user's was imported since, in a function: the next pass imports it, too."""
    if len(sys.modules) == len(before) and next(reversed(sys.modules)) == next(reversed(before)):
        return  # what is new comes last
    for name in new_names(before):
        module = sys.modules.get(name)
        if name in kept or not is_users_own(module) or of_handlers(module):
            continue
        if module is not None:
            note(module)
        del sys.modules[name]
        above, _, child = name.rpartition(".")
        package = kept.get(above) or sys.modules.get(above)
        if package is not None and vars(package).get(child) is module:
            delattr(package, child)


def restore() -> None:
    """Put back the modules of others that ours stood in for."""
    sys.modules.update(originals)
    originals.clear()


def own_path() -> list[str]:
    """Give where this process imports from, without the folders that are there for handlers: another process has its own."""
    return [entry for entry in sys.path if entry not in _ours]


def put_first(folders: list[str]) -> None:
    """Let what a handler imports later, in a function, be found: in its own folders before those of others."""
    sys.path[:] = [entry for entry in sys.path if entry not in _ours or entry not in folders]
    new = [folder for folder in folders if folder not in sys.path]  # else it is the user's own entry
    first = next((i for i, entry in enumerate(sys.path) if entry in _ours), len(sys.path))
    sys.path[first:first] = new
    _ours.update(new)
