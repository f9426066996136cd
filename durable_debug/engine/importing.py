"""Import a handler's module as a cold Lambda does: with all of the user's modules behind it made anew.

The modules of the user's that a handler draws in are its *world*. It is imported once and used again as long as its files
are as they were and nothing in it has changed (`ModuleState`); else it is imported anew. Libraries stay as they are.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import linecache
import os
import sys
import types
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.engine.module_state import ModuleState
from durable_debug.engine.users_code import claim, is_users_module
from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["World", "forget", "world_of"]

_CANNOT_BE_IMPORTED_TWICE = (
    "The handler's modules can't be imported a second time ({error}): what they keep between calls may lead from one "
    "pass of the replay into the next."
)


class World:
    """The user's modules behind one module that handlers are named by.

    Attributes
    ----------
    where
        The path of a file, or the name of a module.
    module
        The module itself, as imported last.
    problem
        Why it can't be made anew, a sentence; None where it can.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.problem: str | None = None
        self.module: types.ModuleType = types.ModuleType("none")
        self._modules: dict[str, types.ModuleType] = {}
        self._late: dict[str, types.ModuleType] = {}  # imported by a pass, in a function
        self._before: dict[str, types.ModuleType] = {}  # what stood there, of the user's own imports
        self._files: dict[str, tuple[int, int]] = {}
        self._state: ModuleState | None = None
        self._origin: str | None = None  # of its package, where it is named by its name
        self.generation = 0  # how often it was made
        self.touched = False  # whether a pass has run in it since it was made or last looked at

    @property
    def modules(self) -> list[types.ModuleType]:
        """All of its modules, those that a pass imported included."""
        return [*self._modules.values(), *self._late.values()]

    # ---- making it

    def make(self) -> None:
        """Import the module, and with it all that is the user's behind it.

        Raises
        ------
        HandlerError
            It does not import.
        """
        self._step_aside()
        for name in self._before:
            sys.modules.pop(name, None)
        self.generation += 1
        importlib.invalidate_caches()
        linecache.checkcache()
        there = {name: one for name, one in sys.modules.items() if is_users_module(one)}
        self._import()
        warm = [name for name, one in self._reached().items() if there.get(name) is one]
        if warm:  # imported before us, by a cell of a notebook, say: maybe before an edit, and used since
            self._make_cold(warm)
        self._take_note()
        self._let_others_stand()
        if self.where in _worlds:
            _put_first(self)

    def _make_cold(self, warm: list[str]) -> None:
        kept = {name: sys.modules[name] for name in warm}
        self._before |= kept
        mine = self._reached()
        for name in [*warm, *mine]:
            sys.modules.pop(name, None)
        try:
            self._import()
        except HandlerError as error:
            sys.modules.update(mine | kept)
            self.module = mine.get(self.module.__name__, self.module)
            self.problem = _CANNOT_BE_IMPORTED_TWICE.format(error=error.message)

    def _import(self) -> None:
        if self.folder is not None:
            self.come_back()
            self.module = _from_path(Path(self.where))
        else:
            self.module = _from_name(self.where)
        claim(getattr(self.module, "__file__", None))

    def _take_note(self) -> None:
        self._is_elsewhere()
        self._modules = self._reached()
        self._files = {file: _stamp(file) for file in _files(self._modules.values())}
        self._state = ModuleState(self._modules.values())

    def come_back(self) -> None:
        """Let no module of another folder be found where this one has a file of that name: two versions of a package."""
        if self.folder is not None:
            worlds = _of_worlds()
            dropped = _forget_namesakes(self.folder)
            self._before |= {name: one for name, one in dropped.items() if id(one) not in worlds}

    def _step_aside(self) -> None:
        self._forget_late_imports()
        for name, one in self._modules.items():
            if sys.modules.get(name) is one:
                del sys.modules[name]

    # ---- whether it is as it was made

    def refresh(self) -> bool:
        """Make it anew if it has to be; whether it was."""
        edited = self._is_elsewhere() or any(_stamp(file) != stamp for file, stamp in self._files.items())
        touched, self.touched = self.touched, False
        if not edited and (
            not touched or self.problem or (self._state is not None and self._state.is_same())
        ):
            self._forget_late_imports()
            self._stand_in()
            return False
        if edited:
            self.problem = None
            self.make()
            return True
        before = self.module, dict(self._modules), self._files, self._state
        try:
            self.make()
        except HandlerError as error:  # it imported before: something in it can be done but once in a process
            self.module, self._modules, self._files, self._state = before
            self._let_others_stand()
            self._stand_in()
            self.problem = _CANNOT_BE_IMPORTED_TWICE.format(error=error.message)
            return False
        return True

    def _is_elsewhere(self) -> bool:
        """Whether the name now means another file: another folder is the current one, say."""
        if self.is_path:
            return False
        found = PathFinder.find_spec(self.where.partition(".")[0], [str(Path.cwd()), *sys.path])
        origin, self._origin = self._origin, found.origin if found is not None else None
        return origin != self._origin

    def _take_late_imports(self, before: set[str]) -> None:
        """Note the modules of the user's that a pass has imported: the next one is to import them again."""
        if len(sys.modules) == len(before):
            return
        for name in set(sys.modules) - before:
            module = sys.modules.get(name)
            if module is not None and is_users_module(module):
                self._late[name] = module

    def _forget_late_imports(self) -> None:
        if self._late:
            importlib.invalidate_caches()
            linecache.checkcache()
        for name, one in self._late.items():
            if sys.modules.get(name) is one:
                del sys.modules[name]
        self._late = {}

    def _stand_in(self) -> None:
        """Put its modules where imports find them, as far as nothing else stands there."""
        worlds = _of_worlds()
        for name, module in self._modules.items():
            if id(sys.modules.setdefault(name, module)) in worlds:
                sys.modules[name] = module
        _put_first(self)

    def _let_others_stand(self) -> None:
        """Outside of passes, the modules that the user's own program has imported stand where they stood."""
        sys.modules.update(self._before)

    @contextlib.contextmanager
    def one_pass(self) -> Iterator[None]:
        """While a handler of it runs, its modules are those that imports find."""
        self.touched = True
        if self._before:
            for name in self._before:
                sys.modules.pop(name, None)
            sys.modules.update(self._modules)
        there = set(sys.modules)
        try:
            yield
        finally:
            self._take_late_imports(there)
            self._let_others_stand()

    def _reached(self) -> dict[str, types.ModuleType]:
        """The user's modules that can be reached from the module, itself first, by the names in `sys.modules`."""
        by_name = {name: one for name, one in list(sys.modules.items()) if is_users_module(one)}
        names = {id(one): name for name, one in by_name.items()}
        found: dict[str, types.ModuleType] = {}
        due = [self.module]
        while due:
            module = due.pop()
            name = names.get(id(module))
            if name is None or name in found or name == "__main__":
                continue
            found[name] = module
            due += (by_name[near] for near in _named_by(module, name) if near in by_name)
        return found

    @property
    def is_path(self) -> bool:
        """Whether it is named by the path of its file."""
        return self.where.endswith(".py") or os.sep in self.where

    @property
    def folder(self) -> str | None:
        """Where a file is imported from, above its packages; None for a module by its name."""
        return _root_of(Path(self.where))[0] if self.is_path else None


