"""The user's modules: imported for a handler, found as a cold Lambda has them at the beginning of each pass.

All that is the user's is imported for the handler alone, beside what else the process has imported; libraries are
shared. After a pass, what it changed in these modules is put back; where that can't be done they are run again, from
the code that was read, before the next pass. An edited file is seen when the handler is named the next time: then all
is read anew. A debugger that is open meanwhile stays with the code that it was opened with.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib
import importlib.util
import linecache
import os
import sys
import threading
import time
import types
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from durable_debug.engine.environment import Environment, missing_variable, not_set
from durable_debug.engine.import_guard import without_side_effects
from durable_debug.engine.module_state import State
from durable_debug.engine.patches import alike, patched
from durable_debug.engine.placeholder import UNKNOWN
from durable_debug.engine.users_code import claim, is_users
from durable_debug.engine.watch import here
from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager


__all__ = ["Modules", "forget_new", "modules_of", "named"]

_RACY_SECONDS = (
    2.0  # bytecode goes by a file's size and its second: of a young file it may be another version's
)
_MOST_ENVIRONMENTS = 8
_lock = threading.RLock()  # sys.modules and sys.path are the process's
_loaded: dict[object, Modules] = {}  # by what names them
_all: list[Modules] = []
_originals: dict[str, types.ModuleType] = {}  # of others, that ours stand in for while a pass runs
_running = 0
_latest: Modules | None = None


_JAVASCRIPT = (
    "Handlers in TypeScript and JavaScript can be looked at (load, show, plots), and not replayed yet."
)
# What people name besides Python files, and what to do then.
_NO_PYTHON = {
    ".ipynb": "In a notebook give the function itself: dd.replay(handler, history).",
    ".zip": "Unpack it, and name the file: 'path/to/app.py:handler'.",
    ".yaml": "Name the file that the template's Handler is in: 'path/to/app.py:handler'.",
    ".yml": "Name the file that the template's Handler is in: 'path/to/app.py:handler'.",
    **dict.fromkeys((".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"), _JAVASCRIPT),
}


def modules_of(where: str, environment: Environment, allow: tuple[str, ...]) -> Modules:
    """Give the modules of ``"path/app.py"`` or ``"package.module"``: as read before, if no file was edited since.

    Raises
    ------
    HandlerError
        There is no such module, or it can't be imported.
    """
    is_path = os.sep in where or Path(where).suffix.lower() in {".py", *_NO_PYTHON}
    path = _existing(Path(where)) if is_path else None
    key = str(path) if path is not None else (where, str(Path.cwd()))
    known = _loaded.get(key)
    if known is not None and known.is_current():
        for name, module in known.modules.items():
            sys.modules.setdefault(name, module)
        return known.under(environment)
    linecache.checkcache()
    importlib.invalidate_caches()
    found = Modules(where, path, environment, allow)
    with _lock:
        if known is not None:
            known.forget()
        found.load()
        _loaded[key] = found
    return found


def _existing(path: Path) -> Path:
    path = Path(os.path.realpath(path.expanduser()))
    if path.is_file():
        if path.suffix != ".py":
            raise HandlerError(
                f"{path} is no Python file.",
                cure=_NO_PYTHON.get(
                    path.suffix.lower(), "A handler is a function in a file that ends with .py."
                ),
            )
        return path
    if path.is_dir():
        raise HandlerError(f"{path} is a folder.", cure="Name the file in it: 'path/to/app.py:handler'.")
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else "Check the path; it is taken from the current folder."
    )
    raise HandlerError(f"There is no file {path}.", cure=hint)


class Modules:
    """A handler's module and all of the user's that it imports.

    Parameters
    ----------
    where
        As the user names it.
    path
        The file, where it is named by that.
    environment, allow
        See `resolve`.
    """

    def __init__(
        self, where: str, path: Path | None, environment: Environment, allow: tuple[str, ...]
    ) -> None:
        self._where, self.path, self._environment, self._allow = where, path, environment, allow
        self._others: dict[object, Modules] = {}  # by what their environment holds
        self.assumed: dict[str, str] = {}  # variables that are not there, and where they are read
        self._code: dict[str, types.CodeType] = {}  # by file
        self._files: dict[str, tuple[int, int]] = {}
        self._place: object = None
        self._environ: dict[str, str] = {}
        self.modules: dict[str, types.ModuleType] = {}
        self._state = State(())
        self._stale = False  # whether something is not as it was, and could not be put back
        self.passes = 0
        self._twins: list[Modules] = []
        self._alike: dict[str, frozenset[str]] = {}  # names that were the same in a module of somebody else's
        self._patched: dict[tuple[str, str], Any] = {}  # by module and name, what stood there before
        self._hidden: list[
            str
        ] = []  # of others: what a function of ours may import under these names is ours
        self._steady: bool | None = (
            None  # whether no pass has changed anything; None before the first has ended
        )
        self.remarks: tuple[str, ...] = ()  # sentences on what can't be had as on a cold Lambda
        self.main: types.ModuleType = sys
        self.version = 0  # counts how often they were run
        self.taken_apart: dict[str, tuple[Any, ...]] = {}  # by name, and by whom it concerns

    # ---------------------------------------------------------------------------------------- as they are read

    def is_current(self) -> bool:
        """Whether all would be read the same again."""
        if self.path is None and self._place != _place_of(self._where):
            return False  # another of this name comes first on the path by now
        return self._environ == _environment() and all(_stamp(f) == s for f, s in self._files.items())

    def code_of(self, file: str, read: SourceFileLoader, name: str) -> types.CodeType:
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

    def load(self) -> None:
        """Import the module, and with it the others, without a trace of what was imported of them before."""
        self._environ = _environment()
        self._place = _place_of(self._where) if self.path is None else None

        aside, mine = self._import(shared=not self.version)
        warm = [module for name, module in _users_modules().items() if name not in mine]
        if self.version == 0 and _leans_on(mine, warm):  # on what somebody else has imported, and maybe used
            try:
                aside, mine = self._import(shared=False)
            except HandlerError as error:
                if not mine:
                    raise
                self.remarks = (_not_twice(error),)
        self.modules, self._patched = mine, {}
        self._alike = {name: alike(aside[name], module) for name, module in mine.items() if name in aside}
        if self.path is not None:
            _put_first(str(self.path.parent))
        self._hidden = [
            name for name, module in aside.items() if name not in mine and self._is_near(name, module)
        ]
        for name, module in aside.items():  # a package of ours has what was imported in it before
            above, _, child = name.rpartition(".")
            if above in mine and not hasattr(mine[above], child):
                setattr(mine[above], child, module)
        for module in mine.values():
            claim(getattr(module, "__file__", None))
        self._note()
        self._stale = False
        self.version += 1
        if self not in _all:
            _all.append(self)

    def _import(self, *, shared: bool) -> tuple[dict[str, types.ModuleType], dict[str, types.ModuleType]]:
        """Import; give the modules that stood aside meanwhile, and those that came.

        Parameters
        ----------
        shared
            Whether modules that others than handlers have imported may be found.
        """
        with _aside(ours_only=shared) as aside, _finding_for(self):
            before = set(sys.modules)
            mine: dict[str, types.ModuleType] = {}
            try:
                environment = Environment(self._environment)
                environment.update(dict.fromkeys(self.assumed, UNKNOWN))
                main = without_side_effects(self._where, environment, self._allow, self._run)
                mine = {name: sys.modules[name] for name in _new_names(before) if _is_ours(sys.modules[name])}
            finally:
                for name in _new_names(before):
                    if (shared or name not in mine) and _is_ours(sys.modules.get(name)):
                        del sys.modules[name]  # of an import that failed, or may be made again
        sys.modules.update({name: module for name, module in mine.items() if name not in sys.modules})
        self.main = main
        return aside, mine

    def _run(self) -> types.ModuleType:
        """Run the module; a variable that is not there, and ends it, reads as a placeholder from then on."""
        while True:
            before = set(sys.modules)
            try:
                return self._by_name(self._where) if self.path is None else self._by_path(self.path)
            except HandlerError:
                raise
            except (Exception, SystemExit) as error:
                missing = missing_variable(error)
                if missing is None or missing[0] in self.assumed or here.environment is None:
                    raise _broken(self._where, error, self.assumed) from error
                name, where = missing
                self.assumed[name] = where
                here.environment[name] = UNKNOWN
                for module in _new_names(before):
                    if _is_ours(sys.modules.get(module)):
                        del sys.modules[module]

    def _by_name(self, name: str) -> types.ModuleType:
        here = str(Path.cwd())
        if here not in sys.path:  # as `python -m` would
            sys.path.insert(0, here)
        if isinstance(self._place, str):
            claim(os.path.realpath(self._place))
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
        root, package = _package_of(path)
        if root != path.parent:
            sys.path.insert(1, str(root))
            if _imports_relatively(path):
                return importlib.import_module(package)
        # Named as on Lambda, where the module is the file's stem: it is part of the ErrorType of its exceptions.
        loader = _Loader(path.stem, str(path), self)
        spec = importlib.util.spec_from_file_location(path.stem, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        key = path.stem if path.stem not in sys.modules else f"{path.stem}@{path.parent}"
        sys.modules[key] = module
        loader.exec_module(module)
        return module

    def _is_near(self, name: str, module: types.ModuleType) -> bool:
        """Whether a module is of a package of ours, or lies in the handler's folder."""
        top = self.modules.get(name.partition(".")[0])
        folder = f"{self.path.parent}{os.sep}" if self.path is not None else "\0"
        return hasattr(top, "__path__") or str(getattr(module, "__file__", None)).startswith(folder)

    def _note(self) -> None:
        self._state = State([(vars(module), None) for module in self.modules.values()])

    def forget(self) -> None:
        """Make room for another version."""
        while self._others:
            self._others.popitem()[1].forget()
        for name, module in self.modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        with contextlib.suppress(ValueError):
            _all.remove(self)

    # ------------------------------------------------------------------------------------------ for each pass

    @contextlib.contextmanager
    def cold(self) -> Iterator[Modules]:
        """Around a pass: give the modules as they were when they had just been imported."""
        global _running  # noqa: PLW0603 - how many passes stand in for modules of others
        with _lock:
            held = self.ready()
            held.passes += 1
            _running += 1
            stood = held.stand_in()
            before = sys.modules.copy()
        try:
            yield held
        finally:
            with _lock:
                held.passes -= 1
                _running -= 1
                held.drop_late(before)
                held.tidy()
                if _running:
                    sys.modules.update(stood)
                else:
                    _restore()

    def letting(self) -> AbstractContextManager[None]:
        """See `State.letting`."""
        return self._state.letting()

    def under(self, environment: Environment) -> Modules:
        """Give the same modules, imported in another environment: of another function or version, say."""
        if environment.key == self._environment.key:
            return self
        other = self._others.get(environment.key)
        if other is None:
            if len(self._others) >= _MOST_ENVIRONMENTS:
                self._others.pop(next(iter(self._others))).forget()
            other = Modules(self._where, self.path, environment, self._allow)
            other._code, other._files = self._code, self._files
            with _lock:
                other.load()
            other._environ = self._environ
            self._others[environment.key] = other
        return other

    def ready(self) -> Modules:
        """Give what a pass that begins now is to run with."""
        if self.passes and (not self._steady or self._state.changed()):  # another pass is in the middle of it
            twin = next((one for one in self._twins if not one.passes), None)
            if twin is None:
                twin = Modules(self._where, self.path, self._environment, self._allow)
                twin._code, twin._files, twin.assumed = self._code, self._files, self.assumed
                twin.load()
                twin._environ = self._environ
                self._twins.append(twin)
            return twin.ready()
        if self._stale and not self.passes:
            self._again()
        elif not self.passes and self._state.changed():
            self._note()  # somebody's own doing, between passes: a patch, a cell of a notebook
        return self

    def _again(self) -> None:
        """Run all modules again; where that fails, they stay."""
        before = self.modules
        self.forget()
        try:
            self.load()
        except HandlerError as error:
            self.modules, self._stale = before, False
            sys.modules.update(before)
            self.remarks = (_not_twice(error),)
            self._note()

    def stand_in(self) -> dict[str, types.ModuleType]:
        """Put these modules where `import` finds them; gives those of other handlers that stood there."""
        global _latest  # noqa: PLW0603 - like sys.modules, which it spares a search
        if self is not _latest:
            _latest = self
            if self.path is not None:
                _put_first(str(self.path.parent))
                self._hide_neighbours(self.path.parent)
        self._follow_patches()
        stood: dict[str, types.ModuleType] = {}
        for name in self._hidden:
            theirs = sys.modules.get(name)
            if theirs is not None and not _of_ours(theirs):
                _originals[name] = sys.modules.pop(name)
        for name, module in self.modules.items():
            now = sys.modules.get(name)
            if now is not module:
                if _of_ours(now):
                    stood[name] = sys.modules[name]
                elif now is not None:
                    _originals.setdefault(name, now)
                sys.modules[name] = module
        return stood

    def _follow_patches(self) -> None:
        """Take over what somebody has patched in modules of their own that ours stand in for, and leave it again."""
        if self.passes > 1:
            return
        now = {
            (name, key): value
            for name, module in self.modules.items()
            if (theirs := sys.modules.get(name)) is not None and theirs is not module and not _of_ours(theirs)
            for key, value in patched(
                theirs, self._as_made(name, module), self._alike.get(name, frozenset())
            ).items()
        }
        if not now and not self._patched:
            return
        for (name, key), value in self._patched.items():
            setattr(self.modules[name], key, value)
        self._patched = {(name, key): getattr(self.modules[name], key) for name, key in now}
        for (name, key), value in now.items():
            setattr(self.modules[name], key, value)
        self._note()

    def _as_made(self, name: str, module: types.ModuleType) -> types.ModuleType:
        """Give a module without what was taken over."""
        if not self._patched:
            return module
        twin = type(module)(name)
        vars(twin).update(
            vars(module), **{key: value for (of, key), value in self._patched.items() if of == name}
        )
        return twin

    def _hide_neighbours(self, folder: Path) -> None:
        """Take away what is of another handler's folder, and called like a file of this one: it may yet be imported."""
        for other in _all:
            for name, module in other.modules.items():
                if other is self or name in self.modules or sys.modules.get(name) is not module:
                    continue
                top = name.partition(".")[0]
                if str(getattr(module, "__file__", None)).startswith(f"{folder}{os.sep}"):
                    continue
                if (folder / f"{top}.py").exists() or (folder / top).is_dir():
                    del sys.modules[name]

    def drop_late(self, before: dict[str, types.ModuleType]) -> None:
        """Take away what a pass imported in a function: the next one does that, too."""
        forget_new(before, self.modules)

    def tidy(self) -> None:
        """Put back what a pass has changed."""
        changed = self._state.changed()
        self._steady = not changed and self._steady is not False
        if self._stale or not changed:
            return
        self._stale = bool(self._state.put_back())


