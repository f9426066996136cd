"""What a module may not do while it is imported: anything outside, unless the user allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durable_debug.engine.effects import done_by_library
from durable_debug.engine.guard import Scope, SideEffect, allows, guarded
from durable_debug.errors import HandlerError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from durable_debug.engine.environment import Environment


__all__ = ["without_side_effects"]


def without_side_effects(
    where: str, environment: Environment, allow: tuple[str, ...], run: Callable[[], ModuleType]
) -> ModuleType:
    """Import a module with `run`, and refuse what it would do outside.

    Raises
    ------
    HandlerError
        For what was refused, whatever the module made of that.
    """
    refused: list[HandlerError] = []
    by_users: list[HandlerError] = []

    def report(effect: SideEffect) -> None:
        if effect.refused and not allows(allow, effect):
            line = f" ({effect.file}, line {effect.line})" if effect.file else ""
            error = HandlerError(
                f"{where} would reach out while it is imported: {effect.detail}{line}.",
                cure=f"Move that into a step, or allow it with {option('allow', effect.kind)}.",
            )
            refused.append(error)
            if not done_by_library():
                by_users.append(error)
            raise error

    try:
        with guarded(Scope(report, environment=environment).look()):
            module = run()
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
