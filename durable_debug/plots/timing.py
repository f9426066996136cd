"""Where the time of an execution went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.history.measures import Timing
from durable_debug.history.vocabulary import Origin, meaning
from durable_debug.plots.activity import Interval, Segment, Span, clipped, length, minus
from durable_debug.plots.critical import Piece, critical_path
from durable_debug.plots.folding import family_names
from durable_debug.plots.style import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from durable_debug.history import History, Operation

__all__ = ["Timing", "card", "text", "timing"]

_WAITING = frozenset({"wait", "callback", "invoke"})


def text(timed: Timing) -> str:
    """Say it in a line."""
    parts = ("total", "running", "suspended", "working", "backoff", "waiting", "other")
    return f"<Timing {', '.join(f'{part} {duration(getattr(timed, part))}' for part in parts)}>"


def card(timed: Timing) -> str:
    """Show it in a notebook."""
    shares = "".join(
        f"<tr><th style='text-align:left'>{part}</th><td style='text-align:right'>{duration(value)}</td>"
        f"<td style='text-align:right'>{value / timed.total if timed.total else 0:.1%}</td></tr>"
        for part in ("running", "suspended", "working", "backoff", "waiting", "other")
        for value in (getattr(timed, part),)
    )
    return (
        f"<div><strong>{duration(timed.total)}</strong><table>{shares}</table>"
        f"{timed.by_name.head(12).to_html(float_format='{:.3f}'.format, na_rep='', index=False, border=0)}</div>"
    )


def timing(history: History) -> Timing:
    """Say where the time of an execution went.

    Parameters
    ----------
    history
        The record; also of an execution that is still running, or of a part of one.

    Examples
    --------
    >>> history.timing().by_name.head()  # doctest: +SKIP
    >>> history.timing().invocations.replay.sum()  # doctest: +SKIP
    """
    span = Span(history)
    segments = {operation.id: span.segments(operation) for operation in history.tree()}
    flat = [segment for each in segments.values() for segment in each]
    whole = (span.start, span.end)
    working = _of(flat, {"work"}, whole)
    backoff = minus(_of(flat, {"backoff"}, whole), working)
    waiting = minus(_of(flat, _WAITING, whole), [*working, *backoff])
    running = clipped(span.invocations, whole)
    total = span.end - span.start
    path = critical_path(history.tree(), span, segments)
    operations = _operations(history, span, segments, path)
    return Timing(
        total=total / 1e6,
        running=length(running) / 1e6,
        suspended=(total - length(running)) / 1e6,
        working=length(working) / 1e6,
        backoff=length(backoff) / 1e6,
        waiting=length(waiting) / 1e6,
        other=(total - length(working) - length(backoff) - length(waiting)) / 1e6,
        invocations=_invocations(history, span, working),
        operations=operations,
        by_name=_by_name(operations.assign(name=_strings(family_names(history.tree())))),
        critical_path=_path(path),
    )


def _of(segments: Iterable[Segment], kinds: Iterable[str], within: Interval) -> list[Interval]:
    return clipped(((each.start, each.end) for each in segments if each.kind in kinds), within)


def _invocations(history: History, span: Span, working: list[Interval]) -> pd.DataFrame:
    import pandas as pd

    events = history.events
    checkpoint = events["event_type"].map(
        {each: meaning(each).origin is Origin.HANDLER for each in events["event_type"].unique()}
    )
    firsts = events[checkpoint.astype(bool)].groupby("invocation")["event_id"].min()
    times = dict(zip(events["event_id"], events["timestamp"].dt.as_unit("us").astype("int64"), strict=True))
    rows = []
    for number, (start, end) in enumerate(span.invocations, 1):
        first = times[firsts[number]] if number in firsts.index else end
        replay = [(start, min(max(start, first), end))] if number > 1 else []
        work = length(clipped(working, (start, end)))
        replayed = length(minus(replay, working))
        rows.append((number, end - start, replayed, work, end - start - replayed - work))
    frame = pd.DataFrame(rows, columns=["invocation", "duration", "replay", "working", "other"])
    return frame.astype({"invocation": "int64"} | dict.fromkeys(frame.columns[1:], "float64")).assign(
        **{name: lambda f, name=name: f[name] / 1e6 for name in frame.columns[1:]}
    )


def _operations(
    history: History, span: Span, segments: dict[str, list[Segment]], path: list[Piece]
) -> pd.DataFrame:
    children: dict[str, list[Interval]] = {}
    for operation in history.tree():
        own = span.of(operation)
        if operation.parent_id is not None and own is not None:
            children.setdefault(operation.parent_id, []).append(own)
    critical: dict[str, int] = {}
    for piece in path:
        if piece.operation is not None:
            critical[piece.operation.id] = critical.get(piece.operation.id, 0) + piece.end - piece.start
    rows = [
        _row(operation, span.of(operation) or (0, 0), segments[operation.id], children.get(operation.id, []))
        | {"critical": critical.get(operation.id, 0) / 1e6}
        for operation in history.tree()
    ]
    frame = history.operations[["position", "name", "type", "sub_type", "status", "attempts"]].copy()
    for column in ("elapsed", "working", "backoff", "waiting", "inside", "other", "critical"):
        frame[column] = [row[column] for row in rows]
        frame[column] = frame[column].astype("float64")
    return frame


def _row(
    operation: Operation, own: Interval, segments: list[Segment], children: list[Interval]
) -> dict[str, Any]:
    elapsed = own[1] - own[0]
    parts = {"working": {"work"}, "backoff": {"backoff"}, "waiting": _WAITING}
    found = {name: length(_of(segments, kinds, own)) for name, kinds in parts.items()}
    found["inside"] = length(clipped(children, own)) if operation.type == "CONTEXT" else 0
    found["other"] = elapsed - sum(found.values())
    return {name: value / 1e6 for name, value in ({"elapsed": elapsed} | found).items()}


def _by_name(operations: pd.DataFrame) -> pd.DataFrame:
    grouped = operations.groupby(["name", "sub_type", "type"], dropna=False, sort=False)
    frame = grouped.agg(
        count=("elapsed", "size"),
        failed=("status", lambda statuses: int(statuses.isin(["FAILED", "TIMED_OUT"]).sum())),
        attempts=("attempts", "sum"),
        elapsed=("elapsed", "sum"),
        mean=("elapsed", "mean"),
        longest=("elapsed", "max"),
        working=("working", "sum"),
        backoff=("backoff", "sum"),
        waiting=("waiting", "sum"),
        inside=("inside", "sum"),
        other=("other", "sum"),
        critical=("critical", "sum"),
    )
    return frame.reset_index().sort_values(
        ["critical", "elapsed"], ascending=False, kind="stable", ignore_index=True
    )


def _path(path: list[Piece]) -> pd.DataFrame:
    import pandas as pd

    found = [piece.operation for piece in path]
    return pd.DataFrame(
        {
            "position": _strings([each.position if each else None for each in found]),
            "name": _strings([each.name if each else None for each in found]),
            "activity": _strings([piece.activity for piece in path]),
            "start": pd.DatetimeIndex(
                pd.to_datetime([piece.start for piece in path], unit="us", utc=True)
            ).as_unit("us"),
            "end": pd.DatetimeIndex(
                pd.to_datetime([piece.end for piece in path], unit="us", utc=True)
            ).as_unit("us"),
            "seconds": pd.array(
                [(piece.end - piece.start) / 1e6 for piece in path], dtype="float64"
            ).to_numpy(),
        }
    )


def _strings(values: Sequence[str | None]) -> Any:
    import pandas as pd

    return pd.array(values, dtype="str")
