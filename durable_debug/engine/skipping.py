"""Go on behind a statement that may not run: a side effect outside a step, when the rest is to be looked at, too.

A line of the user's code is jumped over by the interpreter's own means for debuggers (setting `f_lineno` in a trace
function). What the statement would have assigned is unrecorded.
"""

from __future__ import annotations

import ast
import functools
import linecache
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.engine.placeholder import Unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

__all__ = ["Jump", "jump_over", "jumps_in", "skipping"]

# Methods of a context: a statement that asks for operations is not jumped over.
_ASKS = {
    "step",
    "wait",
    "invoke",
    "create_callback",
    "wait_for_callback",
    "wait_for_condition",
    "run_in_child_context",
    "map",
    "parallel",
}


@dataclass(frozen=True, slots=True)
class Jump:
    """From the first line of a statement to the first line of the next; and the names that it assigns."""

    file: str
    start: int
    end: int
    names: tuple[str, ...]


def jump_over(file: str, line: int) -> Jump | None:
    """Find the statement that a line is in, and where to go on behind it; None where that can't be told."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None
    found: Jump | None = None
    for block, behind in _blocks(tree.body, None):
        for statement, following in zip(block, [*block[1:], None], strict=False):
            if not statement.lineno <= line <= (statement.end_lineno or statement.lineno):
                continue
            to = following.lineno if following is not None else behind
            jumpable = isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.With)
            if jumpable and to is not None and not _calls(statement) and not _starts(statement):
                found = Jump(file, statement.lineno, to, tuple(_assigned(statement)))
            else:
                found = None  # only the innermost counts
            break
    return found


def _blocks(body: list[ast.stmt], behind: int | None) -> Iterator[tuple[list[ast.stmt], int | None]]:
    """Every block of statements, an outer one first, with the line that follows it."""
    yield body, behind
    for statement, following in zip(body, [*body[1:], None], strict=False):
        after = following.lineno if following is not None else behind
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.For | ast.While):
            after = None  # what follows its last statement is not another statement
        for part in ("body", "orelse", "handlers", "finalbody"):
            inner = getattr(statement, part, None) or []
            if part == "handlers":
                for handler in inner:
                    yield from _blocks(handler.body, after)
            elif isinstance(inner, list) and inner and not isinstance(statement, ast.With):
                yield from _blocks(inner, after)


def _calls(statement: ast.stmt) -> bool:
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(isinstance(func, ast.Attribute) and func.attr in _ASKS for func in calls)


def _starts(statement: ast.stmt) -> bool:
    """Whether a statement starts a thread: what comes behind it waits for that."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "start"


def _assigned(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@functools.lru_cache(maxsize=256)
def _within(code: CodeType, start: int) -> bool:
    return any(line == start for _, _, line in code.co_lines())


def jumps_in(code: CodeType, jumps: Iterable[Jump]) -> dict[int, Jump]:
    """By line, the jumps to make in a function."""
    return {j.start: j for j in jumps if j.file == code.co_filename and _within(code, j.start)}


def skipping(jumps: dict[int, Jump], inner: Callable[..., Any] | None) -> Callable[..., Any]:
    """Trace a frame so that it makes its jumps."""

    def traced(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            jump = jumps.get(frame.f_lineno)
            if jump is not None:
                try:
                    with warnings.catch_warnings():  # from 3.12 on, a jump warns of what is not assigned yet
                        warnings.simplefilter("ignore", RuntimeWarning)
                        frame.f_lineno = jump.end  # type: ignore[misc]  # writable in a trace function
                except ValueError:  # the interpreter can't: the effect is refused instead
                    return traced
                local = frame.f_locals
                for name in jump.names:
                    local[name] = Unrecorded()
        elif inner is not None:
            inner(frame, event, arg)
        return traced

    return traced
