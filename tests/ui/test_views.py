"""Timeline and graph on a bare page, joined to their Python side: driven by the pointer and by keys."""

from __future__ import annotations

import json

import pytest

import durable_debug as dd
from durable_debug.debugger import debug
from durable_debug.widgets import Graph, Timeline
from tests.patience import PATIENCE
from tests.ui.conftest import FAKE_MODEL
from tests.widgets import hostile
from tests.widgets.wire import Bridge, open_wires

TRAITS = (
    "title", "palette", "operations", "divergences", "later", "at", "breakpoints", "selected", "details",
    "times", "groups", "time", "scene",
)  # fmt: skip


@pytest.fixture
def show(widget_page, monkeypatch, samples):
    """Show a view: ``show(Timeline, history)`` of a record, ``show(Timeline, history, app)`` of a debugger."""
    open_wires(monkeypatch)
    opened = []

    def opener(kind, history, app=None, *, options=(), **keywords):
        history = dd.load(samples / f"{history}.json") if isinstance(history, str) else history
        debugger = debug(f"{samples}/apps/{app}.py:handler", history) if app else None
        view = kind(debugger or history, **dict(options))
        opened.extend(each for each in (view, debugger) if each is not None)
        state = {name: getattr(view, name) for name in TRAITS if view.has_trait(name)}
        assert len(json.dumps(state)) < 1_000_000
        shown = widget_page(str(view._esm), state, str(view._css), **keywords)
        bridge = Bridge(shown, view, view.comm)
        bridge.debugger, bridge.view = debugger, view
        bridge.page.set_default_timeout(1_000 * PATIENCE)
        bridge.settle()
        frames(bridge)
        return bridge

    yield opener
    for each in opened:
        each.close()


def frames(bridge):
    """Two frames later everything is painted."""
    bridge.page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def press(bridge, *keys):
    for key in keys:
        bridge.page.keyboard.press(key)
    bridge.settle()
    frames(bridge)


def line(bridge, name):
    return bridge.page.locator(".ddv-line", has=bridge.page.get_by_text(name, exact=True))


def lines(bridge):
    """Texts of the rows, from the top."""
    found = bridge.page.locator(".ddv-line:visible").evaluate_all(
        "all => all.map((one) => [Number(one.dataset.line), one.querySelector('.ddv-name').textContent + one.querySelector('.ddv-times').textContent])"
    )
    return [text for _, text in sorted(found)]


def x_of(bridge, seconds):
    """Where a time is on the page, unzoomed: computed apart from the widget's own code."""
    axis = bridge.view.times["axis"]
    place = float(__import__("numpy").interp(seconds * 1e6, axis["knots"], axis["places"]))
    box = bridge.page.locator(".ddv-axis").bounding_box()
    return box["x"] + place * box["width"]