def _users_modules() -> dict[str, types.ModuleType]:
    """All of the user's that is imported, whoever did."""
    return {
        name: module for name, module in list(sys.modules.items()) if name != "__main__" and _is_ours(module)
    }


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


def _not_twice(error: HandlerError) -> str:
    return f"What modules keep from one replay to the next, for they can't be imported twice: {error.message}"


@contextlib.contextmanager
def _aside(*, ours_only: bool = False) -> Iterator[dict[str, types.ModuleType]]:
    """Put the user's modules aside, and then back, so that what is imported meanwhile is imported anew."""
    aside, path = _users_modules(), list(sys.path)
    if ours_only:
        aside = {name: module for name, module in aside.items() if _of_ours(module)}
    for name in aside:
        del sys.modules[name]
    try:
        yield aside
    finally:
        sys.path[:] = path
        sys.modules.update(aside)


@contextlib.contextmanager
def _finding_for(modules: Modules) -> Iterator[None]:
    finder = _Finder(modules)
    place = next((i for i, one in enumerate(sys.meta_path) if one is PathFinder), len(sys.meta_path))
    sys.meta_path.insert(place, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _is_ours(module: object) -> bool:
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return is_users(file)
    path = getattr(module, "__path__", None)  # a package without a file
    return file is None and path is not None and all(is_users(os.path.join(one, "")) for one in path)  # noqa: PTH118


def _of_ours(module: object) -> bool:
    return any(module is one for modules in _all for one in modules.modules.values())


def _new_names(before: Container[str]) -> list[str]:
    """Names of modules that were imported since there were these."""
    return [name for name in sys.modules if name not in before]


def forget_new(
    before: dict[str, types.ModuleType], kept: Mapping[str, types.ModuleType] = MappingProxyType({})
) -> None:
    """Take away what of the user's was imported since, in a function: the next pass imports it, too."""
    if len(sys.modules) == len(before) and next(reversed(sys.modules)) == next(reversed(before)):
        return  # what is new comes last
    for name in _new_names(before):
        module = sys.modules.get(name)
        if name in kept or not _is_ours(module) or _of_ours(module):
            continue
        del sys.modules[name]
        above, _, child = name.rpartition(".")
        package = kept.get(above) or sys.modules.get(above)
        if package is not None and vars(package).get(child) is module:
            delattr(package, child)


def _restore() -> None:
    """Put back the modules of others that ours stood in for."""
    sys.modules.update(_originals)
    _originals.clear()


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


def _put_first(folder: str) -> None:
    """Let what a handler imports later, in a function, be found: its own folder before those of others."""
    folders = {str(modules.path.parent) for modules in _all if modules.path is not None}
    with contextlib.suppress(ValueError):
        if folder in folders:
            sys.path.remove(folder)
    if folder in sys.path:
        return  # the user's own entry
    first = next((i for i, entry in enumerate(sys.path) if entry in folders), len(sys.path))
    sys.path.insert(first, folder)


def _package_of(path: Path) -> tuple[Path, str]:
    """Give the folder that a file's package is in, and the module's name from there."""
    folder, name = path.parent, path.stem
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        folder, name = folder.parent, f"{folder.name}.{name}"
    return folder, name.removesuffix(".__init__")


def _imports_relatively(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


class _Finder:
    """Finds as Python does; the user's modules are loaded by us."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and is_users(spec.loader.path):
            spec.loader = _Loader(name, spec.loader.path, self.modules)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, modules: Modules) -> None:
        super().__init__(name, path)
        self.modules = modules

    def get_code(self, fullname: str) -> types.CodeType:
        return self.modules.code_of(self.path, self, fullname)


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
        cure = (
            f"Install {error.name.partition('.')[0]} in this environment, or run the handler in one that has it: "
            "python='.venv'."
        )
    return HandlerError(f"{name} could not be imported: {type(error).__name__}: {error}{line}.", cure=cure)


def named(modules: Modules, where: str, name: str) -> Any:
    """Find a name in a handler's module.

    Raises
    ------
    HandlerError
        It is not there.
    """
    target: Any = modules.main
    for part in name.split("."):
        if not hasattr(target, part):
            near = difflib.get_close_matches(part, [n for n in dir(target) if not n.startswith("_")], n=3)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Check the spelling."
            raise HandlerError(f"There is no {name!r} in {where}.", cure=hint)
        target = getattr(target, part)
    return target
