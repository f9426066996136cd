"""Colours, marks and words."""

from __future__ import annotations

import doctest
import itertools

import matplotlib.pyplot as plt
import pytest
from matplotlib.font_manager import FontProperties, findfont, get_font

from durable_debug.plots import style, time_axis


def test_examples_in_docstrings():
    for module in (style, time_axis):
        result = doctest.testmod(module)
        assert result.failed == 0
    assert result.attempted > 0


def test_every_mark_is_in_the_font_that_comes_with_matplotlib():
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    for each in {*style.MARKS.values(), "×", "·", "↻", "◇", "…"}:
        assert font.get_char_index(ord(each)), each


@pytest.mark.parametrize("text", ["initialise-order", "WWW iii", "step · 1.3 s · ↻ 2 attempts", "×1,440"])
@pytest.mark.parametrize("bold", [False, True])
def test_the_measured_width_is_enough_and_not_much_more(text, bold):
    figure = plt.figure(dpi=72)
    drawn = figure.text(0, 0, text, fontsize=9, fontweight="bold" if bold else "normal", parse_math=False)
    width = drawn.get_window_extent().width
    assert width <= style.text_width(text, 9, bold=bold) <= 1.3 * width
    plt.close(figure)


def seen_by(color: str, kind: str) -> tuple[float, ...]:
    """A colour as somebody without one kind of cone sees it (Viénot, Brettel and Mollon 1999; linear RGB)."""
    from matplotlib.colors import to_rgb

    linear = [value**2.2 for value in to_rgb(color)]
    matrix = {
        "protan": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
        "deutan": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
    }[kind]
    return tuple(
        max(0.0, sum(m * v for m, v in zip(row, linear, strict=True))) ** (1 / 2.2) for row in matrix
    )


@pytest.mark.parametrize("kind", ["protan", "deutan"])
def test_colours_can_be_told_apart_or_have_another_texture(kind):
    looks = {name: (each.color, each.hatch) for name, each in style.ACTIVITIES.items()} | {
        "failed": (style.FAILURE, "")
    }
    for (one, (color, hatch)), (two, (other, texture)) in itertools.combinations(looks.items(), 2):
        if "unknown" in {one, two}:
            continue
        distance = (
            sum((a - b) ** 2 for a, b in zip(seen_by(color, kind), seen_by(other, kind), strict=True)) ** 0.5
        )
        assert distance > 0.12 or hatch != texture, (one, two)


def test_unknown_things_have_a_look():
    assert style.mark("SOMETHING_NEW") == "?"
    assert style.activity_of("SOMETHING_NEW") == "unknown"
    assert style.kind_word("SOMETHING_NEW", None) == "something new"


def test_a_transparent_figure_follows_the_colour_of_its_text():
    with plt.rc_context({"text.color": "white", "axes.facecolor": "none", "figure.facecolor": "none"}):
        _, ax = plt.subplots()
        assert style.Theme.of(ax).dark
    plt.close("all")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0003, "0.3 ms"), (0.05, "50 ms"), (0.9996, "1 s"), (9.97, "10 s"), (59.7, "1 min"), (61, "1 min 1 s"),
     (3_599.7, "1 h"), (86_399.9, "1 d"), (90_000, "1 d 1 h"), (86_400 * 1_500, "1,500 d")],
)  # fmt: skip
def test_durations_for_people(seconds, text):
    assert style.duration(seconds) == text