def pixel(bridge, x, y):
    """Colour of a point of the canvas under it."""
    return bridge.page.evaluate(
        """([x, y]) => {
            const canvas = document.querySelector(".ddv-plot, .ddv-canvas");
            const box = canvas.getBoundingClientRect();
            const scale = canvas.width / box.width;
            return [...canvas.getContext("2d").getImageData(Math.round((x - box.left) * scale), Math.round((y - box.top) * scale), 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )


def middle(bridge, name):
    box = line(bridge, name).bounding_box()
    return box["y"] + box["height"] / 2


def near(color, other, by=12):
    return all(abs(one - two) <= by for one, two in zip(color, other, strict=True))


WORK, FAILED, CALLBACK = (0, 114, 178), (213, 94, 0), (204, 121, 167)


# ---- timeline


def test_the_timeline_shows_each_operation_and_what_it_did(show):
    timeline = show(Timeline, "espresso_timed_out")
    assert lines(timeline) == [
        "initialise-order", "validate-order", "event-config", "read-event-config", "attendee-orders", "count-orders",
        "take-time", "barista-acceptance", "barista-acceptance create callback id", "barista-acceptance submitter",
        "release-order", "tell-attendee",
    ]  # fmt: skip
    attempts = timeline.view.history.attempts
    first, second = attempts[attempts["name"] == "read-event-config"].to_dict("records")
    begin = timeline.view.history.events["timestamp"].min()
    at = [(each["start"] - begin).total_seconds() + 0.008 for each in (first, second)]
    y = middle(timeline, "read-event-config")
    assert near(pixel(timeline, x_of(timeline, at[0]), y), FAILED)
    assert near(pixel(timeline, x_of(timeline, at[1]), y), WORK)
    assert line(timeline, "read-event-config").get_attribute("aria-label") == (
        "2-0-1, read-event-config, step, succeeded, 2 attempts, took 1.3 s"
    )
    legend = timeline.page.locator(".ddv-legend").inner_text()
    assert all(
        word in legend for word in ("retry backoff", "failed attempt", "waiting for a callback", "idle time")
    )


def test_details_are_asked_for_when_looked_at(show):
    timeline = show(Timeline, "espresso_timed_out")
    assert timeline.shown.sent == [{"kind": "shown"}]
    line(timeline, "initialise-order").click()
    timeline.settle()
    details = timeline.page.locator(".ddv-details")
    assert '"drink"' in details.locator("pre").first.inner_text()
    assert timeline.shown.saved["selected"] == "1"
    line(timeline, "read-event-config").click()
    timeline.settle()
    assert "too many reads" in details.locator("table").inner_text()
    timeline.page.get_by_role("button", name="Close").click()
    timeline.settle()
    assert details.is_hidden() and timeline.shown.saved["selected"] == ""


def test_selection_can_be_set_from_python(show):
    timeline = show(Timeline, "map_200")
    timeline.view.selected = "2-13-1"
    timeline.settle()
    frames(timeline)
    assert timeline.page.locator('.ddv-line[aria-selected="true"]').inner_text().split()[:2] == ["✗", "scale"]
    assert "2-13-1" in timeline.page.locator('.ddv-line[aria-selected="true"]').inner_text()


def test_folded_rows_unfold_by_key_and_by_click(show):
    timeline = show(Timeline, "map_200")
    folded = ["list-photos", "make-thumbnails", "photo-*×193", "scale×193", "photo-*×7", "scale×7"]
    assert lines(timeline) == folded
    timeline.page.locator(".ddv-scroll").focus()
    press(timeline, "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight")
    assert len(lines(timeline)) == 5 + 7
    assert sum(text.startswith("photo-") for text in lines(timeline)) == 2 + 7
    press(timeline, "ArrowLeft", "ArrowLeft")
    assert lines(timeline) == folded
    timeline.page.locator(".ddv-line").nth(1).locator(".ddv-twist").click()
    frames(timeline)
    assert lines(timeline) == ["list-photos", "make-thumbnails"]


def test_zoom_and_pan(show):
    timeline = show(Timeline, "espresso_timed_out")
    y = middle(timeline, "count-orders")
    x = x_of(timeline, 0.7)
    assert not near(pixel(timeline, x, y), WORK)
    timeline.page.locator(".ddv-scroll").focus()
    line(timeline, "count-orders").click()
    press(timeline, "z")  # to it
    box = timeline.page.locator(".ddv-axis").bounding_box()
    assert near(pixel(timeline, box["x"] + box["width"] / 2, y), WORK)
    timeline.page.mouse.move(box["x"] + box["width"] / 2, y)
    timeline.page.mouse.down()
    timeline.page.mouse.move(box["x"] + 20, y, steps=4)
    timeline.page.mouse.up()
    frames(timeline)
    assert not near(pixel(timeline, box["x"] + box["width"] * 0.6, y), WORK)
    press(timeline, "0")
    assert not near(pixel(timeline, x, y), WORK)
    timeline.page.keyboard.down("Control")
    timeline.page.mouse.move(x_of(timeline, 0.45), y)
    for _ in range(12):
        timeline.page.mouse.wheel(0, -200)
    timeline.page.keyboard.up("Control")
    frames(timeline)
    assert near(pixel(timeline, x_of(timeline, 0.45) + 40, y), WORK)  # what was under the pointer stays there


def test_hovering_tells_of_bars_gaps_and_invocations(show):
    timeline = show(Timeline, "espresso_timed_out")
    tip = timeline.page.locator(".ddv-tooltip")
    timeline.page.mouse.move(x_of(timeline, 0.4), middle(timeline, "read-event-config"))
    assert "attempt 1, failed" in tip.inner_text() and "invocation 1" in tip.inner_text()
    timeline.page.mouse.move(x_of(timeline, 60), middle(timeline, "initialise-order"))
    assert "idle for 2 min" in tip.inner_text()
    timeline.page.mouse.move(x_of(timeline, 60), middle(timeline, "barista-acceptance create callback id"))
    assert "waiting for a callback" in tip.inner_text()


def test_search_steps_through_what_it_finds(show):
    timeline = show(Timeline, "map_200")
    timeline.page.locator(".ddv-scroll").focus()
    press(timeline, "/")
    timeline.page.keyboard.type("failed")
    timeline.settle()
    assert timeline.page.locator(".ddv-found").inner_text() == "1 of 14"
    press(timeline, "Enter", "Enter")
    assert timeline.page.locator(".ddv-found").inner_text() == "3 of 14"
    assert timeline.view.history.operation(timeline.shown.saved["selected"]).status == "FAILED"
    frames(timeline)
    assert line(timeline, "list-photos").get_attribute("data-dim") == "true"
    press(timeline, "Escape")
    assert timeline.page.locator(".ddv-found").inner_text() == ""


def test_the_handle_of_a_record_travels_in_its_time(show):
    timeline = show(Timeline, "espresso_timed_out")
    axis = timeline.page.locator(".ddv-axis").bounding_box()
    timeline.page.mouse.click(x_of(timeline, 1.2), axis["y"] + 30)
    timeline.settle()
    frames(timeline)
    assert timeline.shown.saved["time"] == pytest.approx(1.2, abs=0.02)
    assert line(timeline, "count-orders").get_attribute("data-when") == "reached"
    assert line(timeline, "release-order").get_attribute("data-when") == "ahead"
    timeline.view.time = 122.1
    timeline.settle()
    frames(timeline)
    assert line(timeline, "release-order").get_attribute("data-when") == "reached"


# ---- with a debugger


def current(bridge):
    return bridge.page.locator('.ddv-line[aria-current="step"] .ddv-name').inner_text()


def test_a_click_goes_there(show):
    timeline = show(Timeline, "espresso_timed_out", "espresso")
    assert current(timeline) == "initialise-order"
    line(timeline, "take-time").click()
    timeline.settle()
    frames(timeline)
    assert timeline.debugger.stop.asked.name == "take-time" and current(timeline) == "take-time"
    box = timeline.page.locator(".ddv-axis").bounding_box()
    timeline.page.mouse.click(x_of(timeline, 60), middle(timeline, "barista-acceptance create callback id"))
    timeline.settle()
    assert timeline.debugger.stop.asked.position == "4-1"
    assert box


def test_dragging_travels_in_time(show):
    timeline = show(Timeline, "espresso_timed_out", "espresso")
    handle = timeline.page.get_by_role("slider")
    start = handle.bounding_box()
    y = start["y"] + 10
    timeline.page.mouse.move(start["x"] + 7, y)
    timeline.page.mouse.down()
    seen = []
    for seconds in (0.5, 1.0, 1.6, 121.9, 122.05, 0.9):
        timeline.page.mouse.move(x_of(timeline, seconds), y, steps=3)
        frames(timeline)
        seen.append(current(timeline))
        timeline.pump()
    timeline.page.mouse.up()
    handle = timeline.page.get_by_role("slider")
    timeline.until(lambda: handle.get_attribute("aria-valuenow") == str(timeline.view.at["index"]))
    timeline.settle()
    frames(timeline)
    assert seen[0] != seen[3]
    tree = timeline.view.history.operations
    started = (tree["start"] - timeline.view.history.events["timestamp"].min()).dt.total_seconds()
    last = timeline.debugger.stop.operation
    assert started[tree["position"] == last.position].iloc[0] <= 0.95
    assert current(timeline) == last.name


def test_keys_travel_step_and_set_breakpoints(show):
    timeline = show(Timeline, "espresso_timed_out", "espresso")
    handle = timeline.page.get_by_role("slider")
    handle.focus()
    press(timeline, "ArrowRight", "ArrowRight", "ArrowRight")
    timeline.until(lambda: timeline.view.at["index"] == 3)
    timeline.settle()
    assert handle.get_attribute("aria-valuenow") == "3" and "read-event-config" in handle.get_attribute(
        "aria-valuetext"
    )
    press(timeline, "End")
    assert timeline.debugger.stop.kind == "end" and "the end" in handle.get_attribute("aria-valuetext")
    press(timeline, "Home")
    assert timeline.debugger.stop.index == 0
    timeline.page.locator(".ddv-scroll").focus()
    press(timeline, "n", "n")
    assert timeline.debugger.stop.asked.name == "take-time"
    press(timeline, "End", "b")
    assert timeline.debugger.breakpoints[-1].spec == "name=tell-attendee"
    assert line(timeline, "tell-attendee").locator(".ddv-dot").get_attribute("data-on") == "yes"
    assert "breakpoint" in line(timeline, "tell-attendee").get_attribute("aria-label")
    press(timeline, "c")
    assert timeline.debugger.stop.asked.name == "tell-attendee"
    timeline.debugger.breakpoints[-1].enabled = False
    line(timeline, "tell-attendee").locator(".ddv-dot").click()
    timeline.settle()
    assert len(timeline.debugger.breakpoints) == 1
    press(timeline, "[")
    assert timeline.debugger.stop.asked.name == "release-order"


def test_divergences_are_marked_in_words(show, samples):
    history = dd.load(samples / "shipping_v1.json")
    timeline = show(Timeline, history, "shipping")
    notes = timeline.page.locator(".ddv-note").all_inner_texts()
    assert "not recorded" in notes
    assert any(note in {"≠ diverges", "not asked for"} for note in notes)


def test_the_graph_says_where_a_stop_is_that_has_no_box(show, samples):
    graph = show(Graph, dd.load(samples / "shipping_v1.json"), "shipping")
    note = graph.page.get_by_role("note")
    assert note.is_hidden()
    graph.debugger.goto(name="check-address")
    graph.settle()
    frames(graph)
    assert "check-address" in note.inner_text() and "not in the history" in note.inner_text()
    timeline = show(Timeline, dd.load(samples / "shipping_v1.json"), "shipping")
    timeline.debugger.goto(name="check-address")
    timeline.settle()
    frames(timeline)
    selected = timeline.page.locator('.ddv-line[aria-selected="true"]')
    assert (
        selected.locator(".ddv-name").inner_text() == "check-address"
    )  # not "pack", which has the same position


def test_a_closed_debugger_moves_no_more(show):
    timeline = show(Timeline, "espresso_timed_out", "espresso")
    timeline.debugger.close()
    timeline.settle()
    timeline.page.locator(".ddv-scroll").focus()
    press(timeline, "n")
    assert "closed" in timeline.page.get_by_role("alert").inner_text()
    line(timeline, "take-time").click()
    timeline.settle()
    assert timeline.page.locator(".ddv-details").is_visible()  # looking is still possible


# ---- graph


def place(bridge, name):
    """Where a box is on the page."""
    x, y, k = map(float, bridge.page.locator(".ddv-canvas").get_attribute("data-camera").split())
    (node,) = [node for node in bridge.view.scene["nodes"] if node["name"] == name]
    box = bridge.page.locator(".ddv-canvas").bounding_box()
    return box["x"] + (node["x"] - x) * k, box["y"] + (node["y"] - y) * k


def said(bridge):
    return bridge.page.locator('.ddv-area [role="option"]').get_attribute("aria-label")


def test_graph_a_click_goes_there(show):
    graph = show(Graph, "espresso_timed_out", "espresso")
    graph.page.mouse.click(*place(graph, "validate-order"))
    graph.settle()
    graph.page.wait_for_timeout(250)  # it glides
    assert graph.debugger.stop.asked.name == "validate-order"
    assert graph.page.locator(".ddv-details").is_visible()
    graph.debugger.goto(name="release-order")
    graph.settle()
    graph.page.wait_for_timeout(250)
    x, y = place(graph, "release-order")
    box = graph.page.locator(".ddv-canvas").bounding_box()
    assert (
        box["x"] < x < box["x"] + box["width"] and box["y"] < y < box["y"] + box["height"]
    )  # brought into sight


def test_graph_by_keys(show):
    graph = show(Graph, "espresso_timed_out", "espresso")
    graph.page.get_by_role("listbox").focus()
    press(graph, "ArrowDown")
    assert said(graph).startswith("2, validate-order, parallel, succeeded, not reached yet")
    press(graph, "ArrowDown", "ArrowRight")
    assert "attendee-orders" in said(graph)
    assert graph.debugger.stop.index == 0
    press(graph, "Enter")
    assert graph.debugger.stop.asked.name == "attendee-orders"
    press(graph, "b")
    assert graph.debugger.breakpoints[-1].spec == "name=attendee-orders"
    press(graph, "End", "Enter")
    assert graph.debugger.stop.kind == "end"


def test_graph_unfolds_and_turns(show):
    graph = show(Graph, "map_200")
    graph.page.get_by_role("listbox").focus()
    graph.page.keyboard.press("/")
    graph.page.keyboard.type("photo-013")
    graph.settle()
    press(graph, "Enter", "Escape")
    graph.page.get_by_role("listbox").focus()
    before = len(graph.view.scene["nodes"])
    (seven,) = [
        node for node in graph.view.scene["nodes"] if node["count"] == 7 and node["pattern"] == "photo-*"
    ]
    graph.view.selected = graph.view.operations["position"][seven["rows"][0]]
    graph.settle()
    press(graph, "u")
    assert len(graph.view.scene["nodes"]) == before + 12
    graph.page.get_by_role("button", name="Fold again").click()
    graph.settle()
    assert len(graph.view.scene["nodes"]) == before
    graph.page.get_by_role("button", name="Top to bottom, or left to right").click()
    graph.settle()
    assert graph.view.scene["direction"] == "LR"


def test_a_picture_is_downloaded(show):
    graph = show(Graph, "espresso_timed_out")
    with graph.page.expect_download(timeout=30_000) as download:
        graph.page.get_by_role("button", name="Save a picture as SVG").click()
        graph.settle()
    assert download.value.suggested_filename == "order-418-graph.svg"


# ---- hostile and large


@pytest.mark.parametrize("kind", [Timeline, Graph])
def test_nothing_of_a_history_runs(show, tmp_path, kind):
    _, document = hostile.write(tmp_path)
    view = show(kind, dd.load(document))
    for position in ("1", "2"):
        view.view.selected = position
        view.settle()
        assert view.page.locator(".ddv-details pre").first.inner_text()
    view.page.mouse.move(300, 120)
    assert view.page.evaluate("window.hacked") is None
    assert view.page.locator("img, script:not([src])", has_text="hacked").count() == 0
    assert "\u202e" not in view.page.locator(".ddv").evaluate("one => one.textContent + one.innerHTML")
    assert view.page.locator(".ddv-details pre").evaluate_all(
        "all => all.every((one) => one.textContent.length < 20000)"
    )


# How long it takes, to be read, and how much of the page changes, which does not depend on how busy the machine is.
TIMED = """async (act) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    await frame();
    const observer = new MutationObserver((records) => { changes += count(records); });
    const count = (records) => records.reduce((sum, one) => sum + 1 + one.addedNodes.length, 0);
    let changes = 0;
    observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    const begin = performance.now();
    await (0, eval)(act)();
    await frame();
    const took = performance.now() - begin;
    changes += count(observer.takeRecords());
    observer.disconnect();
    return [took, changes];
}"""


def test_of_2900_operations_only_what_is_in_sight_is_drawn(show):
    timeline = show(Timeline, "large_2900", "large")
    page = timeline.page
    state = {name: getattr(timeline.view, name) for name in TRAITS if timeline.view.has_trait(name)}
    first = page.evaluate(
        f"""async (given) => {{
            window.cleanup();
            document.querySelector("#widget").replaceChildren();
            const show = (0, eval)({json.dumps(FAKE_MODEL)});
            const begin = performance.now();
            await show(given);
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            return performance.now() - begin;
        }}""",
        {"esm": str(timeline.view._esm), "state": state},
    )
    line(timeline, "make-*").locator(".ddv-twist").click()  # 1,440 rows more
    frames(timeline)
    total = timeline.view.at["total"]
    steps = []
    for number in range(0, total, total // 40):
        at = {
            **timeline.view.at,
            "index": number,
            "row": timeline.view._table.row_of_stop[number],
            "serial": 1000 + number,
        }
        steps.append(page.evaluate(TIMED, f"async () => window.model.set('at', {json.dumps(at)})"))
    axis = page.locator(".ddv-axis").bounding_box()
    scrubs = []
    page.evaluate("() => { window.model.send = () => {}; }")
    for share in range(5, 95, 3):
        drag = f"""async () => {{
            const axis = document.querySelector(".ddv-axis");
            const at = (kind) => axis.dispatchEvent(new PointerEvent(kind, {{ clientX: {axis["x"] + axis["width"] * share / 100}, clientY: {axis["y"] + 30}, button: 0, pointerId: 1, bubbles: true }}));
            axis.setPointerCapture = () => {{}};
            at("pointerdown"); at("pointermove");
        }}"""
        scrubs.append(page.evaluate(TIMED, drag))
    print(f"\nfirst paint: {first:.0f} ms")
    for what, found in (("step", steps), ("scrub", scrubs)):
        took, changes = zip(*found)
        print(
            f"{what}: median {sorted(took)[len(took) // 2]:.1f} ms, at most {max(changes)} changes of the page"
        )
        assert max(changes) < 1_500
    assert page.locator(".ddv-line").count() < 100  # what is in sight


@pytest.mark.parametrize("dark", [False, True])
def test_colours_follow_the_theme(show, dark):
    timeline = show(Timeline, "espresso_timed_out", dark=dark)
    ground, ink = timeline.page.locator(".ddv").evaluate(
        "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    )
    light = sum(map(int, ground[4:-1].split(",")[:3])) > 380
    assert light is not dark
    timeline.page.evaluate(f"document.body.dataset.jpThemeLight = '{str(dark).lower()}'")  # the other one
    frames(timeline)
    x, y = x_of(timeline, 0.2), middle(timeline, "initialise-order")
    assert near(pixel(timeline, x, y), WORK if dark else (72, 154, 200), 16)
    assert ink
