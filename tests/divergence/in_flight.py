"""Code that is changed while an execution runs: what Lambda does then, by running the old code first and then the new one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache

import durable_debug as dd
from corpus.case import Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.recorded import written

HEAD = """\
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import *
from aws_durable_execution_sdk_python.retries import *
"""
ONE_AFTER_THE_OTHER = """
@durable_execution
def handler(event, context):
    a = context.step(lambda _: 1, name="a")
    b = context.step(lambda _: 2, name="b")
    context.wait(Duration.from_seconds(1), name="w")
    c = context.step(lambda _: 3, name="c")
    context.wait(Duration.from_seconds(1), name="w2")
    d = context.step(lambda _: 4, name="d")
    return [a, b, c, d]
"""
CAUGHT = """
@durable_execution
def handler(event, context):
    try:
        a = context.step(lambda _: 1, name="a")
        context.wait(Duration.from_seconds(1), name="w")
        b = context.step(lambda _: 2, name="b")
        return a + b
    except Exception as error:
        return "went wrong"
"""
RAISED_AGAIN = CAUGHT.replace('return "went wrong"', 'raise ValueError("oh no")')
CHILD = """
@durable_execution
def handler(event, context):
    def body(c):
        a = c.step(lambda _: 1, name="a")
        c.wait(Duration.from_seconds(1), name="w")
        return a + c.step(lambda _: 2, name="b")
    x = context.run_in_child_context(body, name="kid")
    return x + context.step(lambda _: 3, name="z")
"""
CHILD_CATCHES = """
@durable_execution
def handler(event, context):
    def body(c):
        try:
            a = c.step(lambda _: 1, name="a")
            c.wait(Duration.from_seconds(1), name="w")
            return a + c.step(lambda _: 2, name="b")
        except Exception:
            return -1
    x = context.run_in_child_context(body, name="kid")
    return x + context.step(lambda _: 3, name="z")
"""
MAP = """
@durable_execution
def handler(event, context):
    def each(c, x, i, xs):
        a = c.step(lambda _: x, name="a")
        c.wait(Duration.from_seconds(1), name="w")
        return a + c.step(lambda _: 2, name="b")
    x = context.map([1, 2, 3], each, name="m").get_results()
    return x + [context.step(lambda _: 3, name="z")]
"""
MAP_CATCHES = """
@durable_execution
def handler(event, context):
    def each(c, x, i, xs):
        try:
            a = c.step(lambda _: x, name="a")
            c.wait(Duration.from_seconds(1), name="w")
            return a + c.step(lambda _: 2, name="b")
        except Exception:
            return -1
    x = context.map([1, 2, 3], each, name="m").get_results()
    return x + [context.step(lambda _: 3, name="z")]
"""
PARALLEL = """
@durable_execution
def handler(event, context):
    def one(c):
        a = c.step(lambda _: 1, name="a")
        c.wait(Duration.from_seconds(1), name="w")
        return a + c.step(lambda _: 2, name="b")
    def two(c):
        a = c.step(lambda _: 1, name="p")
        c.wait(Duration.from_seconds(2), name="q")
        return a + c.step(lambda _: 2, name="r")
    x = context.parallel([one, two], name="m").get_results()
    return x + [context.step(lambda _: 3, name="z")]
"""
RETRIES = """
TRIED = []
@durable_execution
def handler(event, context):
    a = context.step(lambda _: 1, name="a")
    def body(_):
        TRIED.append(1)
        if len(TRIED) < 3:
            raise ValueError("again")
        return 5
    often = RetryStrategyConfig(initial_delay=Duration.from_seconds(1), jitter_strategy=JitterStrategy.NONE)
    r = context.step(body, name="r", config=StepConfig(retry_strategy=create_retry_strategy(often)))
    return a + r + context.step(lambda _: 3, name="z")
