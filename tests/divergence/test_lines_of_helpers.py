"""Which line is named where a helper asks: that of the call whose outcome is another, not the helper's, unless it changed."""

from __future__ import annotations

import durable_debug as dd
import pytest

from tests.divergence.recorded import written
from tests.divergence.test_branches import HEAD, history_of

LOOP = """
def save(c, name, v):
    return c.step(lambda _: v, name=name)

@durable_execution
def handler(event, context):
    context.step(lambda _: 0, name="zero")
    for n in ("a", "b", "c", "d"):
        save(context, n, 1)
    return context.step(lambda _: 9, name="end")
"""
SHAPES = {
    "loop": LOOP,
    "comprehension": LOOP.replace(
        '    for n in ("a", "b", "c", "d"):\n        save(context, n, 1)',
        '    [save(context, n, 1) for n in ("a", "b", "c", "d")]',
    ),
    "helper_of_a_helper": LOOP.replace(
        "@durable_execution", "def keep(c, n):\n    return save(c, n, 1)\n\n@durable_execution"
    ).replace("save(context, n, 1)", "keep(context, n)"),
    "partial": LOOP.replace("@durable_execution", "import functools\n\n@durable_execution")
    .replace("    for n in", "    one = functools.partial(save, context)\n    for n in")
    .replace("save(context, n, 1)", "one(n, 1)"),
}
EDITS = {
    "rename": ('"b", "c"', '"b", "x"', "renamed"),
    "remove": ('"b", "c"', '"b"', "missing"),
    "insert": ('"b", "c"', '"b", "x", "c"', "unexpected"),
}


def cut_at(history: dd.History, name: str) -> dd.History:
    """The history as it was when a step had just ended."""
    (last,) = history.operations.loc[history.operations["name"] == name, "end_event_id"]
    return dd.load({"Events": [event for event in history.raw if event["EventId"] <= last]})


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("edit", EDITS)
def test_a_helper_in_a_loop(shape, edit) -> None:
    """The call, as for one call site; the same line in the whole history and in one that was cut."""
    history = history_of(f"help_{shape}", SHAPES[shape])
    was, now, kind = EDITS[edit]
    handler = written(f"help_{shape}_{edit}", HEAD + SHAPES[shape].replace(was, now))
    lines = set()
    for record in (history, cut_at(history, "d")):
        found = dd.replay(handler, record)
        assert [one.kind for one in found.divergences] == [kind], found.report()
        (one,) = found.divergences
        assert "c.step(" not in one.source, found.report()
        assert any(piece in one.source for piece in ("save(context", "keep(context", "one(n")), found.report()
        lines.add(one.line)
    assert len(lines) == 1


def test_a_change_in_the_helper_is_told_in_the_helper() -> None:
    history = history_of("help_inner", LOOP)
    found = dd.replay(
        written("help_inner_changed", HEAD + LOOP.replace("name=name", 'name="x" + name')), history
    )
    assert [one.kind for one in found.divergences] == ["renamed"]
    assert "c.step(" in found.divergences[0].source and found.divergences[0].occurrences == 4


def test_of_two_callers_the_one_that_changed_is_told() -> None:
    source = """
def save(c, name, v):
    return c.step(lambda _: v, name=name)

@durable_execution
def handler(event, context):
    for n in ("a", "b"):
        save(context, n, 1)  # the first
    for n in ("c", "d"):
        save(context, n, 2)  # the second
"""
    history = history_of("help_callers", source)
    found = dd.replay(written("help_callers_changed", HEAD + source.replace('"d"', '"x"')), history)
    assert [one.kind for one in found.divergences] == ["renamed"]
    assert "# the second" in found.divergences[0].source


def test_the_loop_in_a_helper_is_told_where_its_items_are_written() -> None:
    source = """
def all_of(c):
    for n in ("a", "b", "c"):
        c.step(lambda _: 1, name=n)

@durable_execution
def handler(event, context):
    all_of(context)
"""
    history = history_of("help_items", source)
    found = dd.replay(written("help_items_changed", HEAD + source.replace('"b"', '"x"')), history)
    assert "c.step(" in found.divergences[0].source