_worlds: dict[str, World] = {}
_latest: World | None = None


def world_of(where: str) -> World:
    """Give the world of a module, by the path of its file or by its name, as a cold Lambda has it.

    Raises
    ------
    HandlerError
        There is no such module, or it does not import.
    """
    global _latest  # noqa: PLW0603 - like sys.modules, which it spares a search
    key = _key(where)
    world = _worlds.get(key)
    if world is None:
        world = World(key)
        world.make()
        _worlds[key] = world
        _put_first(world)
    else:
        if world is not _latest:
            world.come_back()
        world.refresh()
    _latest = world
    return world


def _of_worlds() -> set[int]:
    """The modules that were imported for replays, by identity."""
    return {id(module) for world in _worlds.values() for module in world.modules}


def forget(where: str) -> None:
    """Let a module be imported anew the next time."""
    _worlds.pop(_key(where), None)


def _key(where: str) -> str:
    is_path = where.endswith(".py") or os.sep in where
    return os.path.realpath(Path(where).expanduser()) if is_path else where


# ------------------------------------------------------------------------------------------------ modules


def _named_by(module: types.ModuleType, name: str) -> Iterator[str]:
    """Names of modules that a module may have drawn in: as globals, by what came out of them, or by its code."""
    package = getattr(module, "__package__", None) or ""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
    with contextlib.suppress(
        Exception
    ):  # whatever a loader says to a file that is gone, or no Python any more
        yield from _named_in(module.__spec__.loader.get_code(module.__name__), package)  # type: ignore[union-attr]
    for value in list(vars(module).values()):
        if isinstance(value, types.ModuleType):
            yield value.__name__
            continue
        origin = getattr(value, "__module__", None)
        if isinstance(origin, str):
            yield origin
        code = getattr(value, "__code__", None)
        if isinstance(code, types.CodeType):
            yield from _named_in(code, package)