"""
FLAT = MAP.replace('name="m")', 'name="m", config=MapConfig(nesting_type=NestingType.FLAT))')
NAMED = MAP.replace('name="m")', 'name="m", config=MapConfig(item_namer=lambda x, i: f"item-{x}"))')
VIRTUAL = CHILD.replace('name="kid")', 'name="kid", config=ChildConfig(is_virtual=True))')
NESTED = """
@durable_execution
def handler(event, context):
    def inner(c, x, i, xs):
        a = c.step(lambda _: x, name="a")
        c.wait(Duration.from_seconds(1), name="w")
        return a + c.step(lambda _: 2, name="b")
    def outer(c, x, i, xs):
        s = c.step(lambda _: x, name="s")
        y = c.map([1, 2], inner, name="in").get_results()
        return [s, y, c.step(lambda _: 2, name="t")]
    x = context.map([1, 2], outer, name="m").get_results()
    return x + [context.step(lambda _: 3, name="z")]
"""
RECOVERS = """
@durable_execution
def handler(event, context):
    a = None
    try:
        a = context.step(lambda _: 1, name="a")
    except Exception:
        pass
    context.wait(Duration.from_seconds(1), name="w")
    b = context.step(lambda _: 2, name="b")
    context.wait(Duration.from_seconds(1), name="w2")
    return [a, b]
