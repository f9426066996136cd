"""Expressions as columns: their values each time that a line runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.engine.expressions import compiled
from durable_debug.engine.value_copies import Failed
from durable_debug.errors import DurableDebugError, NoSuchStopError
from durable_debug.typed_places import line_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from durable_debug.debugger.line_moves import LineMoves
    from durable_debug.debugger.stop_index import StopIndex
    from durable_debug.divergence import Run

__all__ = ["table_of"]


def table_of(
    run: Run, moves: LineMoves, expressions: Sequence[str], where: int | str, stops: StopIndex
) -> pd.DataFrame:
    """Give the values of expressions each time that a line runs; see `Debugger.table`."""
    import pandas as pd

    if not expressions:
        raise DurableDebugError("A table needs an expression.", cure='For example table("total", where=41).')
    for expression in expressions:
        compiled(expression)
    file, line = _place(where, stops.handler_file)
    indices = moves.at(file, line)
    if not indices:
        raise NoSuchStopError(
            f"Line {line} of {file} does not run in this replay.",
            cure="Name a line with a statement; bodies of operations that are on record do not run.",
        )
    found = run.recording.runner.look(run.recording, run.matcher(), frozenset(indices), tuple(expressions))
    trace, calls = moves.trace, stops.calls
    rows: list[dict[str, Any]] = []
    for index in indices:
        before = trace.operations_before(index) - 1
        call = calls[before] if 0 <= before < len(calls) else None
        values = dict(zip(expressions, found.get(index, ()), strict=False))
        failed = [f"{name}: {value.why}" for name, value in values.items() if isinstance(value, Failed)]
        rows.append(
            {
                "line_index": index,
                "function": trace.activation(index).function,
                "position": call.position if call is not None else None,
                "operation": call.name if call is not None else None,
                **{name: None if isinstance(value, Failed) else value for name, value in values.items()},
                "errors": "; ".join(failed) or None,
            }
        )
    kinds = {"line_index": "int64", "function": "str", "position": "str", "operation": "str"}
    kinds |= dict.fromkeys(expressions, "object") | {"errors": "str"}
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in kinds.items()}
    )


def _place(where: int | str, handler_file: str | None) -> tuple[str | None, int]:
    if isinstance(where, int):
        return handler_file, where
    place = line_place(where)
    if place is None:
        raise DurableDebugError(f"{where!r} is no line.", cure='Write its number, or "service.py:41".')
    return place.get("file", handler_file), int(place["line"])
