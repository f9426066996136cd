"""From what the user names to a handler: import it, find the durable function in it and what lies around."""

from __future__ import annotations

import contextlib
import copy
import difflib
import functools
import importlib
import importlib.util
import inspect
import linecache
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HandlerError
from durable_debug.replay.effects import done_by_library
from durable_debug.replay.guard import Scope, SideEffect, allows, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Handler", "resolve"]


@dataclass(frozen=True, slots=True)
class Handler:
    """A durable function, taken apart.

    Attributes
    ----------
    name
        How to call it in messages.
    func
        The user's own function ``(event, context)``, from inside ``@durable_execution``.
    around
        Puts the other decorators around a durable handler again; None if there are none.
    """

    name: str
    func: Callable[..., Any]
    around: Callable[[Callable[..., Any]], Callable[..., Any]] | None

    @property
    def code(self) -> types.CodeType | None:
        """The function's code, where it is Python's."""
        func = self.func
        while isinstance(func, functools.partial):
            func = func.func
        func = getattr(func, "__func__", func)
        if not hasattr(func, "__code__") and hasattr(type(func), "__call__"):  # noqa: B004
            func = getattr(type(func).__call__, "__func__", type(func).__call__)
        return getattr(func, "__code__", None)


def resolve(handler: object, *, region: str | None = None, allow: tuple[str, ...] = ()) -> Handler:
    """Find the durable function in a callable, in ``"module:name"`` or in ``"path.py:name"``.

    Parameters
    ----------
    handler
        A function decorated with ``@durable_execution`` (other decorators around it are kept), or where to
        import one from.
    region
        AWS region to assume while the module is imported, where the environment names none: on Lambda one
        is always set, and modules make clients when imported.
    allow
        Side effects that the module may have while it is imported, as for a replay: by default none.

    Raises
    ------
    HandlerError
        It does not exist, its module does not import, or it is not durable.
    """
    name = handler if isinstance(handler, str) else _called(handler)
    found = _imported(handler, region, allow) if isinstance(handler, str) else handler
    if isinstance(found, Handler):
        return found
    if not callable(found):
        raise HandlerError(
            f"{name} is a {type(found).__name__}, not a function.",
            cure="Name the function that Lambda calls, for example 'app.py:handler'.",
        )
    path = _path_to_durable(found)
    if path is None:
        raise HandlerError(
            f"{name} is not a durable function: no @durable_execution was found on it.",
            cure="Decorate it with @durable_execution, or pass the function that is.",
        )
    durable = path[-1][0]
    cells = dict(zip(durable.__code__.co_freevars, durable.__closure__ or (), strict=True))
    func = cells["func"].cell_contents
    if inspect.iscoroutinefunction(func):
        raise HandlerError(
            f"{name} is an async function: the SDK calls it and waits for nothing.",
            cure="Define it with `def`. (A community SDK for asyncio exists; its handlers can't be replayed here.)",
        )
    around = None if len(path) == 1 else functools.partial(_rebuilt, path)
    return Handler(name, func, around)


def _called(handler: object) -> str:
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return f"{module}:{name}" if module and module != "__main__" else str(name)


# ------------------------------------------------------------------------------------------------ import


def _imported(spec: str, region: str | None, allow: tuple[str, ...]) -> Any:
    where, colon, name = spec.rpartition(":")
    if not colon or not where or (len(where) == 1 and name[:1] in "\\/"):
        raise HandlerError(
            f"{spec!r} does not name a handler.",
            cure="Write 'path/to/app.py:handler' or 'package.module:handler'.",
        )

    module = _without_side_effects(where, region, allow)
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            near = difflib.get_close_matches(part, [n for n in dir(target) if not n.startswith("_")], n=3)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Check the spelling."
            raise HandlerError(f"There is no {name!r} in {where}.", cure=hint)
        target = getattr(target, part)
    return target


def _without_side_effects(where: str, region: str | None, allow: tuple[str, ...]) -> types.ModuleType:
    refused: list[HandlerError] = []
    by_users: list[HandlerError] = []

    def report(effect: SideEffect) -> None:
        if effect.refused and not allows(allow, effect):
            line = f" ({effect.file}, line {effect.line})" if effect.file else ""
            error = HandlerError(
                f"{where} would reach out while it is imported: {effect.detail}{line}.",
                cure=f'Move that into a step, or allow it with allow="{effect.kind}".',
            )
            refused.append(error)
            if not done_by_library():
                by_users.append(error)
            raise error

    try:
        with _assumed_region(region), guarded(Scope(report).look()):
            module = (
                _from_path(Path(where)) if where.endswith(".py") or os.sep in where else _from_name(where)
            )
    except Exception as error:
        for cause in refused:
            if cause is error or _is_of(error, cause):
                raise cause from None
        raise
    if by_users:  # while a library that only tries, as for IPv6, may go on without
        raise by_users[0]
    return module


