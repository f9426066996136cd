"""Why an execution ended as it did, or does not end: the one place in the code, and what was known there."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import linecache
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.debugger.last_lines import LastLines, last_lines
from durable_debug.debugger.session import Debugger
from durable_debug.debugger.siblings import Sibling, nearest
from durable_debug.debugger.source_lines import SourceLine, lines_around
from durable_debug.divergence.run import replay
from durable_debug.divergence.swapped import refuse_swapped
from durable_debug.engine.variables import preview
from durable_debug.errors import HistoryError
from durable_debug.options import NAMES, unknown_options
from durable_debug.sources import load_one
from durable_debug.sources.connection import WHERE
from durable_debug.views import view

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from durable_debug.debugger.stop import StackFrame
    from durable_debug.divergence import Divergence, Run
    from durable_debug.engine.places import Place
    from durable_debug.history import History, Operation
    from durable_debug.history.payloads import Decode

__all__ = ["Explanation", "SourceLine", "Value", "why"]

_AROUND = 2  # lines of source before and behind
_MOST_VALUES = 8


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression of the line stood for."""

    expression: str
    preview: str


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Why an execution ended as it did, or what it waits for.

    Attributes
    ----------
    history
        The execution.
    status
        Its recorded status.
    error
        Error object that it failed with; None where it did not.
    failed
        Recorded operations that failed, the last first, with their attempts; without a handler, all that is known of where.
    place, source
        The line of the user's code that decided it: that does otherwise than the history, that raises, or that asks for what is
        waited for; and lines around. None without a handler.
    stack
        The user's functions there, the innermost first.
    values
        What the expressions on that line stood for.
    fed
        The operation whose answer the handler had last.
    written
        The last lines of its log from CloudWatch: of the failed attempt, else of its last invocation; None where the history has
        no logs, and of an execution that went well.
    no_log
        Why its log, which was asked for, could not be had: a permission that lacks, say. None where it could.
    run
        The replay; None without a handler.
    sibling
        An execution that lies beside it and went well, and where the two part; None where there is none.
    handler, source_of_history
        As they were given, where they were texts: for the command to type next.
    looked_up
        Where the history's ARN was looked up, name by name: for that command, too.
    """

    history: History
    status: str
    error: dict[str, Any] | None
    failed: tuple[Operation, ...]
    place: Place | None = None
    source: tuple[SourceLine, ...] = ()
    stack: tuple[StackFrame, ...] = ()
    values: tuple[Value, ...] = ()
    fed: Operation | None = None
    written: LastLines | None = None
    no_log: str | None = None
    run: Run | None = None
    sibling: Sibling | None = None
    handler: str | None = None
    source_of_history: str | None = None
    looked_up: tuple[tuple[str, str], ...] = ()

    @property
    def divergence(self) -> Divergence | None:
        """The first thing that the replay does otherwise than the history; None where it does nothing otherwise."""
        return self.run.divergences[0] if self.run is not None and self.run.divergences else None

    @property
    def next_command(self) -> str:
        """What to type next, to look further."""
        return str(view("explanation.next")(self))

    def report(self) -> str:
        """Tell it as text: a screen at most."""
        return str(view("explanation.text")(self))

    def _repr_html_(self) -> str:
        return str(view("explanation.card")(self))

    def __repr__(self) -> str:
        return self.report()


def why(
    history: History | str | os.PathLike[str] | dict[str, Any] | Iterable[dict[str, Any]],
    handler: object = None,
    *,
    near: str | Path | None = None,
    logs: bool | str = False,
    decode: Decode | None = None,
    **options: Any,
) -> Explanation:
    """Say why an execution ended as it did, or what it waits for.

    Parameters
    ----------
    history
        A `History`, or whatever `load` takes. Executions in the same folder are looked through for one that went well.
    handler
        Its handler, as for `replay`: then the line of the code that decided it is told, with what was known there. Without one
        it is what the history alone tells.
    near
        Another folder, or archive, to look for an execution that went well.
    logs
        The last lines of its log, too, from CloudWatch, where the history does not hold them: as for `load`.
    decode
        Gives the plain text of payloads that are encrypted, compressed or kept elsewhere: see `History.decoded`.
    **options
        Those of `replay`, and those of `load` that say where an ARN is looked up: ``profile``, ``region``, ``endpoint_url`` …

    Returns
    -------
    Explanation
        Printed, or shown by a notebook, it is a screen at most.

    Raises
    ------
    HandlerError, HistoryError, OptionError
        See `replay`.

    Examples
    --------
    >>> told = why("sample_histories/payment_failed.json", "sample_histories/apps/payment.py:handler")
    >>> told.place.line, [value.expression for value in told.values]
    (118, ['basket', 'error'])
    """
    unknown_options("why", options, ("near", "logs", *NAMES, *WHERE))
    refuse_swapped(handler, history, "why")
    place = {name: options.pop(name) for name in WHERE if name in options}
    found, no_log = _logged(load_one(history, **place).decoded(decode), logs, place)
    failed = tuple(_failed(found))
    beside = near if near is not None else history if isinstance(history, str) else None
    sibling = nearest(found, beside) if beside is not None and found.status != "SUCCEEDED" else None
    if sibling is not None:
        sibling = dataclasses.replace(sibling, history=sibling.history.decoded(found.decode))
    told = Explanation(
        history=found,
        status=found.status,
        error=found.error,
        failed=failed,
        written=last_lines(found, failed) if found.status != "SUCCEEDED" else None,
        no_log=no_log,
        sibling=sibling,
        handler=handler if isinstance(handler, str) else None,
        source_of_history=str(history) if isinstance(history, str) else None,
        looked_up=tuple((name, value) for name, value in place.items() if isinstance(value, str)),
    )
    return told if handler is None else _located(told, handler, options)


def _logged(history: History, logs: bool | str, place: dict[str, Any]) -> tuple[History, str | None]:  # noqa: FBT001
    """Give the history with its logs, or say why that can't be: the rest is worth telling without them."""
    try:
        return load_one(history, logs=logs, **place), None
    except HistoryError as error:
        return history, str(error)


