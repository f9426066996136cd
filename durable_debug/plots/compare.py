"""Several executions of one function beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

from durable_debug.errors import DurableDebugError
from durable_debug.plots import style
from durable_debug.plots.folding import family_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes

    from durable_debug.history import History

__all__ = ["compare", "plot_compare"]

Measure = Literal["elapsed", "working", "backoff", "waiting", "attempts"]

_LEAST = 4  # values below which nobody can say what is usual
_FENCE, _TIMES = 1.5, 2.0
_ROW, _WIDTH = 22.0, 430.0  # points
_MOST_ROWS = 60
_SMALL = 7.5
_SHORTEST = 1e-4  # seconds: what has no duration is drawn here


def compare(
    histories: Iterable[History] | Mapping[str, History], *, measure: Measure = "elapsed"
) -> pd.DataFrame:
    """Lay out several executions of one function by operation name.

    Parameters
    ----------
    histories
        The executions; a mapping names them, else their own names do.
    measure
        What is compared: a column of `Timing.operations`, in seconds; ``attempts`` counts.

    Returns
    -------
    pandas.DataFrame
        One row per execution and name of operation (as in `Timing.by_name`), in the order in which they first ran:

        =============  =========  ======================================================================
        column         dtype      meaning
        =============  =========  ======================================================================
        execution      str        its name; a number is added where it is not the only one
        status         str        of the execution
        name           str        of the operations; ``*`` for digits that differ
        type           str
        sub_type       str
        count          int64      operations of that name in it
        value          float64    the measure, of all of them together
        median         float64    over the executions
        outlier        bool       the value is far from what is usual: at least twice (or at most half) of the
                                  median, and outside Tukey's fences (1.5 quartile ranges from the quartiles,
                                  of the logarithms). Never where fewer than four executions have the name
        =============  =========  ======================================================================

    Raises
    ------
    DurableDebugError
        There is nothing to compare, or no such measure.

    Examples
    --------
    >>> compare(histories).query("outlier")[["execution", "name", "value", "median"]]  # doctest: +SKIP
    """
    import numpy as np
    import pandas as pd

    from durable_debug.plots.timing import timing

    named = _named(histories)
    if measure not in get_args(Measure):
        raise DurableDebugError(
            f"There is no measure {measure!r:.40}.", cure=f"Use one of {', '.join(get_args(Measure))}."
        )
    parts = []
    families = family_names([operation for _, history in named for operation in history.tree()])
    keys = ["name", "type", "sub_type"]
    for name, history in named:
        own, families = families[: len(history.tree())], families[len(history.tree()) :]
        rows = timing(history).operations.assign(name=pd.array(own, dtype="str"))
        grouped = (
            rows.groupby(keys, dropna=False, sort=False)[measure].agg(count="size", value="sum").reset_index()
        )
        parts.append(grouped.assign(execution=name, status=history.status))
    frame = pd.concat(parts, ignore_index=True).astype(
        {"execution": "str", "status": "str", "value": "float64", "count": "int64"}
    )
    frame = frame[["execution", "status", "name", "type", "sub_type", "count", "value"]]
    frame["median"] = frame.groupby(keys, dropna=False, sort=False)["value"].transform("median")
    # Durations spread by factors: the fences stand in their logarithms.
    sizes = np.log(frame["value"].clip(lower=_SHORTEST))
    grouped = sizes.groupby([frame[key] for key in keys], dropna=False, sort=False)
    low, high = grouped.transform("quantile", 0.25), grouped.transform("quantile", 0.75)
    reach = _FENCE * (high - low)
    far = (sizes > high + reach) | (sizes < low - reach)
    much = (sizes - grouped.transform("median")).abs() > np.log(_TIMES)
    frame["outlier"] = far & much & (grouped.transform("size") >= _LEAST)
    return frame


def plot_compare(
    histories: Iterable[History] | Mapping[str, History],
    *,
    measure: Measure = "elapsed",
    ax: Axes | None = None,
) -> Axes:
    """Draw how long each operation took in several executions of one function.

    A row is a name, a dot is an execution, the box spans from the first to the third quartile and the line in it is the
    median. What is far from usual is a larger diamond with the name of its execution. Names that take longest are kept
    where there are more than 60.

    Parameters
    ----------
    histories, measure
        As for `compare`.
    ax
        Axes to draw on; without one a figure is made that is as high as the rows need.

    Returns
    -------
    matplotlib.axes.Axes
        x is seconds on a logarithmic scale (attempts: linear), y the number of the row from the top.

    Raises
    ------
    DurableDebugError
        As for `compare`.
    """
    frame = compare(histories, measure=measure)
    keys = ["name", "type", "sub_type"]
    rows = [group for _, group in frame.groupby(keys, dropna=False, sort=False)]
    if len(rows) > _MOST_ROWS:
        kept = sorted(range(len(rows)), key=lambda at: -rows[at]["median"].iloc[0])[:_MOST_ROWS]
        rows = [rows[at] for at in sorted(kept)]
    labels = [_label(row) for row in rows]
    left = max([style.text_width(label, 8.5) for label in labels], default=60.0) + 12
    if ax is None:
        ax = _new_axes(len(rows), left)
    theme = style.Theme.of(ax)
    _draw(ax, theme, rows, seconds=measure != "attempts")
    ax.set_yticks(range(len(rows)), labels=labels, fontsize=8.5, ha="left", parse_math=False)
    ax.tick_params(axis="y", length=0, pad=left - 6)
    ax.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    count = frame["execution"].nunique()
    failed = frame.drop_duplicates("execution")["status"].isin(["FAILED", "TIMED_OUT", "STOPPED"]).sum()
    ax.set_title(
        f"{_counted(count, 'execution')}, {failed} failed · {_counted(int(frame['outlier'].sum()), 'outlier')}",
        loc="left",
        x=-(left - 6) / (ax.get_window_extent().width * 72 / ax.figure.dpi),
        fontsize=11,
    )
    return ax


def _named(histories: Iterable[History] | Mapping[str, History]) -> list[tuple[str, History]]:
    if isinstance(histories, Mapping):
        pairs = [(str(name), history) for name, history in histories.items()]
    else:
        pairs = [(each.name or "execution", each) for each in histories]
    if not pairs:
        raise DurableDebugError("There is no history to compare.", cure="Give two or more of one function.")
    seen: dict[str, int] = {}
    found = []
    for name, history in pairs:
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name} ({seen[name]})", history))
    return found


def _label(row: pd.DataFrame) -> str:
    first = row.iloc[0]
    most = int(row["count"].max())
    kind = style.kind_word(first["type"], first["sub_type"] if isinstance(first["sub_type"], str) else None)
    return f"{style.one_line(first['name'], 40)}{f' ×{most:,}' if most > 1 else ''} · {kind}"


def _new_axes(rows: int, left: float) -> Axes:
    import matplotlib.pyplot as plt

    top, bottom, right = 34.0, 46.0, 110.0
    width, height = left + _WIDTH + right, max(rows, 1) * _ROW + top + bottom
    figure = plt.figure(figsize=(width / 72, height / 72))
    return figure.add_axes((left / width, bottom / height, _WIDTH / width, 1 - (top + bottom) / height))


def _draw(ax: Axes, theme: style.Theme, rows: list[pd.DataFrame], *, seconds: bool) -> None:
    shortest = _SHORTEST if seconds else 0.0
    for at, row in enumerate(rows):
        values = row["value"].clip(lower=shortest)
        color = theme.strong(style.ACTIVITIES[style.activity_of(row["type"].iloc[0])].color)
        if len(row) >= _LEAST:
            low, middle, high = values.quantile([0.25, 0.5, 0.75])
            ax.hlines(at, values.min(), values.max(), color=theme.mix(color, 0.5), linewidth=1, zorder=1)
            ax.barh(
                at,
                high - low,
                left=low,
                height=0.5,
                color=theme.tint(color),
                edgecolor=color,
                zorder=2,
                gid="box",
            )
            ax.vlines(middle, at - 0.25, at + 0.25, color=color, linewidth=2, zorder=3, gid="median")
        usual, far = values[~row["outlier"]], row[row["outlier"]]
        ax.scatter(usual, [at] * len(usual), s=16, color=color, alpha=0.75, zorder=4, gid="execution")
        if len(far):
            x = far["value"].clip(lower=shortest)
            ax.scatter(x, [at] * len(far), s=44, marker="D", color=theme.failure, zorder=5, gid="outlier")
    if seconds:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(
            FuncFormatter(lambda x, _: f"≤ {style.duration(x)}" if x <= _SHORTEST else style.duration(x))
        )
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=0.03)
    _name_outliers(ax, theme, rows, shortest)
    ax.set_xlabel("time, logarithmic" if seconds else "attempts", fontsize=8, color=theme.muted, loc="left")
    ax.tick_params(axis="x", labelsize=8)
    ax.grid(axis="x", color=theme.mix(theme.line, 0.15), linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def _name_outliers(ax: Axes, theme: style.Theme, rows: list[pd.DataFrame], shortest: float) -> None:
    """Name of the execution that is furthest off, on either side, outwards from its mark."""
    for at, row in enumerate(rows):
        far = row[row["outlier"]].sort_values("value")
        for side, those in (
            (-1, far[far["value"] < far["median"]]),
            (1, far[far["value"] >= far["median"]][::-1]),
        ):
            if those.empty:
                continue
            more = f" and {len(those) - 1} more" if len(those) > 1 else ""
            ax.annotate(
                style.one_line(those["execution"].iloc[0], 24) + more,
                (max(those["value"].iloc[0], shortest), at),
                xytext=(7 * side, 0),
                textcoords="offset points",
                fontsize=_SMALL,
                ha="left" if side > 0 else "right",
                va="center_baseline",
                color=theme.failure,
                parse_math=False,
                annotation_clip=False,
                gid="outlier name",
            )


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