def _is_of(error: BaseException | None, cause: BaseException) -> bool:
    """Whether an exception came of another, whatever was made of that on its way."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        one = pending.pop()
        if one is cause or (one is not None and str(cause) in str(one)):
            return True
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            pending += [one.__cause__, one.__context__]
    return False


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


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A module loaded from a path, and when it and those it imported from beside it were changed."""

    module: types.ModuleType
    changed: dict[str, int]

    @property
    def fresh(self) -> bool:
        return all(_changed(file) == when for file, when in self.changed.items())


_loaded: dict[str, _Loaded] = {}  # by path
_latest_folder: Path | None = None  # that a handler came from


def _changed(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0


def _from_path(path: Path) -> types.ModuleType:
    path = Path(os.path.realpath(path.expanduser()))
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "Check the path; it is taken from the current folder."
        )
        raise HandlerError(f"There is no file {path}.", cure=hint)
    known = _loaded.get(str(path))
    if known is not None and known.fresh:
        _forget_other_neighbours(path.parent)
        _put_first(str(path.parent))
        return known.module
    if known is not None:
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in known.changed:
                del sys.modules[name]
    importlib.invalidate_caches()
    linecache.checkcache()
    # Named as on Lambda, where the module is the file's stem: it is part of the ErrorType of its exceptions.
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent)
    _forget_other_neighbours(path.parent)
    key = path.stem if path.stem not in sys.modules or path.stem in _ours() else f"{path.stem}@{folder}"
    before = sys.modules.get(key)
    others = set(sys.modules)
    sys.modules[key] = module
    sys.path.insert(0, folder)  # as on Lambda: its neighbours can be imported
    try:
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
        _put_first(folder)
    files = {str(path), *(_beside(folder, sys.modules[name]) for name in set(sys.modules) - others)} - {""}
    _loaded[str(path)] = _Loaded(module, {file: _changed(file) for file in files})
    return module


def _beside(folder: str, module: types.ModuleType) -> str:
    """Give a module's file where it lies in a folder or below it, other than installed; else nothing."""
    file = getattr(module, "__file__", None) or ""
    return file if file.startswith(folder + os.sep) and "site-packages" not in file else ""


def _put_first(folder: str) -> None:
    """Let what a handler imports later, in a function, be found: its own folder before those of others."""
    folders = {str(Path(path).parent) for path in _loaded}
    with contextlib.suppress(ValueError):
        if folder in folders:
            sys.path.remove(folder)
    if folder in sys.path:
        return  # the user's own entry
    first = next((i for i, entry in enumerate(sys.path) if entry in folders), len(sys.path))
    sys.path.insert(first, folder)


def _ours() -> set[str]:
    modules = [loaded.module for loaded in _loaded.values()]
    return {name for name, module in list(sys.modules.items()) if any(module is m for m in modules)}


def _forget_other_neighbours(folder: Path) -> None:
    """Drop same-named neighbours of handlers loaded from other folders: two versions must not share them."""
    global _latest_folder  # noqa: PLW0603 - like sys.modules, which it spares a search
    if folder == _latest_folder:
        return
    _latest_folder = folder
    folders = {str(Path(path).parent) for path in _loaded} - {str(folder)}
    if not folders:
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and str(Path(file).parent) in folders and (folder / Path(file).name).exists():
            del sys.modules[name]


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


