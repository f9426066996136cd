"""Branches that come and go, anywhere: one divergence, which names them; and rewritten batches are one, too."""

from __future__ import annotations

import itertools
import sys

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.recorded import written

HEAD = """
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import *

"""
INSIDE = {
    "names": "return c.step(lambda _: x * 2, name=f'item-{x}')",
    "two": "c.step(lambda _: x, name=f'first-{x}'); return c.step(lambda _: x, name='second')",
    "waits": "c.wait(Duration.from_seconds(x), name='w'); return 1",
    "results": "c.step(lambda _: 1, name='same'); return x * 10",
    "children": "return c.run_in_child_context(lambda k: k.step(lambda _: 1, name=f'in-{x}'), name='kid')",
    "alike": "return c.step(lambda _: 1, name='same')",
}
EDITS = {"first": [2, 3, 4], "middle": [1, 2, 4], "last": [1, 2, 3], "two": [2, 4], "new": [9, 1, 2, 3, 4]}
CONFIGS = {
    "nested": "MapConfig()",
    "flat": "MapConfig(nesting_type=NestingType.FLAT)",
    "named": "MapConfig(item_namer=lambda x, i: f'n-{x}')",
}


def history_of(name: str, source: str, **facts) -> dd.History:
    path = written(f"br_{name}", HEAD + source)
    resolve(path)
    module = sys.modules[f"br_{name}"]
    found = run(Case(handler=module.handler, name=name.replace("_", "-"), module="tests.branches", **facts))
    history = dd.load(found.history)
    assert dd.replay(path, history).ok
    return history


def changed(name: str, source: str, history: dd.History) -> dd.Run:
    return dd.replay(written(f"br_{name}_changed", HEAD + source), history, timeout=5)


def handler_of(items: list[int], inside: str, config: str) -> str:
    return f"""
def each(c, x, i, xs):
    {INSIDE[inside]}

@durable_execution
def handler(event, context):
    context.step(lambda _: 1, name="before")
    context.map({items}, each, name="m", config={CONFIGS[config]})
    return context.step(lambda _: 1, name="after")
"""


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("config", CONFIGS)
def test_items_that_come_or_go_are_one_divergence(inside, config) -> None:
    history = history_of(f"{inside}_{config}", handler_of([1, 2, 3, 4], inside, config))
    for edit, items in EDITS.items():
        found = changed(f"{inside}_{config}_{edit}", handler_of(items, inside, config), history)
        assert [one.kind for one in found.divergences] == ["item_count"], (edit, found.report())
        (one,) = found.divergences
        assert "context.map" in one.source, found.report()
        apart = inside != "alike" or config == "named"  # nothing tells which of several alike ones it was
        if edit in {"first", "middle", "last"} and apart and not (inside == "results" and config == "flat"):
            gone = {"first": 0, "middle": 2, "last": 3}[edit]
            assert f"gone: branch {gone}" in one.message, found.report()
        if edit == "new" and apart and not (inside == "results" and config == "flat"):
            assert "new: branch 0" in one.message, found.report()


def parallel_of(branches: str, config: str) -> str:
    return f"""
@durable_execution
def handler(event, context):
    def a(c): return c.step(lambda _: 1, name="a")
    def b(c): return c.invoke("b", 1, name="b")
    def d(c): return c.step(lambda _: 3, name="d")
    return context.parallel([{branches}], name="p", config={config}).get_results()
"""


@pytest.mark.parametrize("config", ["ParallelConfig()", "ParallelConfig(nesting_type=NestingType.FLAT)"])
@pytest.mark.parametrize(
    ("branches", "which"), [("b, d", "branch 0"), ("a, d", "branch 1"), ("a, b", "branch 2")]
)
def test_parallel_branches_that_go(branches, which, config) -> None:
    name = f"p{'flat' if 'FLAT' in config else ''}"
    history = history_of(name, parallel_of("a, b, d", config), plain={"b": lambda event, context: 2})
    found = changed(f"{name}_{which[-1]}", parallel_of(branches, config), history)
    assert [one.kind for one in found.divergences] == ["item_count"], found.report()
    assert f"gone: {which}" in found.divergences[0].message


