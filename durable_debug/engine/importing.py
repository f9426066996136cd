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
from durable_debug.engine.imports import not_installed
from durable_debug.engine.naming import imports_relatively, package_of
from durable_debug.engine.placeholder import UNKNOWN
from durable_debug.engine.process_modules import aside, is_users_own, new_names, users_modules
from durable_debug.engine.project import environment_near, folder_with, has_sdk, project_of
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
        # Variables that are not there, or whose values nobody knows, and where they are read.
        self.assumed: dict[str, str] = {name: "" for name, value in environment.items() if value == UNKNOWN}
        self.folders = environment.import_path  # that it imports from besides its own
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
            known = {name: module for name, module in mine.items() if sys.modules.get(name) is module}
            for name in known:
                del sys.modules[
                    name
                ]  # else they are found by handlers that come later, as if somebody else's
            try:
                others, mine = self._import(shared=False)
            except HandlerError as error:
                if not mine:
                    raise
                sys.modules.update(known)
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
                    main = self._by_name(self._where) if self._path is None else self._by_path(self._path)
                if not self._is_drawn_from_elsewhere(before):
                    return main
                _forget_users(before)
            except HandlerError:
                raise
            except (Exception, SystemExit) as error:
                if self._is_found_elsewhere(error):
                    _forget_users(before)
                    continue
                missing = missing_variable(error)
                if missing is None or missing[0] in self.assumed or here.environment is None:
                    raise _broken(self._where, self._path, error, self.assumed) from error
                name, where = missing
                self.assumed[name] = where
                here.environment[name] = UNKNOWN
                _forget_users(before)

    def _is_found_elsewhere(self, error: BaseException) -> bool:
        """Whether a module that is missing lies in the handler's project, which is on the path from now on."""
        return isinstance(error, ModuleNotFoundError) and bool(error.name) and self._takes(str(error.name))

    def _is_drawn_from_elsewhere(self, before: set[str]) -> bool:
        """Whether a module that came lies outside of the handler's project, which has one of that name.

        What is on the path already may be another version of it: of the current folder, or installed to be edited.
        """
        if self._path is None:
            return False
        project = f"{project_of(self._path)}{os.sep}"
        files = {name: getattr(sys.modules.get(name), "__file__", None) for name in new_names(before)}
        strays = [
            name for name, file in files.items() if file and is_users(file) and not file.startswith(project)
        ]
        return any(list(map(self._takes, strays)))

    def _takes(self, module: str) -> bool:
        """Take a folder of the handler's project onto the path, if it has a module of this name; whether that is new."""
        folder = folder_with(module, self._path) if self._path is not None else None
        if folder is None or str(folder) in self.folders:
            return False
        self.folders.append(str(folder))
        return True

    def _by_name(self, name: str) -> types.ModuleType:
        here = str(Path.cwd())
        if here not in sys.path:  # as `python -m` would
            sys.path.insert(0, here)
        sys.path[1:1] = self.folders
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
        sys.path[1:1] = self.folders
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


def _forget_users(before: set[str]) -> None:
    """Take away what of the user's was imported since there were these."""
    for module in new_names(before):
        if is_users_own(sys.modules.get(module)):
            del sys.modules[module]


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


def _broken(name: str, path: Path | None, error: BaseException, missing: Mapping[str, str]) -> HandlerError:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _lacking(name, path, error)
    if missing:
        return not_set(name, missing, error)
    at = _line_of(error)
    return HandlerError(
        f"{name} could not be imported: {type(error).__name__}: {error}{f' ({at})' if at else ''}.",
        cure="Mend the import, or install what it needs in this environment.",
    )


def _line_of(error: BaseException) -> str:
    """The innermost line of the user's code that an error came through."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if is_users(file):
            line = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return line


def _lacking(name: str, path: Path | None, error: ModuleNotFoundError) -> HandlerError:
    """Say which packages a handler needs that are not installed here, and where they may be."""
    package = str(error.name).partition(".")[0]
    needed = not_installed(path) if path is not None else {}
    if package not in needed:
        return HandlerError(
            f"{name} could not be imported: {error} ({_line_of(error)}).",
            cure=f"Install {package} in this environment, or run the handler in one that has it: {option('python', '.venv')}.",
        )
    them = "it" if len(needed) == 1 else "them"
    own = environment_near(path) if path is not None else None
    cure = f"Install {them} there, or run the handler in its project's own environment: {option('python', '.venv')}."
    if own is not None and has_sdk(own):
        cure = f"The project has an environment of its own: {option('python', own)}."
    elif own is not None:
        cure = (
            f"The project's own environment, {own}, lacks the SDK: {own}/bin/python -m pip install "
            f"aws-durable-execution-sdk-python; then it is used by itself."
        )
    listed = ", ".join(f"{one} ({where})" for one, where in needed.items())
    return HandlerError(f"{name} needs what is not installed in {sys.prefix}: {listed}.", cure=cure)