def _failed(history: History) -> list[Operation]:
    """Operations that failed, the last one first."""
    failed = [o for o in history.tree() if o.status in {"FAILED", "TIMED_OUT", "CANCELLED", "STOPPED"}]
    return sorted(failed, key=lambda o: (o.end_event_id or 0, -o.position.count("-")), reverse=True)


def _located(told: Explanation, handler: object, options: dict[str, Any]) -> Explanation:
    """Find the line in a replay that stands where the exception leaves the handler, or at its end."""
    run = replay(handler, told.history, **options)
    with Debugger(run) as debugger:
        at = _deciding(told, run)
        if at is None:
            return dataclasses.replace(told, run=run)
        stop = debugger.goto(index=at)
        raised = run.complete.raised if stop.kind == "exception" else None
        place = raised.place if raised is not None and raised.place is not None else stop.source
        return dataclasses.replace(
            told,
            run=run,
            fed=_fed(run, at),
            place=place,
            source=tuple(lines_around(place, _AROUND)) if place is not None else (),
            stack=debugger.stack,
            values=tuple(_values(debugger, place)) if place is not None else (),
        )


def _deciding(told: Explanation, run: Run) -> int | None:
    """Number of the stop that tells most: where the code parts from the history, where it raises, or what it waits for."""
    calls = run.complete.calls
    index = run.divergences[0].index if run.divergences else None
    if index is not None and index < len(calls):
        return index
    if run.complete.raised is not None:
        return len(calls)
    waited = {awaited.position for awaited in told.history.waits_for}
    return next((call.seq for call in calls if call.position in waited), None)


def _fed(run: Run, at: int) -> Operation | None:
    """The operation whose answer the handler had last."""
    by_id = {operation.id: operation for operation in run.history.tree()}
    answered = [call.match_id for call in run.complete.calls[:at] if call.answered and call.match_id in by_id]
    return by_id[answered[-1] or ""] if answered else None


# -------------------------------------------------------------------------------- values on the line


def _values(debugger: Debugger, place: Place) -> Iterator[Value]:
    """Give what the names, attributes and items on a line stand for; functions, classes and modules say nothing."""
    kinds = {one.name: one.type for one in debugger.variables()}
    shown = 0
    for expression in _expressions(place):
        with contextlib.suppress(Exception):  # an expression of the user's may raise whatever it likes
            if "." in expression or "[" in expression:
                value = debugger.evaluate(expression)
                if callable(value):
                    continue
                yield Value(expression, preview(value))
            elif expression in kinds and kinds[expression] not in _SILENT:
                yield Value(expression, next(o.preview for o in debugger.variables() if o.name == expression))
            else:
                continue
            shown += 1
        if shown >= _MOST_VALUES:
            return


# Types whose values say nothing: of functions and modules, and the contexts that the SDK gives.
_SILENT = {
    *("function", "method", "module", "type", "builtin_function_or_method"),
    *("ReplayContext", "DurableContext", "StepContext"),
}


def _expressions(place: Place) -> list[str]:
    """Names, attributes and items that a statement reads, without its calls."""
    lines = [linecache.getline(place.file, number) for number in range(place.line, place.end_line + 1)]
    text = textwrap.dedent("".join(lines)).strip()
    tree = None
    for attempt in (text, f"{text}\n    pass", f"if True:\n    pass\n{text}\n    pass"):
        with contextlib.suppress(SyntaxError):
            tree = ast.parse(attempt)
            break
    if tree is None:
        return []
    found: dict[str, None] = {}
    _gather(tree, found)
    return list(found)


def _gather(node: ast.AST, found: dict[str, None]) -> None:
    if isinstance(node, ast.Call):
        for child in [*node.args, *(keyword.value for keyword in node.keywords)]:
            _gather(child, found)
        if isinstance(node.func, ast.Attribute):
            _gather(node.func.value, found)
        return
    reads = isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load)
    if reads and _is_plain(node):
        found[ast.unparse(node)] = None
        return
    for inner in ast.iter_child_nodes(node):
        _gather(inner, found)


def _is_plain(node: ast.AST) -> bool:
    match node:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant() | ast.Name() | ast.Attribute()):
            return _is_plain(value)
    return False
