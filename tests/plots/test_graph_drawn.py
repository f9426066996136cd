"""The graph as a picture: what is drawn, where, and that nothing lies on anything else."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from durable_debug.errors import DurableDebugError
from durable_debug.plots import layout, style
from durable_debug.plots.graph import graph, plot_graph
from durable_debug.sources import load
from tests.plots.made import Record, a_map, steps, where

SAMPLES = [
    "espresso_completed", "espresso_timed_out", "map_200", "nested", "chained_invoke", "payment_failed", "poll_job",
    "suspended", "large_2900",
]  # fmt: skip


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(params=["graphviz", "networkx"])
def layouts(request, monkeypatch):
    """With Graphviz, and as where it is not installed."""
    if request.param == "networkx":
        monkeypatch.setattr(layout, "_with_dot", layout._with_networkx)
    return request.param


def boxes(ax) -> dict[str, Bbox]:
    """Extents of the boxes by node, in pixels."""
    ax.figure.canvas.draw()
    return {patch.get_gid(): patch.get_window_extent() for patch in ax.patches if patch.get_zorder() == 3}


def texts(ax) -> list[Text]:
    return [each for each in ax.texts if each.get_text()]


def overlap(one: Bbox, two: Bbox, slack: float = 1.0) -> bool:
    return (
        min(one.x1, two.x1) - max(one.x0, two.x0) > slack
        and min(one.y1, two.y1) - max(one.y0, two.y0) > slack
    )


@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("name", SAMPLES)
def test_text_is_in_its_box_and_boxes_are_apart(samples, layouts, name, direction):
    history = load(samples / f"{name}.json")
    ax = plot_graph(history, direction=direction)
    found = boxes(ax)
    assert set(found) == set(graph(history, fold=True))
    for one, two in itertools.combinations(found.values(), 2):
        assert not overlap(one, two)
    for text in texts(ax):
        extent = text.get_window_extent()
        if text.get_text().startswith("×"):
            continue  # how often a block repeats, on its edge
        homes = [box for box in found.values() if overlap(extent, box)]
        assert len(homes) == 1, text.get_text()
        assert homes[0].x0 - 0.5 <= extent.x0, text.get_text()
        assert extent.x1 <= homes[0].x1 + 0.5, text.get_text()
    figure = ax.figure.bbox
    assert all(
        figure.x0 <= box.x0 and box.x1 <= figure.x1 and figure.y0 <= box.y0 and box.y1 <= figure.y1
        for box in found.values()
    )


def test_the_order_of_the_code_is_the_order_on_the_page(samples, layouts):
    history = load(samples / "espresso_completed.json")
    names = ["initialise-order", "validate-order", "take-time", "barista-acceptance", "drink-ready"]
    ids = {each.name: each.id for each in history.tree()}
    down, right = boxes(plot_graph(history)), boxes(plot_graph(history, direction="LR"))
    heights = [down[node].y1 for node in ["start", *(ids[name] for name in names), "end"]]
    assert heights == sorted(heights, reverse=True)
    places = [right[node].x0 for node in ["start", *(ids[name] for name in names), "end"]]
    assert places == sorted(places)


def test_words_and_marks_tell_kind_and_status(samples):
    ax = plot_graph(load(samples / "espresso_timed_out.json"))
    words = [each.get_text() for each in texts(ax)]
    assert "✓ initialise-order" in words
    assert "✗ barista-acceptance" in words
    assert any(word.startswith("wait for callback · failed · 2 min") for word in words)
    assert any("↻ 2 attempts" in word for word in words)
    assert "no answer in time" in words
    assert "✗ failed" in words
    assert ax.get_title(loc="left") == "order-418 · ✗ FAILED"


def test_kinds_have_shapes_of_their_own(samples):
    history = load(samples / "espresso_completed.json")
    ax = plot_graph(history)
    shapes = {patch.get_gid(): patch for patch in ax.patches if patch.get_gid()}
    by_type = {each.type: shapes[each.id] for each in history.tree()}
    assert isinstance(by_type["CALLBACK"], Polygon)
    assert "Square" in type(by_type["CONTEXT"].get_boxstyle()).__name__
    assert "Round" in type(by_type["STEP"].get_boxstyle()).__name__
    waits = plot_graph(load(samples / "shipping_v1.json"))
    wait = next(each for each in load(samples / "shipping_v1.json").tree() if each.type == "WAIT")
    pill = next(patch for patch in waits.patches if patch.get_gid() == wait.id)
    assert pill.get_boxstyle().rounding_size > by_type["STEP"].get_boxstyle().rounding_size


def test_what_failed_has_another_outline(samples):
    history = load(samples / "payment_failed.json")
    ax = plot_graph(history)
    patches = {patch.get_gid(): patch for patch in ax.patches if patch.get_gid()}
    by_name = {each.name: patches[each.id] for each in history.tree()}
    assert by_name["charge-card"].get_linewidth() > by_name["price-basket"].get_linewidth()
    assert by_name["charge-card"].get_edgecolor() != by_name["price-basket"].get_edgecolor()


def test_folded_ones_are_a_pile_with_a_count(samples):
    ax = plot_graph(load(samples / "map_200.json"))
    words = [each.get_text() for each in texts(ax)]
    assert "✓ photo-*  ×193" in words
    assert "✗ photo-*  ×7" in words
    assert sum(isinstance(patch, FancyBboxPatch) and patch.get_zorder() == 2.8 for patch in ax.patches) == 8
    alone = [
        each.get_text() for each in texts(plot_graph(load(samples / "map_200.json"), unfold=["photo-150"]))
    ]
    assert "✓ photo-150" in alone
    assert "✓ photo-*  ×192" in alone


def test_edges_touch_the_boxes_they_join(samples):
    history = load(samples / "espresso_completed.json")
    ax = plot_graph(history)
    found = boxes(ax)
    kinds = [
        patch.get_gid() for patch in ax.patches if isinstance(patch, PathPatch) and patch.get_zorder() == 2
    ]
    expected = [kind for one, two, kind in graph(history).edges(data="kind") if one != two]
    assert sorted(kinds) == sorted(expected)
    edges = [edge for edge in graph(history).edges if edge[0] != edge[1]]
    routes = [patch for patch in ax.patches if isinstance(patch, PathPatch) and patch.get_zorder() == 2]
    for (start, end), patch in zip(edges, routes, strict=True):
        path = ax.transData.transform(patch.get_path().vertices)
        for node, point in ((start, path[0]), (end, path[-1])):
            assert found[node].padded(4).contains(*point)


def test_contexts_have_their_own_ground_around_all_that_lies_in_them(samples):
    history = load(samples / "nested.json")
    ax = plot_graph(history)
    found = boxes(ax)
    grounds = [patch.get_window_extent() for patch in ax.patches if patch.get_gid() == "ground"]
    contexts = [each for each in history.tree() if each.type == "CONTEXT"]
    assert len(grounds) == len(contexts)
    inner = [each.id for each in history.tree() if each.position.startswith("1-1")]
    assert any(
        all(
            ground.padded(1).contains(*found[each].p0) and ground.padded(1).contains(*found[each].p1)
            for each in inner
        )
        for ground in grounds
    )


def test_text_stays_in_its_box_in_small_axes_and_after_a_resize(samples):
    figure, (ax, _) = plt.subplots(1, 2, figsize=(6, 3))
    assert plot_graph(load(samples / "espresso_completed.json"), ax=ax) is ax
    for size in ((6, 3), (12, 9)):
        figure.set_size_inches(size)
        found = boxes(ax)
        for text in texts(ax):
            extent = text.get_window_extent()
            assert any(
                box.x0 - 1 <= extent.x0 and extent.x1 <= box.x1 + 1
                for box in found.values()
                if overlap(box, extent, 0)
            )


def test_the_figure_follows_the_content():
    small, large = plot_graph(steps("a", "b")), plot_graph(steps(*("abcdefghijklmn")))
    assert large.figure.get_figheight() > 2 * small.figure.get_figheight()


def test_hundreds_unfolded_are_still_boxes_apart():
    ax = plot_graph(steps(*(f"a-{n}" for n in range(300))), fold=False)
    found = boxes(ax)
    assert len(found) == 302
    rows = sorted(found.values(), key=lambda box: box.y0)
    assert all(not overlap(one, two) for one, two in itertools.pairwise(rows))


@pytest.mark.parametrize("look", ["default", "dark_background"])
def test_it_follows_the_style_and_can_be_read(samples, look):
    with plt.style.context(look):
        ax = plot_graph(load(samples / "espresso_timed_out.json"))
        theme = style.Theme.of(ax)
        assert theme.dark == (look == "dark_background")
        for patch in ax.patches:
            if patch.get_zorder() == 3:
                inside = style._lightness(patch.get_facecolor())
                assert abs(inside - style._lightness(theme.text)) > 0.5


@pytest.mark.parametrize("name", ["$x^2$ & <b>", "a\nb\rc\td", "\u202eabc", "x" * 10_000, "", "\\frac{1}{$"])
def test_any_name_is_one_bounded_line_of_plain_text(name):
    ax = plot_graph(steps(name, "other"))
    ax.figure.canvas.draw()
    words = [each.get_text() for each in texts(ax)]
    assert all(len(word) < 60 and "\n" not in word and "\u202e" not in word for word in words)
    assert not any(each.get_parse_math() for each in texts(ax))


def test_the_empty_and_the_running():
    assert [each.get_text() for each in texts(plot_graph(Record().history()))] == ["start", "▶ running"]
    record = Record()
    record.started()
    record.add(1.0, "StepStarted", **where(1, "a", SubType="Step"))
    ax = plot_graph(record.history())
    box = next(patch for patch in ax.patches if patch.get_gid() == record.history().tree()[0].id)
    assert box.get_linestyle() == "--"


def test_another_direction_is_refused():
    with pytest.raises(DurableDebugError, match="'TB' or 'LR'"):
        plot_graph(a_map(2), direction="up")
