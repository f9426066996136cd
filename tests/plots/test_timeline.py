"""The timeline: the axis, and what is drawn on it."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings

from durable_debug.history import History
from durable_debug.plots import style
from durable_debug.plots.time_axis import TimeAxis, clock, long_gaps
from durable_debug.plots.timeline import plot_timeline
from durable_debug.sources import load
from tests.plots.made import Record, a_map, a_month, histories, many_polls, steps, where

SAMPLES = [
    "espresso_completed", "espresso_timed_out", "map_200", "nested", "chained_invoke", "payment_failed", "poll_job",
    "suspended", "shipping_v1", "large_2900", "raw_emulator",
]  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def rows(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def bars(ax, look: str) -> list[tuple[int, float, float]]:
    """Row, start and end in seconds of all bars of a kind."""
    found = []
    for collection in ax.collections:
        if collection.get_gid() == look:
            for path in collection.get_paths():
                box = path.get_extents()
                found.append((round((box.y0 + box.y1) / 2), box.x0, box.x1))
    return sorted(found)


def marks(ax, gid: str) -> list[tuple[float, float]]:
    return [
        tuple(map(float, each))
        for found in ax.collections
        if found.get_gid() == gid
        for each in found.get_offsets()
    ]


def words(ax, gid: str) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def extents(ax, texts) -> list:
    return [text.get_window_extent() for text in texts if text.get_text() and text.get_visible()]


def overlap(one, two, slack: float = 0.5) -> bool:
    return (
        min(one.x1, two.x1) - max(one.x0, two.x0) > slack
        and min(one.y1, two.y1) - max(one.y0, two.y0) > slack
    )


def test_rows_are_operations_in_order_and_indented(samples):
    ax = plot_timeline(load(samples / "espresso_timed_out.json"))
    assert rows(ax) == [
        "✓ initialise-order", "✓ validate-order", "    ✓ event-config", "        ✓ read-event-config",
        "    ✓ attendee-orders", "        ✓ count-orders", "✓ take-time", "✗ barista-acceptance",
        "    ⊘ barista-acceptance create callback id", "    ✓ barista-acceptance submitter", "✓ release-order",
        "✓ tell-attendee",
    ]  # fmt: skip
    low, high = ax.get_ylim()
    assert low > high  # the first on top


def test_attempts_and_backoff_are_separate_bars(samples):
    history = load(samples / "payment_failed.json")
    ax = plot_timeline(history)
    attempts = history.attempts.query("name == 'charge-card'")
    zero = history.events.timestamp.min()
    row = rows(ax).index("✗ charge-card")
    expected = [
        (row, (one.start - zero).total_seconds(), (one.end - zero).total_seconds())
        for one in attempts.itertuples()
    ]
    assert bars(ax, "work failed") == [pytest.approx(each) for each in expected]
    gaps = [(row, one[2], two[1]) for one, two in itertools.pairwise(expected)]
    assert bars(ax, "backoff") == [pytest.approx(each) for each in gaps]
    assert len(marks(ax, "failed attempt")) == 4
    assert words(ax, "attempt") == ["1", "2", "3", "4"]


def test_work_and_waiting_differ_in_more_than_colour(samples):
    looks = {}
    for name in ("espresso_completed", "shipping_v1", "chained_invoke"):
        for collection in plot_timeline(load(samples / f"{name}.json")).collections:
            if collection.get_gid() in style.ACTIVITIES:
                height = np.ptp(collection.get_paths()[0].vertices[:, 1])
                looks[collection.get_gid()] = (collection.get_hatch(), round(float(height), 2))
    assert set(looks) == {"work", "context", "wait", "callback", "invoke", "backoff"}
    assert looks["work"][0] is None
    hatches = [looks[each][0] for each in ("wait", "callback", "invoke", "backoff")]
    assert len(set(hatches)) == 4
    assert None not in hatches
    assert all(looks["work"][1] > looks[each][1] for each in looks if each != "work")


def test_invocations_are_numbered_bands(samples):
    history = load(samples / "espresso_timed_out.json")
    ax = plot_timeline(history)
    zero = history.events.timestamp.min()
    for number, one in enumerate(history.invocations.itertuples(), 1):
        band = next(patch for patch in ax.patches if patch.get_gid() == f"invocation {number}")
        assert band.get_x() == pytest.approx((one.start - zero).total_seconds())
        assert band.get_x() + band.get_width() == pytest.approx((one.end - zero).total_seconds())
        assert words(ax, f"number {number}") == [str(number)]


def test_a_month_between_two_short_steps_leaves_both_to_be_seen():
    ax = plot_timeline(a_month())
    ax.figure.canvas.draw()
    found = bars(ax, "work")
    assert [row for row, *_ in found] == [0, 2]
    width = ax.get_window_extent().width
    for _, start, end in found:
        low, high = ax.transData.transform([(start, 0), (end, 0)])[:, 0]
        assert high - low > 0.1 * width
    assert words(ax, "gap label") == ["30 d"]
    assert sum(line.get_gid() == "break" for line in ax.lines) == 1
    assert "cut short" in ax.get_xlabel()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[0] == "0"
    assert any(label.startswith("30 d 0:00:00.") for label in labels)


def test_nothing_is_cut_where_nothing_is_long():
    ax = plot_timeline(steps("a", "b", "c"))
    assert words(ax, "gap label") == []
    assert "cut short" not in ax.get_xlabel()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_label_lies_on_another(samples, name):
    ax = plot_timeline(load(samples / f"{name}.json"))
    ax.figure.canvas.draw()
    above = extents(
        ax, [text for text in ax.texts if text.get_position()[1] == 1 and text.get_gid() != "duration"]
    )
    for group in (
        above + [ax._left_title.get_window_extent()],
        extents(ax, ax.get_xticklabels()),
        extents(ax, ax.get_yticklabels()),
    ):
        assert all(not overlap(one, two) for one, two in itertools.combinations(group, 2))
    plot = ax.get_window_extent()
    figure = ax.figure.bbox
    for label in extents(ax, ax.get_yticklabels()):
        assert figure.x0 <= label.x0
        assert label.x1 <= plot.x0
    for text in extents(ax, [text for text in ax.texts if text.get_gid() == "duration"]):
        assert plot.x1 < text.x0
        assert text.x1 <= figure.x1
    legend = ax.get_legend().get_window_extent()
    assert figure.y0 <= legend.y0
    assert legend.y1 <= ax.xaxis.label.get_window_extent().y0
    assert ax._left_title.get_window_extent().y1 <= figure.y1


@pytest.mark.parametrize("count", [12, 80])
def test_many_gaps(count):
    ax = plot_timeline(many_polls(count))
    ax.figure.canvas.draw()
    assert words(ax, "gap label") == ["1 min"] * (count - 1)
    above = extents(ax, [text for text in ax.texts if text.get_position()[1] == 1])
    assert all(not overlap(one, two) for one, two in itertools.combinations(above, 2))
    assert len(bars(ax, "wait")) == count - 1


def test_folded_rows(samples):
    history = load(samples / "map_200.json")
    ax = plot_timeline(history)
    assert rows(ax) == [
        "✓ list-photos", "✓ make-thumbnails", "    ✓ photo-* ×193", "        ✓ scale ×193", "    ✗ photo-* ×7", "        ✗ scale ×7",
    ]  # fmt: skip
    whole = plot_timeline(history, fold=False)
    assert len(rows(whole)) == len(history.tree())
    assert "    ✓ photo-150" in rows(plot_timeline(history, unfold=["photo-150"]))


def test_what_has_not_ended_goes_on(samples):
    ax = plot_timeline(load(samples / "suspended.json"))
    arrows = marks(ax, "still open")
    assert [row for _, row in arrows] == [rows(ax).index("▶ manager-approval")]
    assert "RUNNING" in ax.get_title(loc="left")
    ((_, _, end),) = bars(ax, "callback")
    assert ax.transData.transform((end, 0))[0] < ax.transData.transform((arrows[0][0], 0))[0] - 10


def test_the_legend_has_what_is_there_and_nothing_else(samples):
    legend = plot_timeline(load(samples / "payment_failed.json")).get_legend()
    assert {text.get_text() for text in legend.get_texts()} == {
        "attempt of a step",
        "retry backoff",
        "failed attempt",
    }
    legend = plot_timeline(load(samples / "shipping_v1.json")).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [
        "attempt of a step",
        "wait (timer, or between polls)",
    ]


def test_events_of_types_that_are_not_known_are_shown():
    record = Record()
    record.started()
    record.add(1.0, "ExecutionPaused")
    record.step(where(1, "a"), 1.2, [0.5])
    record.add(2.0, "QuantumCollapsed", Id="q")
    ax = plot_timeline(record.history())
    assert rows(ax) == ["✓ a", "◇ ExecutionPaused", "◇ QuantumCollapsed"]
    assert marks(ax, "other events") == [(1.0, 1.0), (2.0, 2.0)]


def test_the_empty_and_the_tiny():
    assert rows(plot_timeline(Record().history())) == []
    record = Record()
    record.started()
    assert rows(plot_timeline(record.history())) == []
    record.add(0.0, "StepStarted", **where(1, "a", SubType="Step"))
    ax = plot_timeline(record.history())
    ax.figure.canvas.draw()
    assert rows(ax) == ["▶ a"]


def test_given_axes_are_used():
    figure, (_, ax) = plt.subplots(1, 2)
    assert plot_timeline(steps("a", "b"), ax=ax) is ax
    figure.canvas.draw()
    assert len(bars(ax, "work")) == 2


@pytest.mark.parametrize("look", ["default", "dark_background"])
def test_it_follows_the_style(samples, look):
    with plt.style.context(look):
        ax = plot_timeline(load(samples / "espresso_timed_out.json"))
        theme = style.Theme.of(ax)
        assert theme.dark == (look == "dark_background")
        ground = style._lightness(theme.background)
        for text in [*ax.texts, *ax.get_yticklabels(), *ax.get_legend().get_texts()]:
            if text.get_gid() != "attempt":
                assert abs(style._lightness(text.get_color()) - ground) > 0.3, text


@pytest.mark.parametrize("name", ["$x^2$ <b>", "a\nb", "\u202eabc", "x" * 5_000, "\\frac{1}{$"])
def test_any_name_is_one_bounded_line_of_plain_text(name):
    ax = plot_timeline(steps(name, "other"))
    ax.figure.canvas.draw()
    assert all(len(row) < 60 and "\n" not in row and "\u202e" not in row for row in rows(ax))
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())


@settings(max_examples=40)
@given(histories())
def test_any_history_can_be_drawn(history: History):
    ax = plot_timeline(history)
    try:
        assert len(rows(ax)) <= len(history.tree()) + 8
        low, high = ax.get_xlim()
        assert low < high
        ax.figure.canvas.draw()
    finally:
        plt.close(ax.figure)


# The axis by itself


@settings(max_examples=150)
@given(histories())
def test_the_axis_goes_forward_everywhere_and_back_again(history: History):
    from durable_debug.plots.activity import Span

    span = Span(history)
    flat = [each for operation in history.tree() for each in span.segments(operation)]
    moments = [time for each in flat for time in (each.start, each.end)]
    cut = long_gaps(span.start, span.end, span.invocations, moments)
    axis = TimeAxis(span.start, span.end, cut=cut, width=600)
    total = max((span.end - span.start) / 1e6, 1e-9)
    seconds = np.linspace(0, total, 500)
    shown = axis.forward(seconds)
    assert (np.diff(shown) > 0).all()
    assert axis.inverse(shown) == pytest.approx(seconds, rel=1e-6, abs=total * 1e-6)
    assert -1e-6 <= shown[0]
    assert shown[-1] <= 600 + 1e-6
    for start, end in cut:
        assert not any(start < moment < end for moment in moments)
        assert not any(a < end and b > start for a, b in span.invocations)
    places, labels = axis.ticks()
    assert len(places) == len(labels) == len(set(places))
    right = -1e9
    for place, label in zip(places, labels, strict=True):
        at, half = float(axis.forward(place)), style.text_width(label, 8) / 2
        assert at - half >= right
        right = at + half
        assert not any(gap.start + 1e-6 < place < gap.end - 1e-6 for gap in axis.gaps)


def test_what_runs_is_never_cut():
    assert long_gaps(0, 100, [(0, 100)], []) == []
    assert long_gaps(0, 1_000, [(0, 10), (990, 1_000)], []) == [(10, 990)]
    assert long_gaps(0, 1_000, [(0, 10), (990, 1_000)], [500]) == [(10, 500), (500, 990)]
    assert long_gaps(0, 30, [(0, 10), (20, 30)], []) == []


@pytest.mark.parametrize(
    ("seconds", "step", "text"),
    [
        (0, 1, "0"),
        (0.4, 0.2, "0.4 s"),
        (59.999, 1, "1:00"),
        (121.8, 0.2, "2:01.8"),
        (3_600, 60, "1:00:00"),
        (2_592_000.05, 0.05, "30 d 0:00:00.05"),
    ],
)
def test_clock(seconds, step, text):
    assert clock(seconds, step) == text