def test_an_open_batch_fails_at_the_index_and_the_finding_is_the_item() -> None:
    """Lambda goes by the index: the verdict is the SDK's, the finding is what a person did."""
    items = [1, 2, 3, 4]
    source = handler_of(items, "waits", "nested").replace(
        "'w')", "f'w-{{x}}')".replace("{{", "{").replace("}}", "}")
    )
    source = source.replace("name=f'w-", "name=f'w-")
    source = source.replace("name='w'", "name=f'w-{x}'")
    whole = history_of("open", source)
    waits = [e["EventId"] for e in whole.raw if e["EventType"] == "WaitStarted"]
    cut = dd.load({"Events": [e for e in whole.raw if e["EventId"] <= waits[-1]]})
    new = source.replace(str(items), "[2, 3, 4]")
    found = changed("open_cut", new, cut)
    assert [one.kind for one in found.divergences] == ["item_count"], found.report()
    (one,) = found.divergences
    assert one.severity == "error" and "NonDeterministicExecutionError" in one.lambda_effect
    assert "gone: branch 0" in one.message


REWRITES = {
    "inline_a_nested_parallel": (
        "context.parallel([lambda c: c.parallel([lambda k: k.step(lambda _: 1, name='x'), lambda k: k.step(lambda _: 2, name='y')], name='inner')], name='outer')",
        "context.parallel([lambda k: k.step(lambda _: 1, name='x'), lambda k: k.step(lambda _: 2, name='y')], name='inner')",
    ),
    "inline_a_child_around_a_wait_without_a_name": (
        "context.run_in_child_context(lambda c: c.wait(Duration.from_seconds(1)), name='kid')",
        "context.wait(Duration.from_seconds(1))",
    ),
    "a_map_as_a_loop": (
        "context.map([1, 2, 3], lambda c, x, i, xs: c.step(lambda _: x, name=f's-{x}'), name='m')",
        "[context.step(lambda _: x, name=f's-{x}') for x in (1, 2, 3)]",
    ),
    "a_loop_as_a_map": (
        "[context.step(lambda _: x, name=f's-{x}') for x in (1, 2, 3)]",
        "context.map([1, 2, 3], lambda c, x, i, xs: c.step(lambda _: x, name=f's-{x}'), name='m')",
    ),
    "a_parallel_as_a_sequence": (
        "context.parallel([lambda c: c.step(lambda _: 1, name='x'), lambda c: c.step(lambda _: 2, name='y')], name='p')",
        "[context.step(lambda _: 1, name='x'), context.step(lambda _: 2, name='y')]",
    ),
    "a_child_around_two": (
        "[context.step(lambda _: 1, name='x'), context.step(lambda _: 2, name='y')]",
        "context.run_in_child_context(lambda c: [c.step(lambda _: 1, name='x'), c.step(lambda _: 2, name='y')], name='kid')",
    ),
}


@pytest.mark.parametrize("name", REWRITES)
@pytest.mark.parametrize("behind", [True, False])
def test_what_was_rewritten_is_one_divergence_with_two_sides(name, behind) -> None:
    before, after = (
        "@durable_execution\ndef handler(event, context):\n"
        "    context.step(lambda _: 0, name='first')\n"
        f"    {line}\n    "
        + ("return context.step(lambda _: 9, name='last')" if behind else "return 1")
        + "\n"
        for line in REWRITES[name]
    )
    tag = f"{name}_{behind}"
    found = changed(tag, after, history_of(tag, before))
    assert len(found.divergences) == 1, found.report()
    (one,) = found.divergences
    assert one.recorded != one.asked
    assert one.file and "context." in one.source, found.report()


def test_several_maps_are_told_apart() -> None:
    """A change in one of two maps that look alike is told at its line, and the other one stays clean."""
    source = """
def each(c, x, i, xs):
    return c.step(lambda _: x, name=f"item-{x}")

@durable_execution
def handler(event, context):
    first = context.map([1, 2, 3], each, name="m").get_results()
    second = context.map([4, 5, 6], each, name="m").get_results()  # the second
    return first + second
"""
    found = changed("several", source.replace("[4, 5, 6]", "[5, 6]"), history_of("several", source))
    assert [one.kind for one in found.divergences] == ["item_count"], found.report()
    assert "# the second" in found.divergences[0].source


@pytest.mark.parametrize("items", list(itertools.combinations("abcde", 3))[:6])
def test_any_three_of_five(items) -> None:
    source = """
@durable_execution
def handler(event, context):
    return context.map(list("abcde"), lambda c, x, i, xs: c.step(lambda _: x, name=x), name="m").get_results()
"""
    history = history_of("five", source)
    found = changed(f"three_{''.join(items)}", source.replace('"abcde"', f'"{"".join(items)}"'), history)
    assert [one.kind for one in found.divergences] == ["item_count"], found.report()
    gone = [i for i, x in enumerate("abcde") if x not in items]
    assert all(f"branch {i} with STEP" in found.divergences[0].message for i in gone)
