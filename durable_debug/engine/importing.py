"""Imports a handler's module, and with it all of the user's that it needs, beside what else the process has imported."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from durable_debug.engine import taken_lines
from durable_debug.engine.environment import Environment, missing_variable, not_set
from durable_debug.engine.import_guard import without_side_effects
from durable_debug.engine.naming import imports_relatively, package_of
from durable_debug.engine.placeholder import UNKNOWN
from durable_debug.engine.process_modules import aside, is_users_own, new_names, users_modules
from durable_debug.engine.read_code import Loader, ReadCode
from durable_debug.engine.users_code import claim, is_users
from durable_debug.engine.watch import here
from durable_debug.errors import HandlerError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Import", "Imported", "not_twice"]


class Imported(NamedTuple):
    """What came of an import.

    Attributes
    ----------
    main
        The handler's module.
    mine
        All of the user's that came with it, by name.
    others
        The user's modules that stood aside meanwhile, by name.
    remark
        What could not be had as on a cold Lambda, a sentence; or an empty text.
    """

    main: types.ModuleType
    mine: dict[str, types.ModuleType]
    others: dict[str, types.ModuleType]
    remark: str


class Import:
    """How a handler's module is imported: see `Modules`."""

    def __init__(
        self, where: str, path: Path | None, code: ReadCode, environment: Environment, allow: tuple[str, ...]
    ) -> None:
        self._where, self._path, self._code = where, path, code
        self._environment, self._allow = environment, allow
        self.assumed: dict[str, str] = {}  # variables that are not there, and where they are read
        self.main: types.ModuleType = sys

    def made(self, *, first: bool) -> Imported:
        """Import it.

        Parameters
        ----------
        first
            Whether it is for the first time: what others have imported may be found, as long as nothing leans on it.
        """
        self._code.begin()
        remark = ""
        others, mine = self._import(shared=first)
        warm = [module for name, module in users_modules().items() if name not in mine]
        if first and _leans_on(mine, warm):  # on what somebody else has imported, and maybe used
            try:
                others, mine = self._import(shared=False)
            except HandlerError as error:
                if not mine:
                    raise
                remark = not_twice(error)
        return Imported(self.main, mine, others, remark)

    def _import(self, *, shared: bool) -> tuple[dict[str, types.ModuleType], dict[str, types.ModuleType]]:
        """Import; give the modules that stood aside meanwhile, and those that came.

        Parameters
        ----------
        shared
            Whether modules that others than handlers have imported may be found.
        """
        with aside(ours_only=shared) as others, self._code.found():
            before = set(sys.modules)
            mine: dict[str, types.ModuleType] = {}
            try:
                environment = Environment(self._environment)
                environment.update(dict.fromkeys(self.assumed, UNKNOWN))
                main = without_side_effects(self._where, environment, self._allow, self._run)
                mine = {
                    name: sys.modules[name] for name in new_names(before) if is_users_own(sys.modules[name])
                }
            finally:
                for name in new_names(before):
                    if (shared or name not in mine) and is_users_own(sys.modules.get(name)):
                        del sys.modules[name]  # of an import that failed, or may be made again
        sys.modules.update({name: module for name, module in mine.items() if name not in sys.modules})
        self.main = main
        return others, mine

    def _run(self) -> types.ModuleType:
        """Run the module; a variable that is not there, and ends it, reads as a placeholder from then on."""
        while True:
            before = set(sys.modules)
            try:
                with taken_lines.counted(always=True):
                    return self._by_name(self._where) if self._path is None else self._by_path(self._path)
            except HandlerError:
                raise
            except (Exception, SystemExit) as error:
                missing = missing_variable(error)
                if missing is None or missing[0] in self.assumed or here.environment is None:
                    raise _broken(self._where, error, self.assumed) from error
                name, where = missing
                self.assumed[name] = where
                here.environment[name] = UNKNOWN
                for module in new_names(before):
                    if is_users_own(sys.modules.get(module)):
                        del sys.modules[module]

    def _by_name(self, name: str) -> types.ModuleType:
        here = str(Path.cwd())
        if here not in sys.path:  # as `python -m` would
            sys.path.insert(0, here)
        if isinstance(self._code.place, str):
            claim(os.path.realpath(self._code.place))
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(error.name + ".")):
                raise HandlerError(
                    f"There is no module {name!r}.",
                    cure="Run from the folder that it is in, install it, or give the file: 'path/to/app.py:handler'.",
                ) from error
            raise

    def _by_path(self, path: Path) -> types.ModuleType:
        claim(str(path))
        sys.path.insert(0, str(path.parent))  # as on Lambda: its neighbours can be imported
        root, package = package_of(path)
        if root != path.parent:
            sys.path.insert(1, str(root))
            if imports_relatively(path):
                return importlib.import_module(package)
        # Named as on Lambda, where the module is the file's stem: it is part of the ErrorType of its exceptions.
        loader = Loader(path.stem, str(path), self._code)
        spec = importlib.util.spec_from_file_location(path.stem, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        key = path.stem if path.stem not in sys.modules else f"{path.stem}@{path.parent}"
        sys.modules[key] = module
        loader.exec_module(module)
        return module


def _leans_on(mine: dict[str, types.ModuleType], warm: list[types.ModuleType]) -> bool:
    """Whether modules hold something of others that were there before: by name, or of one package."""
    if not mine:
        return True
    theirs, names = set(map(id, warm)), {module.__name__ for module in warm}
    tops = {name.partition(".")[0] for name in names}
    return any(
        (hasattr(module, "__path__") or "." in name) and name.partition(".")[0] in tops
        for name, module in mine.items()
    ) or any(
        id(value) in theirs or getattr(value, "__module__", None) in names
        for module in mine.values()
        for value in tuple(vars(module).values())
        if isinstance(value, types.ModuleType | types.FunctionType | type)
    )


def not_twice(error: HandlerError) -> str:
    """Say that modules could be imported once only."""
    return f"What modules keep from one replay to the next, for they can't be imported twice: {error.message}"


def _broken(name: str, error: BaseException, missing: Mapping[str, str]) -> HandlerError:
    if missing:
        return not_set(name, missing, error)
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if is_users(file):
            line = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    cure = "Mend the import, or install what it needs in this environment."
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        cure = (
            f"Install {package} in this environment, or run the handler in one that has it: "
            f"{option('python', '.venv')}."
        )
    return HandlerError(f"{name} could not be imported: {type(error).__name__}: {error}{line}.", cure=cure)
