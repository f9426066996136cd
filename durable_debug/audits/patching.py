"""A handler's new source with its old statements beside the new ones, for executions that began with the old."""

from __future__ import annotations

import ast
import builtins
import difflib
import io
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["NoPatch", "patched"]

_OPERATIONS = {
    "step",
    "wait",
    "create_callback",
    "wait_for_callback",
    "invoke",
    "wait_for_condition",
    "run_in_child_context",
    "map",
    "parallel",
}
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_COMMENT = """\
# Executions that began before this change keep to the statements that they began with: an execution's ARN is the same in
# each replay. When the last of these has ended, take this out, with each `if` that asks for it.
"""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class NoPatch(DurableDebugError):  # noqa: N818 - never leaves this room
    """The old statements can't stand beside the new ones."""


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Statements that differ, and where.

    Attributes
    ----------
    context
        The name of the durable context there.
    at
        The line before which the new code has nothing, where it has nothing.
    """

    context: str
    old: Sequence[ast.stmt]
    new: Sequence[ast.stmt]
    at: int
    column: int


def patched(old: str, new: str, arns: Iterable[str]) -> str | None:
    """Give the new source with the old statements beside those that differ from them.

    Functions that have no durable context are as in the new source: they are bodies of steps, or what they ask for
    can't depend on the execution.

    Returns
    -------
    str or None
        None where no function with a durable context differs.

    Raises
    ------
    NoPatch
        Why they can't stand beside each other.
    """
    before, after = ast.parse(old), ast.parse(new)
    hunks = list(_differing(before.body, after.body, None))
    if not hunks:
        return None
    name = _free_name(after)
    lines = _lines(new)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for hunk in sorted(hunks, key=lambda one: one.at, reverse=True):
        first, last = _span(hunk.new) if hunk.new else (hunk.at, hunk.at - 1)
        lines[first - 1 : last] = _choice(hunk, name, old, new)
    top = _after_imports(after)
    known = sorted(arns)
    listed = "".join(f"        {arn!r},\n".replace("'", '"') for arn in known)
    carried = _carried([s for hunk in hunks for s in hunk.old], before, after, old)
    lines[top:top] = [f"\n{_COMMENT}{name} = frozenset(\n    {{\n{listed}    }}\n)\n{carried}"]
    text = "".join(lines)
    _prove(text, after, name)
    return text


# ---- what differs


def _differing(
    old: Sequence[ast.stmt], new: Sequence[ast.stmt], context: str | None, end: int = 0
) -> Iterator[_Hunk]:
    matcher = difflib.SequenceMatcher(None, [_key(s) for s in old], [_key(s) for s in new], autojunk=False)
    for what, i, i_end, j, j_end in matcher.get_opcodes():
        if what == "equal":
            for one, other in zip(old[i:i_end], new[j:j_end], strict=True):
                if ast.dump(one) != ast.dump(other):
                    yield from _inside(one, other, context)
        elif context is not None and not _is_talk(old[i:i_end], new[j:j_end]):
            at = _first_line(new[j]) if j < len(new) else (new[-1].end_lineno or end) + 1 if new else end
            column = (new[j] if j < len(new) else new[-1]).col_offset
            yield _Hunk(context, old[i:i_end], new[j:j_end], at, column)


def _inside(old: ast.AST, new: ast.AST, context: str | None) -> Iterator[_Hunk]:
    if isinstance(new, _FUNCTIONS) and isinstance(old, _FUNCTIONS):
        context = _context_of(new) or _context_of(old) or context
    for block in _BLOCKS:
        before, after = getattr(old, block, []), getattr(new, block, [])
        if block in {"handlers", "cases"}:
            for one, other in zip(before, after, strict=True):
                yield from _inside(one, other, context)
        elif isinstance(after, list):
            yield from _differing(_without_talk(before), _without_talk(after), context)


def _key(node: ast.AST) -> str:
    """What a statement is told from others by: of one that holds others, all but these."""
    blocks = [getattr(node, name, None) for name in _BLOCKS]
    if not any(isinstance(block, list) for block in blocks):
        return ast.dump(node)
    told = [type(node).__name__]
    for field, value in ast.iter_fields(node):
        if field not in _BLOCKS or not isinstance(value, list):
            told.append(f"{field}={_dumped(value)}")
        elif field in {"handlers", "cases"} or _is_elif(node, value):
            told += [field, *map(_key, value)]
        else:
            told.append(f"{field}:{bool(value)}")
    return " ".join(told)


def _dumped(value: object) -> str:
    if isinstance(value, list):
        return str([_dumped(one) for one in value])
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)


def _is_elif(node: ast.AST, block: Sequence[ast.AST]) -> bool:
    """Whether this is an ``elif``, which can't be put under another ``if``."""
    if not isinstance(node, ast.If) or len(block) != 1 or not isinstance(block[0], ast.If):
        return False
    return block[0].col_offset == node.col_offset


def _is_talk(*sides: Sequence[ast.stmt]) -> bool:
    """Whether it is docstrings only."""
    return all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for side in sides for s in side)


def _without_talk(block: list[ast.stmt]) -> list[ast.stmt]:
    return block[1:] if len(block) > 1 and _is_talk(block[:1]) else block


