"""The user's modules, held for a handler: found as a cold Lambda has them at the beginning of each pass.

All that is the user's is imported for the handler alone, beside what else the process has imported; libraries are
shared. After a pass, what it changed in these modules is put back; where that can't be done they are run again, from
the code that was read, before the next pass. An edited file is seen when the handler is named the next time: then all
is read anew. A debugger that is open meanwhile stays with the code that it was opened with.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import linecache
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine.importing import Import, not_twice
from durable_debug.engine.module_state import State
from durable_debug.engine.naming import existing_file, is_path
from durable_debug.engine.patches import alike, patched
from durable_debug.engine.process_modules import (
    all_held,
    forget_new,
    of_handlers,
    originals,
    put_first,
    restore,
)
from durable_debug.engine.read_code import ReadCode
from durable_debug.engine.users_code import claim
from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from durable_debug.engine.environment import Environment

__all__ = ["Modules", "modules_of"]

_lock = threading.RLock()  # sys.modules and sys.path are the process's
_MOST_ENVIRONMENTS = 8
_loaded: dict[object, Modules] = {}  # by what names them
_running = 0
_latest: Modules | None = None


def modules_of(where: str, environment: Environment, allow: tuple[str, ...]) -> Modules:
    """Give the modules of ``"path/app.py"`` or ``"package.module"``: as read before, if no file was edited since.

    Raises
    ------
    HandlerError
        There is no such module, or it can't be imported.
    """
    path = existing_file(Path(where)) if is_path(where) else None
    key = str(path) if path is not None else (where, str(Path.cwd()))
    known = _known(key)
    if known is None:
        with _lock:
            known = _known(key)  # unless another thread has read it meanwhile
            if known is None:
                known = _read(key, Modules(where, path, environment, allow))
    return known.under(environment)


def _known(key: object) -> Modules | None:
    """Give what was read before, if it would be read the same again."""
    known = _loaded.get(key)
    if known is None or not known.is_current():
        return None
    for name, module in known.modules.items():
        sys.modules.setdefault(name, module)
    return known


def _read(key: object, new: Modules) -> Modules:
    """Take new modules in the place of those that were read before."""
    linecache.checkcache()
    while True:
        try:
            importlib.invalidate_caches()
        except (
            RuntimeError
        ):  # another thread imports something: CPython goes through a dict that grows meanwhile
            continue
        break
    before = _loaded.get(key)
    if before is not None:
        before.forget()
    new.load()
    _loaded[key] = new
    return new


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
        self,
        where: str,
        path: Path | None,
        environment: Environment,
        allow: tuple[str, ...],
        code: ReadCode | None = None,
    ) -> None:
        self._where, self.path, self._environment, self._allow = where, path, environment, allow
        self._others: dict[object, Modules] = {}  # by what their environment holds
        self._code = code or ReadCode(where if path is None else None)
        self._import = Import(where, path, self._code, environment, allow)
        self.modules: dict[str, types.ModuleType] = {}
        self._state = State(())
        self._stale = False  # whether something is not as it was, and could not be put back
        self.passes = 0
        self._twins: list[Modules] = []
        self._alike: dict[str, frozenset[str]] = {}  # names that were the same in a module of somebody else's
        self._patched: dict[tuple[str, str], Any] = {}  # by module and name, what stood there before
        self._hidden: list[str] = []  # of others: what a function of ours may import by these names is ours
        self._steady: bool | None = None  # whether no pass has changed anything; None before the first's end
        self.remarks: tuple[str, ...] = ()  # sentences on what can't be had as on a cold Lambda
        self.main: types.ModuleType = sys
        self.version = 0  # counts how often they were run
        self.taken_apart: dict[str, tuple[Any, ...]] = {}  # by name, and by whom it concerns

    def is_current(self) -> bool:
        """Whether all would be read the same again."""
        return self._code.is_current()

    def load(self) -> None:
        """Import the module, and with it the others, without a trace of what was imported of them before."""
        self.main, mine, others, remark = self._import.made(first=not self.version)
        if remark:
            self.remarks = (remark,)
        self.modules, self._patched = mine, {}
        self._alike = {name: alike(others[name], module) for name, module in mine.items() if name in others}
        if self.path is not None:
            put_first(self.folders)
        self._hidden = [
            name for name, module in others.items() if name not in mine and self._is_near(name, module)
        ]
        for name, module in others.items():  # a package of ours has what was imported in it before
            above, _, child = name.rpartition(".")
            if above in mine and not hasattr(mine[above], child):
                setattr(mine[above], child, module)
        for module in mine.values():
            claim(getattr(module, "__file__", None))
        self._note()
        self._stale = False
        self.version += 1
        if self not in all_held:
            all_held.append(self)

    @property
    def folders(self) -> list[str]:
        """Folders that it imports from, its own first."""
        return [] if self.path is None else [str(self.path.parent), *self._import.folders]

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
            all_held.remove(self)

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
                    restore()

    def letting(self) -> AbstractContextManager[None]:
        """See `State.letting`."""
        return self._state.letting()

    @property
    def assumed(self) -> dict[str, str]:
        """Variables of the environment that are not there, and where they are read."""
        return self._import.assumed

    def under(self, environment: Environment) -> Modules:
        """Give the same modules, imported in another environment: of another function or version, say."""
        if environment.key == self._environment.key:
            return self
        other = self._others.get(environment.key)
        if other is None:
            if len(self._others) >= _MOST_ENVIRONMENTS:
                self._others.pop(next(iter(self._others))).forget()
            other = Modules(self._where, self.path, environment, self._allow, self._code.twin())
            with _lock:
                other.load()
            self._others[environment.key] = other
        return other

    def ready(self) -> Modules:
        """Give what a pass that begins now is to run with."""
        if self.passes and (not self._steady or self._state.changed()):  # another pass is in the middle of it
            twin = next((one for one in self._twins if not one.passes), None)
            if twin is None:
                twin = Modules(self._where, self.path, self._environment, self._allow, self._code.twin())
                twin.load()
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
            self.remarks = (not_twice(error),)
            self._note()

    def stand_in(self) -> dict[str, types.ModuleType]:
        """Put these modules where `import` finds them; gives those of other handlers that stood there."""
        global _latest  # noqa: PLW0603 - like sys.modules, which it spares a search
        if self is not _latest:
            _latest = self
            if self.path is not None:
                put_first(self.folders)
                self._hide_neighbours(self.path.parent)
        self._follow_patches()
        stood: dict[str, types.ModuleType] = {}
        for name in self._hidden:
            theirs = sys.modules.get(name)
            if theirs is not None and not of_handlers(theirs):
                originals[name] = sys.modules.pop(name)
        for name, module in self.modules.items():
            now = sys.modules.get(name)
            if now is not module:
                if of_handlers(now):
                    stood[name] = sys.modules[name]
                elif now is not None:
                    originals.setdefault(name, now)
                sys.modules[name] = module
        return stood

    def _follow_patches(self) -> None:
        """Take over what somebody has patched in modules of their own that ours stand in for, and leave it again."""
        if self.passes > 1:
            return
        now = {
            (name, key): value
            for name, module in self.modules.items()
            if (theirs := sys.modules.get(name)) is not None
            and theirs is not module
            and not of_handlers(theirs)
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
        for other in all_held:
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
