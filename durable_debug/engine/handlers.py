"""From what the user names to a handler: the durable function in it, and what lies around."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.engine import sdk
from durable_debug.engine.environment import Environment, listed_variables
from durable_debug.engine.handler_names import found as find
from durable_debug.engine.kept import Kept, kept
from durable_debug.engine.modules import Modules, modules_of
from durable_debug.engine.naming import named
from durable_debug.engine.unwrapping import path_to_durable, rebuilt
from durable_debug.errors import HandlerError
from durable_debug.options import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import CodeType, ModuleType

    _Func = Callable[..., Any]
    _Around = Callable[[Callable[..., Any]], Callable[..., Any]]

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
    source
        What its modules hold, and how each pass finds that as on a cold Lambda.
    """

    name: str
    func: _Func
    around: _Around | None
    source: Modules | Kept = field(compare=False, repr=False)

    @property
    def code(self) -> CodeType | None:
        """The function's code, where it is Python's."""
        func = self.func
        while isinstance(func, functools.partial):
            func = func.func
        func = getattr(func, "__func__", func)
        if not hasattr(func, "__code__") and hasattr(type(func), "__call__"):  # noqa: B004
            func = getattr(type(func).__call__, "__func__", type(func).__call__)
        return getattr(func, "__code__", None)

    def under(self, environment: Environment) -> Handler:
        """Give the same handler, its modules imported in another environment."""
        if isinstance(self.source, Kept):
            return self
        modules = self.source.under(environment)
        return self if modules is self.source else dataclasses.replace(self, source=modules)

    @contextlib.contextmanager
    def cold(self) -> Iterator[tuple[_Func, _Around | None]]:
        """Around a pass: give the function and its decorators, with their modules as a cold Lambda has them."""
        if isinstance(self.source, Kept):
            with self.source.cold():
                yield self.func, self.around
            return
        where, _, name = self.name.rpartition(":")
        with self.source.cold() as modules:
            known = modules.taken_apart.get(name)
            if known is None or known[0] != modules.version:
                func, around, _ = _taken_apart(named(modules.main, where, name), self.name)
                modules.taken_apart[name] = known = modules.version, func, around
            yield known[1], known[2]

    def letting(self) -> AbstractContextManager[None]:
        """Around a body that the user lets run: what it does to its modules stays."""
        return self.source.letting()

    @property
    def assumed(self) -> dict[str, str]:
        """Variables of the environment that are not there and read as a placeholder, and where they are read."""
        return self.source.assumed

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on what its modules may not hold as on a cold Lambda."""
        told = self.source.remarks
        if not self.assumed:
            return told
        return (
            *told,
            f"What comes of environment variables that are not set here: {listed_variables(self.assumed)}.",
        )


def resolve(
    handler: object, *, environment: Environment | None = None, allow: tuple[str, ...] = ()
) -> Handler:
    """Find the durable function in a callable, in ``"module:name"`` or in ``"path.py:name"``.

    Parameters
    ----------
    handler
        A function decorated with ``@durable_execution`` (other decorators around it are kept), or where to
        import one from.
    environment
        What the module finds in `os.environ` while it is imported: on Lambda a region is always set, and modules make
        clients when imported.
    allow
        ``"network"`` lets the module reach out while it is imported; by default it may not.

    Raises
    ------
    HandlerError
        It does not exist, its module does not import, or it is not durable.
    """
    environment = environment if environment is not None else Environment.of(None)
    if isinstance(handler, Handler):
        return handler.under(environment)
    if not isinstance(handler, str):
        name = _called(handler)
        func, around, layers = _taken_apart(handler, name)
        return Handler(name, func, around, kept(layers, func))
    where, _, name = find(handler).text.rpartition(":")
    modules = modules_of(where, environment, allow)
    if not name:
        name = _only_one(modules.main, where)
    elif not hasattr(modules.main, name.partition(".")[0]) and (durable := _durable(modules.main)):
        listed = ", ".join(durable)
        its = f"Its durable function{'s are' if len(durable) > 1 else ' is'} {listed}."
        raise HandlerError(f"There is no {name!r} in {where}.", cure=meant(name, durable) or its)
    handler, found = f"{where}:{name}", named(modules.main, where, name)
    if isinstance(found, Handler):
        return found
    func, around, _ = _taken_apart(found, handler)
    return Handler(handler, func, around, modules)


def _durable(main: ModuleType) -> list[str]:
    """Names of the durable functions in a module; those that it only imports, if it has none of its own."""
    names = [
        name for name, value in vars(main).items() if callable(value) and path_to_durable(value) is not None
    ]
    own = [name for name in names if getattr(getattr(main, name), "__module__", None) == main.__name__]
    return own or names


def _only_one(main: ModuleType, where: str) -> str:
    names = _durable(main)
    if len(names) == 1:
        return names[0]
    if not names:
        raise HandlerError(f"{where} has no durable function.", cure="Decorate one with @durable_execution.")
    raise HandlerError(
        f"{where} has {len(names)} durable functions: {', '.join(names)}.",
        cure=f"Name one: '{where}:{names[0]}'.",
    )


def _taken_apart(found: Any, name: str) -> tuple[_Func, _Around | None, list[Any]]:
    """Give the user's own function, what puts the decorators around it again, and all layers."""
    if not callable(found):
        raise HandlerError(
            f"{name} is a {type(found).__name__}, not a function.",
            cure="Name the function that Lambda calls, for example 'app.py:handler'.",
        )
    path = path_to_durable(found)
    if path is None:
        raise HandlerError(
            f"{name} is not a durable function: no @durable_execution was found on it.",
            cure="Decorate it with @durable_execution, or pass the function that is.",
        )
    func = sdk.users_function(path[-1][0])
    if inspect.iscoroutinefunction(func):
        raise HandlerError(
            f"{name} is an async function: the SDK calls it and waits for nothing.",
            cure="Define it with `def`. (A community SDK for asyncio exists; its handlers can't be replayed here.)",
        )
    around = None if len(path) == 1 else functools.partial(rebuilt, path)
    return func, around, [layer for layer, _ in path]


def _called(handler: object) -> str:
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return f"{module}:{name}" if module and module != "__main__" else str(name)