def _named_in(code: types.CodeType, package: str) -> Iterator[str]:
    """Names that may be those of modules which a function imports when it is called."""
    for name in code.co_names:
        yield name
        if package:
            yield f"{package}.{name}"
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from _named_in(const, package)


def _files(modules: Iterable[types.ModuleType]) -> set[str]:
    return {file for file in (getattr(module, "__file__", None) for module in modules) if file}


def _stamp(file: str) -> tuple[int, int]:
    try:
        found = os.stat(file)  # noqa: PTH116 - many times a replay
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _from_name(name: str) -> types.ModuleType:
    here = str(Path.cwd())
    added = here not in sys.path
    if added:  # as `python -m` would
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise HandlerError(
                f"There is no module {name!r}.",
                cure="Run from the folder that it is in, install it, or give the file: 'path/to/app.py:handler'.",
            ) from error
        raise _broken(name, error) from error
    except HandlerError:
        raise
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error
    finally:
        if added:
            with contextlib.suppress(ValueError):
                sys.path.remove(here)


def _from_path(path: Path) -> types.ModuleType:
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "Check the path; it is taken from the current folder."
        )
        raise HandlerError(f"There is no file {path}.", cure=hint)
    # Named as on Lambda, where it is the file's stem, behind that of its packages: it is part of the ErrorType of its
    # exceptions.
    folder, name = _root_of(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise HandlerError(
            f"{path} is no Python file.",
            cure="Name the file that holds the handler: 'path/to/app.py:handler'.",
        )
    sys.path.insert(0, folder)  # as on Lambda: its neighbours can be imported
    key = name if name not in sys.modules or is_users_module(sys.modules[name]) else f"{name}@{folder}"
    before = sys.modules.get(key)
    try:
        package = name.rpartition(".")[0]
        if package:
            importlib.import_module(package)
            known = sys.modules.get(name)
            if known is not None and known is not before:
                return known  # its package has imported it already
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        spec.loader.exec_module(module)
    except BaseException as error:
        if before is None:
            sys.modules.pop(key, None)
        else:
            sys.modules[key] = before
        if isinstance(error, HandlerError) or not isinstance(error, Exception | SystemExit):
            raise
        raise _broken(str(path), error) from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    if package:
        setattr(sys.modules[package], name.rpartition(".")[2], module)
    return module


def _root_of(path: Path) -> tuple[str, str]:
    """The folder that a file is imported from, above its packages, and the name of its module there."""
    names, folder = [path.stem], path.parent
    if path.stem == "__init__":
        names, folder = [folder.name], folder.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier() and folder.parent != folder:
        names.insert(0, folder.name)
        folder = folder.parent
    return str(folder), ".".join(names)


def _put_first(world: World) -> None:
    """Let what a handler imports later, in a function, be found: its own folder before those of others."""
    mine = world.folder
    if mine is None:
        return
    others = {one.folder for one in _worlds.values()} | {mine}
    entries = [entry for entry in sys.path if entry in others]
    if entries[:1] == [mine]:
        return
    if mine in sys.path:
        sys.path.remove(mine)
    first = next((i for i, entry in enumerate(sys.path) if entry in others), len(sys.path))
    sys.path.insert(first, mine)


def _forget_namesakes(folder: str) -> dict[str, types.ModuleType]:
    """Drop modules of the user's that lie elsewhere and have the names of what is to be imported from a folder."""
    dropped: dict[str, types.ModuleType] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not file or name == "__main__" or not is_users_module(module) or file.startswith(folder + os.sep):
            continue
        here = Path(folder, name.partition(".")[0])
        if here.with_suffix(".py").is_file() or (here / "__init__.py").is_file():
            dropped[name] = sys.modules.pop(name)
    return dropped


def _broken(name: str, error: BaseException) -> HandlerError:
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "importlib" not in file and file != __file__:
            line = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return HandlerError(
        f"{name} could not be imported: {type(error).__name__}: {error}{line}.",
        cure="Mend the import, or install what it needs in this environment.",
    )
