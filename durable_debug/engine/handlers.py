"""From what the user names to a handler: import it, find the durable function in it and what lies around."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import os
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.engine.effects import done_by_library
from durable_debug.engine.guard import Scope, SideEffect, allows, guarded
from durable_debug.engine.importing import World, forget, world_of
from durable_debug.engine.module_state import ModuleState
from durable_debug.engine.unwrapping import path_to_durable, rebuilt
from durable_debug.engine.users_code import claim
from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    import types
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
    _outer: object = field(default=None, repr=False, compare=False)
    _again: Callable[[], Handler] | None = field(default=None, repr=False, compare=False)
    _world: World | None = field(default=None, repr=False, compare=False)
    _generation: int = field(default=0, repr=False, compare=False)

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

    def fresh(self) -> Handler:
        """Give the handler as a cold Lambda has it: of modules that no earlier pass has changed, and as the files are now.

        A handler that was given as an object stays that object.
        """
        if self._again is None or self._world is None:
            return self
        return self._again()

    @contextlib.contextmanager
    def one_pass(self) -> Iterator[None]:
        """Around a pass: what it changes in the user's modules does not lead into the next one."""
        if self._world is not None:
            with self._world.one_pass():
                yield
            return
        state = _state_of(self._outer)
        try:
            yield
        finally:
            state.note_left()

    def letting(self) -> contextlib.AbstractContextManager[None]:
        """Around a body that the user lets run: what it does to the modules of a function object stays."""
        state = _states.get(self._outer) if self._world is None and _is_known(self._outer) else None
        return state.letting() if state is not None else contextlib.nullcontext()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know of the code that was replayed, a sentence each."""
        return (self._world.problem,) if self._world is not None and self._world.problem else ()


_states: weakref.WeakKeyDictionary[Any, ModuleState] = weakref.WeakKeyDictionary()


def _is_known(handler: object) -> bool:
    try:
        return handler in _states
    except TypeError:
        return False


def _state_of(handler: object) -> ModuleState:
    """What a handler that was given as an object can reach, without what an earlier pass has left there."""
    try:
        state = _states.get(handler)
        if state is not None:
            state.put_back()
        if state is None or state.changed() is not None:
            state = _states[handler] = ModuleState([handler])
    except TypeError:  # it can't be referred to weakly, or has no hash
        state = ModuleState([handler])
    return state


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
    if isinstance(handler, Handler):
        return handler.fresh()
    name = handler if isinstance(handler, str) else _called(handler)
    world, found = _imported(handler, region, allow) if isinstance(handler, str) else (None, handler)
    if isinstance(found, Handler):
        return found
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
    durable = path[-1][0]
    cells = dict(zip(durable.__code__.co_freevars, durable.__closure__ or (), strict=True))
    func = cells["func"].cell_contents
    if inspect.iscoroutinefunction(func):
        raise HandlerError(
            f"{name} is an async function: the SDK calls it and waits for nothing.",
            cure="Define it with `def`. (A community SDK for asyncio exists; its handlers can't be replayed here.)",
        )
    around = None if len(path) == 1 else functools.partial(rebuilt, path)
    code = getattr(inspect.unwrap(func), "__code__", None) if callable(func) else None
    claim(getattr(code, "co_filename", None))
    if world is None:
        return Handler(name, func, around, _outer=found)
    again = functools.partial(resolve, name, region=region, allow=allow)
    return Handler(name, func, around, _again=again, _world=world, _generation=world.generation)


def _called(handler: object) -> str:
    module = getattr(handler, "__module__", None)
    name = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    return f"{module}:{name}" if module and module != "__main__" else str(name)


# ------------------------------------------------------------------------------------------------ import


def _imported(spec: str, region: str | None, allow: tuple[str, ...]) -> tuple[World, Any]:
    where, colon, name = spec.rpartition(":")
    if not colon or not where or (len(where) == 1 and name[:1] in "\\/"):
        raise HandlerError(
            f"{spec!r} does not name a handler.",
            cure="Write 'path/to/app.py:handler' or 'package.module:handler'.",
        )

    world = _without_side_effects(where, region, allow)
    target: Any = world.module
    for part in name.split("."):
        if not hasattr(target, part):
            near = difflib.get_close_matches(part, [n for n in dir(target) if not n.startswith("_")], n=3)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Check the spelling."
            raise HandlerError(f"There is no {name!r} in {where}.", cure=hint)
        target = getattr(target, part)
    return world, target


def _without_side_effects(where: str, region: str | None, allow: tuple[str, ...]) -> World:
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
            world = world_of(where)
    except Exception as error:
        for cause in refused:
            if cause is error or _is_of(error, cause):
                raise cause from None
        raise
    if by_users:  # while a library that only tries, as for IPv6, may go on without
        forget(where)  # else it would be told but once
        raise by_users[0]
    return world


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