"""
NEW = 'context.step(lambda _: 0, name="new")\n'


@dataclass(frozen=True)
class InFlight:
    """A base; a piece of it and what stands there since; how many invocations ran the old code; the kind and line told."""

    base: str
    old: str
    new: str
    after: int
    kind: str
    line: str
    ends: str = "FAILED"
    severity: str = "error"

    @property
    def source(self) -> str:
        assert self.old in self.base
        return HEAD + self.base.replace(self.old, self.new, 1)


_IN = InFlight
_A, _B, _C = ONE_AFTER_THE_OTHER, CAUGHT, RAISED_AGAIN
CASES = {
    "rename": _IN(_A, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "rename_second": _IN(_A, 'name="b"', 'name="B"', 1, "renamed", 'name="B"'),
    "rename_later": _IN(_A, 'name="c"', 'name="C"', 2, "renamed", 'name="C"'),
    "rename_wait": _IN(_A, 'name="w"', 'name="W"', 1, "renamed", 'name="W"'),
    "insert": _IN(_A, "    b = con", f"    {NEW}    b = con", 1, "unexpected", 'name="new"'),
    "insert_later": _IN(_A, "    c = con", f"    {NEW}    c = con", 2, "unexpected", 'name="new"'),
    "remove": _IN(_A, 'context.step(lambda _: 1, name="a")', "1", 1, "missing", "b = context.step"),
    "remove_second": _IN(_A, 'context.step(lambda _: 2, name="b")', "2", 1, "missing", 'name="w")'),
    "remove_later": _IN(_A, 'context.step(lambda _: 3, name="c")', "3", 2, "missing", 'name="w2"'),
    "remove_last_recorded": _IN(
        _A, '    context.wait(Duration.from_seconds(1), name="w2")\n', "", 2, "missing", 'name="d"'
    ),
    "retype": _IN(
        _A,
        'context.step(lambda _: 1, name="a")',
        'context.wait(Duration.from_seconds(1), name="a")',
        1,
        "retyped",
        'name="a"',
    ),
    "swap": _IN(
        _A,
        '    a = context.step(lambda _: 1, name="a")\n    b = context.step(lambda _: 2, name="b")',
        '    b = context.step(lambda _: 2, name="b")\n    a = context.step(lambda _: 1, name="a")',
        1,
        "reordered",
        'name="b"',
    ),
    "caught_rename": _IN(_B, 'name="a"', 'name="A"', 1, "renamed", 'name="A"', "SUCCEEDED"),
    "caught_insert": _IN(
        _B, "        a = ", f"        {NEW}        a = ", 1, "unexpected", '"new"', "SUCCEEDED"
    ),
    "caught_remove": _IN(
        _B, 'context.step(lambda _: 1, name="a")', "1", 1, "missing", 'name="w"', "SUCCEEDED"
    ),
    "raised_rename": _IN(_C, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "raised_insert": _IN(
        _C, "        context.w", f"        {NEW}        context.w", 1, "unexpected", 'name="new"'
    ),
    "in_child_rename": _IN(CHILD, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "in_child_insert": _IN(
        CHILD, "        c.w", "        c" + NEW[7:] + "        c.w", 1, "unexpected", '"new"'
    ),
    "child_rename": _IN(CHILD, 'name="kid"', 'name="KID"', 1, "renamed", 'name="KID"'),
    "child_catches": _IN(
        CHILD_CATCHES, 'name="a"', 'name="A"', 1, "renamed", 'name="A"', "SUCCEEDED", "info"
    ),
    "in_map_rename": _IN(MAP, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "in_map_insert": _IN(MAP, "        c.w", "        c" + NEW[7:] + "        c.w", 1, "unexpected", '"new"'),
    "in_map_remove": _IN(MAP, 'c.step(lambda _: x, name="a")', "x", 1, "missing", 'name="w"'),
    "map_rename": _IN(MAP, 'name="m"', 'name="M"', 1, "renamed", 'name="M"'),
    "branches_catch": _IN(MAP_CATCHES, 'name="a"', 'name="A"', 1, "renamed", 'name="A"', "SUCCEEDED", "info"),
    "in_first_branch": _IN(PARALLEL, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "in_second_branch": _IN(PARALLEL, 'name="p"', 'name="P"', 1, "renamed", 'name="P"'),
    "in_second_branch_wait": _IN(PARALLEL, 'name="q"', 'name="Q"', 1, "renamed", 'name="Q"'),
    "in_second_branch_later": _IN(PARALLEL, 'name="p"', 'name="P"', 2, "renamed", 'name="P"'),
    "flat_rename": _IN(FLAT, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "flat_insert": _IN(FLAT, "        c.w", "        c" + NEW[7:] + "        c.w", 1, "unexpected", '"new"'),
    "flat_to_nested": _IN(
        FLAT, ", config=MapConfig(nesting_type=NestingType.FLAT)", "", 1, "nesting_changed", 'name="m"'
    ),
    "nested_to_flat": _IN(
        MAP,
        'name="m")',
        'name="m", config=MapConfig(nesting_type=NestingType.FLAT))',
        1,
        "nesting_changed",
        'name="m"',
    ),
    "items_renamed": _IN(NAMED, "item-", "piece-", 1, "branch_name", "piece-"),
    "virtual_rename": _IN(VIRTUAL, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "virtual_no_more": _IN(
        VIRTUAL, ", config=ChildConfig(is_virtual=True)", "", 1, "nesting_changed", 'name="kid"'
    ),
    "in_nested_rename": _IN(NESTED, 'name="a"', 'name="A"', 1, "renamed", 'name="A"'),
    "in_nested_outer": _IN(NESTED, 'name="s"', 'name="S"', 1, "renamed", 'name="S"'),
    "nested_map_rename": _IN(NESTED, 'name="in"', 'name="IN"', 1, "renamed", 'name="IN"'),
    "recovers": _IN(RECOVERS, 'name="a"', 'name="A"', 1, "renamed", 'name="A"', "SUCCEEDED"),
    "recovers_later": _IN(RECOVERS, 'name="a"', 'name="A"', 2, "renamed", 'name="A"', "SUCCEEDED"),
    "before_retries": _IN(RETRIES, 'name="a"', 'name="A"', 2, "renamed", 'name="A"'),
    "retries": _IN(RETRIES, 'name="r"', 'name="R"', 2, "renamed", 'name="R"'),
}


@cache
def executed(name: str) -> dd.History:
    """The history of an execution whose code was changed after some invocations."""
    case = CASES[name]
    handlers = []
    for which, source in (("old", HEAD + case.base), ("new", case.source)):
        resolve(written(f"flight_{which}_{name}", source))
        handlers.append(sys.modules[f"flight_{which}_{name}"].handler)
    old, new = handlers
    invocations = []

    def deployed(event, context):
        invocations.append(event)
        return (old if len(invocations) <= case.after else new)(event, context)

    found = run(
        Case(handler=deployed, name=name.replace("_", "-"), module="tests.in_flight", status=case.ends)
    )
    assert found.status == case.ends, found.error
    assert len(invocations) > case.after
    return dd.load(found.history)