def _context_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The parameter that is a durable context."""
    decorators = " ".join(ast.unparse(one) for one in function.decorator_list)
    if "durable_step" in decorators:
        return None
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    for one in arguments:
        if one.annotation is not None and "DurableContext" in ast.unparse(one.annotation):
            return one.arg
    asked = {
        node.func.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _OPERATIONS
        and isinstance(node.func.value, ast.Name)
    }
    found = [one.arg for one in arguments if one.arg in asked]
    if not found and "durable_execution" in decorators and len(arguments) > 1:
        found = [arguments[1].arg]
    return found[0] if found else None


# ---- writing it


def _choice(hunk: _Hunk, name: str, old: str, new: str) -> list[str]:
    indent = " " * hunk.column
    test = f"{hunk.context}.execution_context.durable_execution_arn"
    before, after = _text(hunk.old, old, hunk.column), _text(hunk.new, new, hunk.column)
    if not before:
        return [f"{indent}if {test} not in {name}:\n", *after]
    told = [f"{indent}if {test} in {name}:\n", *before]
    return [*told, f"{indent}else:\n", *after] if after else told


def _text(statements: Sequence[ast.stmt], source: str, column: int) -> list[str]:
    """The lines of statements, one level deeper than a column; what is in a text keeps its place."""
    if not statements:
        return []
    lines = _lines(source)
    first, last = _span(statements)
    own = statements[0].col_offset
    alone = lines[first - 1][:own].strip() == "" and _ends_alone(lines[last - 1], statements[-1])
    if not alone or any(isinstance(n, ast.Global | ast.Nonlocal) for s in statements for n in ast.walk(s)):
        raise NoPatch(f"what differs at line {first} shares its line with other statements, or says `global`")
    fixed = _inside_texts(source)
    shift = " " * (column + 4)
    told = []
    for number in range(first, last + 1):
        line = lines[number - 1] if lines[number - 1].endswith("\n") else f"{lines[number - 1]}\n"
        if number in fixed or not line.strip():
            told.append(line)
        else:
            told.append(shift + (line[own:] if not line[:own].strip() else line.lstrip()))
    return told


def _ends_alone(line: str, last: ast.stmt) -> bool:
    rest = line.encode()[last.end_col_offset or 0 :].decode().strip()
    return not rest or rest.startswith("#")


def _inside_texts(source: str) -> set[int]:
    """Lines that begin inside a text of several lines."""
    found: set[int] = set()
    opened: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            found.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind == "FSTRING_START":
            opened.append(token.start[0])
        elif kind == "FSTRING_END":
            found.update(range(opened.pop() + 1, token.end[0] + 1))
    return found


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _span(statements: Sequence[ast.stmt]) -> tuple[int, int]:
    return _first_line(statements[0]), statements[-1].end_lineno or statements[-1].lineno


def _after_imports(module: ast.Module) -> int:
    """The number of lines up to the end of the imports at the top."""
    last = 0
    for index, one in enumerate(module.body):
        talk = index == 0 and _is_talk([one])
        if not talk and not isinstance(one, ast.Import | ast.ImportFrom):
            break
        last = one.end_lineno or last
    return last


def _free_name(module: ast.Module) -> str:
    taken = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    name, number = "_BEGAN_BEFORE", 1
    while name in taken:
        number += 1
        name = f"_BEGAN_BEFORE_{number}"
    return name


def _lines(source: str) -> list[str]:
    return list(io.StringIO(source))  # a form feed ends no line


# ---- what the old statements need


def _carried(statements: Sequence[ast.stmt], old: ast.Module, new: ast.Module, source: str) -> str:
    """Definitions of the old module that the old statements use and the new module does not have.

    Raises
    ------
    NoPatch
        One of them is there with other parameters.
    """
    before, after = _defined(old), _defined(new)
    todo, taken = [*statements], list[ast.stmt]()
    while todo:
        for name in _loaded(todo.pop()):
            was, now = before.get(name), after.get(name)
            if was is None or was in taken:
                continue
            if now is None:
                taken.append(was)
                todo.append(was)
            elif _signature(was) != _signature(now):
                raise NoPatch(f"the old statements call {name!r}, which takes other parameters now")
    lines = _lines(source)
    parts = []
    for one in sorted(taken, key=lambda s: s.lineno):
        first, last = _span([one])
        parts.append("".join(lines[first - 1 : last]).rstrip("\n") + "\n")
    return "".join(
        f"\n\n{part}" if part.startswith(("def ", "class ", "@", "async ")) else part for part in parts
    )


def _defined(module: ast.Module) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for one in module.body:
        if isinstance(one, (*_FUNCTIONS, ast.ClassDef)):
            found[one.name] = one
        elif isinstance(one, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0]: one for alias in one.names}
        else:
            stored = (n for n in ast.walk(one) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            found |= {node.id: one for node in stored}
    return found


def _loaded(statement: ast.stmt) -> set[str]:
    names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return names - set(dir(builtins))


def _signature(statement: ast.stmt) -> str:
    return ast.dump(statement.args) if isinstance(statement, _FUNCTIONS) else ""


# ---- that it is what it should be


def _prove(text: str, new: ast.Module, name: str) -> None:
    """Look that what a new execution runs is the new source, statement by statement.

    Raises
    ------
    NoPatch
        It is not.
    """
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        raise NoPatch(f"what differs can't be put under an `if`: {error.msg}") from error
    own = [ast.dump(one) for one in new.body]
    left = [ast.dump(one) for one in _AsNew(name).visit(module).body]
    position = iter(left)
    if any(one not in position for one in own):
        raise NoPatch("what differs can't be put under an `if` without changing it")


class _AsNew(ast.NodeTransformer):
    """Takes the way of an execution that is not in the list."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        test = node.test
        if not isinstance(test, ast.Compare) or ast.dump(test.comparators[0]) != ast.dump(
            ast.Name(self._name, ast.Load())
        ):
            return node
        return node.body if isinstance(test.ops[0], ast.NotIn) else node.orelse
