"""The small timeline in a history's card."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET

import pytest

import durable_debug as dd
from durable_debug.plots.mini import mini_timeline
from durable_debug.plots.style import ACTIVITIES, FAILURE


def bars(svg, color):
    return [
        each
        for each in ET.fromstring(svg).iter("rect")
        if each.get("fill") == color and each.get("fill-opacity") is None
    ]


def test_bars_by_what_they_are(samples):
    svg = mini_timeline(dd.load(samples / "espresso_timed_out.json"))
    assert len(bars(svg, ACTIVITIES["work"].color)) == 7  # attempts that succeeded
    (failed,) = bars(svg, FAILURE)
    (backoff,) = bars(svg, ACTIVITIES["backoff"].color)
    assert float(backoff.get("x")) == pytest.approx(
        float(failed.get("x")) + float(failed.get("width")), abs=1
    )
    assert len(re.findall("fill-opacity", svg)) == 3  # invocations
    (callback,) = bars(svg, ACTIVITIES["callback"].color)
    assert float(callback.get("width")) < 200  # though it took 120 of 122 seconds


@pytest.mark.parametrize("name", ["large_2900", "map_200", "suspended", "raw_emulator", "payment_failed"])
def test_it_is_small_and_within_its_frame(samples, name):
    svg = mini_timeline(dd.load(samples / f"{name}.json"))
    assert len(svg) < 40_000
    _, _, width, height = map(float, ET.fromstring(svg).get("viewBox").split())
    for each in ET.fromstring(svg).iter("rect"):
        assert -0.1 <= float(each.get("x")) and float(each.get("x")) + float(each.get("width")) <= width + 1.1
        assert float(each.get("y")) + float(each.get("height")) <= height


def test_a_card_has_it_and_needs_no_matplotlib(samples):
    import subprocess

    code = (
        "import sys, durable_debug as dd\n"
        f"html = dd.load({str(samples / 'espresso_timed_out.json')!r})._repr_html_()\n"
        "assert '<svg role=\"img\"' in html\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=samples.parent)


def test_nothing_to_draw():
    history = dd.load(
        {
            "Events": [
                {
                    "EventType": "ExecutionStarted",
                    "EventId": 1,
                    "EventTimestamp": "2026-11-21T10:00:00Z",
                    "Id": "e",
                    "ExecutionStartedDetails": {"Input": {"Payload": "{}"}},
                }
            ]
        }
    )
    assert mini_timeline(history) == ""
    assert "<svg" not in history._repr_html_()