@contextlib.contextmanager
def _assumed_region(region: str | None) -> Iterator[None]:
    """Assume what is set on Lambda, for modules that make clients: a region, and no instance to be asked for keys."""
    assumed = {}
    if not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        assumed["AWS_DEFAULT_REGION"] = region or "us-east-1"
    if "AWS_EC2_METADATA_DISABLED" not in os.environ:
        assumed["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ.update(assumed)
    try:
        yield
    finally:
        for name in assumed:
            os.environ.pop(name, None)


# ------------------------------------------------------------------------------- the layers of decoration

# A step of the way from the outermost callable inwards: the object and how it holds the next one.
_Step = tuple[Any, Any]


def _is_durable(candidate: object) -> bool:
    code = getattr(candidate, "__code__", None)
    return (
        isinstance(candidate, types.FunctionType)
        and code is not None
        and code.co_name == "wrapper"
        and "func" in code.co_freevars
        and "configured_plugins" in code.co_freevars
        and candidate.__globals__.get("__name__") == "aws_durable_execution_sdk_python.execution"
    )


def _path_to_durable(outer: object) -> list[_Step] | None:
    """Look for the SDK's wrapper through closures, partials, bound methods and attributes."""
    queue: list[list[_Step]] = [[(outer, None)]]
    seen: set[int] = set()
    while queue:
        path = queue.pop(0)
        current = path[-1][0]
        if id(current) in seen or len(path) > 12:
            continue
        seen.add(id(current))
        if _is_durable(current):
            return path
        for inner, how in _held(current):
            if callable(inner):
                queue.append([*path[:-1], (current, how), (inner, None)])
    return None


def _held(outer: Any) -> list[tuple[Any, Any]]:
    held: list[tuple[Any, Any]] = []
    if isinstance(outer, functools.partial):
        held.append((outer.func, ("partial",)))
    elif isinstance(outer, types.MethodType):
        held.append((outer.__func__, ("method",)))
        held.append((outer.__self__, ("self",)))
    elif isinstance(outer, types.FunctionType):
        for name, cell in zip(outer.__code__.co_freevars, outer.__closure__ or (), strict=True):
            with contextlib.suppress(ValueError):  # an empty cell
                held.append((cell.cell_contents, ("cell", name)))
        named = ((name, outer.__globals__.get(name)) for name in outer.__code__.co_names)
        held += [
            (value, ("global", name)) for name, value in named if _is_durable(value)
        ]  # it calls the durable one
    elif not isinstance(outer, type | types.ModuleType | types.BuiltinFunctionType):
        slots = (name for kind in type(outer).__mro__ for name in getattr(kind, "__slots__", ()))
        own = {name: getattr(outer, name) for name in slots if hasattr(outer, name)} | getattr(
            outer, "__dict__", {}
        )
        held += [(value, ("attribute", name)) for name, value in own.items()]
        if isinstance(getattr(type(outer), "__call__", None), types.FunctionType):  # noqa: B004 - not whether it has one
            held.append((outer.__call__, ("call",)))
    wrapped = getattr(outer, "__wrapped__", None)
    if wrapped is not None and all(value is not wrapped for value, _ in held):
        held.append((wrapped, ("wrapped",)))
    return held


def _rebuilt(path: list[_Step], durable: Callable[..., Any]) -> Callable[..., Any]:
    """Copy the layers around the durable handler, with another one inside; the user's objects stay as they are."""
    inner: Any = durable
    for outer, how in reversed(path[:-1]):
        match how:
            case ("partial",):
                inner = functools.partial(inner, *outer.args, **outer.keywords)
            case ("method",):
                inner = types.MethodType(inner, outer.__self__)
            case ("self",):
                inner = types.MethodType(outer.__func__, inner)
            case ("cell", name):
                inner = _with_cell(outer, name, inner)
            case ("global", name):
                inner = _with_global(outer, name, inner)
            case ("attribute", name):
                twin = copy.copy(outer)
                object.__setattr__(twin, name, inner)
                inner = twin
            case _:
                pass  # reachable by __wrapped__ only: the layer can't be rebuilt and is left out
    return inner  # type: ignore[no-any-return]


def _with_cell(outer: types.FunctionType, name: str, value: Any) -> types.FunctionType:
    closure = tuple(
        types.CellType(value) if free == name else cell
        for free, cell in zip(outer.__code__.co_freevars, outer.__closure__ or (), strict=True)
    )
    return _twin(outer, outer.__globals__, closure)


def _with_global(outer: types.FunctionType, name: str, value: Any) -> types.FunctionType:
    return _twin(outer, {**outer.__globals__, name: value}, outer.__closure__)


def _twin(
    outer: types.FunctionType, namespace: dict[str, Any], closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    twin = types.FunctionType(outer.__code__, namespace, outer.__name__, outer.__defaults__, closure)
    twin.__kwdefaults__ = outer.__kwdefaults__
    twin.__dict__.update(outer.__dict__)
    return twin
