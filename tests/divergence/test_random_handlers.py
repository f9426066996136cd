"""Handlers made by chance: unchanged they replay clean, and one operation renamed, removed or inserted is one divergence."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import Any

import durable_debug as dd
from corpus.case import Answer, Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.divergence.bases import PRELUDE
from tests.divergence.recorded import written

COUNTER = itertools.count()
KINDS = ("step", "wait", "callback", "wait_for_callback", "child", "map", "flat_map", "parallel", "virtual")
LEAVES = ("step", "wait", "callback", "wait_for_callback")


@dataclass
class Node:
    """One operation of a handler to be written."""

    kind: str
    name: str
    inner: list[Node]


def names() -> st.SearchStrategy[int]:
    return st.integers(0, 10**6)


def nodes(depth: int) -> st.SearchStrategy[Node]:
    leaf = st.builds(Node, st.sampled_from(LEAVES), st.just(""), st.just([]))
    if depth == 0:
        return leaf
    inner = st.lists(nodes(depth - 1), min_size=1, max_size=3)
    deep = st.builds(Node, st.sampled_from(KINDS[4:]), st.just(""), inner)
    return st.one_of(leaf, leaf, deep)


def body(tree: list[Node], context: str, indent: str, functions: list[str]) -> list[str]:
    """The lines of one body; the functions that it needs go to `functions`."""
    lines = []
    for node in tree:
        n = node.name
        if node.kind == "step":
            lines.append(f'{context}.step(lambda _: did("{n}", 1), name="{n}")')
        elif node.kind == "wait":
            lines.append(f'{context}.wait(seconds(5), name="{n}")')
        elif node.kind == "callback":
            lines.append(f'{context}.create_callback(name="{n}").result()')
        elif node.kind == "wait_for_callback":
            lines.append(f'{context}.wait_for_callback(lambda i, _: did("{n}"), name="{n}")')
        else:
            inner = body(node.inner, "child", "    ", functions)
            functions.append(f"def in_{n}(child, *_):\n" + "\n".join(inner) + "\n    return 1\n")
            call = {
                "child": f'run_in_child_context(in_{n}, name="{n}")',
                "virtual": f'run_in_child_context(in_{n}, name="{n}", config=ChildConfig(is_virtual=True))',
                "map": f'map([1, 2], in_{n}, name="{n}")',
                "flat_map": f'map([1, 2], in_{n}, name="{n}", config=MapConfig(nesting_type=NestingType.FLAT))',
                "parallel": f'parallel([in_{n}, in_{n}], name="{n}")',
            }[node.kind]
            lines.append(f"{context}.{call}")
    return [indent + line for line in lines]


def source(tree: list[Node]) -> str:
    functions: list[str] = []
    lines = body(tree, "context", "    ", functions)
    text = "\n\n".join(functions)
    return (
        PRELUDE
        + text
        + "\n\n@durable_execution\ndef handler(event, context):\n"
        + "\n".join(lines)
        + "\n    return 'end'\n"
    )


def named(tree: list[Node], prefix: str = "n") -> list[Node]:
    """The same tree with a name of its own for each operation."""
    return [
        Node(node.kind, f"{prefix}{i}", named(node.inner, f"{prefix}{i}x")) for i, node in enumerate(tree)
    ]


def flat(tree: list[Node]) -> list[tuple[list[Node], int]]:
    return [place for i, node in enumerate(tree) for place in ((tree, i), *flat(node.inner))]


def recorded(tree: list[Node], number: int) -> Any:
    resolve(written(f"random_{number}", source(tree)))
    module = sys.modules[f"random_{number}"]
    answers = {node.name: [Answer(3, "1")] for level, i in flat(tree) for node in [level[i]]}
    case = Case(handler=module.handler, name=f"random-{number}", answers=answers, module="tests.random")
    recording = run(case)
    assert recording.status == "SUCCEEDED", recording.error
    module.RAN.clear()
    return dd.load(recording.history)


def changed(tree: list[Node], place: int, how: str) -> tuple[list[Node], str]:
    level, index = flat(tree)[place]
    node = level[index]
    if how == "renamed" and node.kind != "virtual":
        node.name += "_new"
        return tree, "renamed"
    if how == "missing" and (len(level) > 1 or level is tree) and node.kind != "virtual":
        del level[index]
        return tree, "missing"
    level.insert(index, Node("step", "inserted", []))
    return tree, "unexpected"


@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.lists(nodes(2), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.sampled_from(["renamed", "missing", "unexpected"]),
)
def test_a_random_handler(tree: list[Node], chance: int, how: str) -> None:
    number = next(COUNTER)
    tree = named(tree)
    history = recorded(tree, number)
    run = dd.replay(f"{written(f'random_{number}', source(tree))}", history)
    assert run.ok, run.report() + source(tree)[len(PRELUDE) :]
    other, kind = changed(tree, chance % len(flat(tree)), how)
    run = dd.replay(written(f"random_{number}_changed", source(other)), history)
    assert [one.kind for one in run.divergences] == [kind], run.report() + source(other)[len(PRELUDE) :]
    for name in (f"random_{number}", f"random_{number}_changed"):
        assert sys.modules.pop(name).RAN == []
