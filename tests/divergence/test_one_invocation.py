"""One invocation is compared with what it knew at its end: what changed up to there is told as for the whole, and nothing else."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Iterator

import durable_debug as dd
import pytest
from corpus.case import Answer, Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.in_flight import CHILD, HEAD, MAP, ONE_AFTER_THE_OTHER, PARALLEL, RETRIES
from tests.divergence.recorded import written

CALLBACK = """
@durable_execution
def handler(event, context):
    a = context.step(lambda _: 1, name="a")
    cb = context.create_callback(name="cb")
    b = context.step(lambda _: 2, name="b")
    r = cb.result()
    c = context.step(lambda _: 3, name="c")
    def kid(x):
        p = x.step(lambda _: 4, name="p")
        x.wait(Duration.from_seconds(5), name="q")
        return p + x.step(lambda _: 6, name="r")
    d = context.run_in_child_context(kid, name="kid")
    return [a, b, c, d, r]
"""
BASES = {
    "sequence": ONE_AFTER_THE_OTHER,
    "child": CHILD,
    "map": MAP,
    "parallel": PARALLEL,
    "callback": CALLBACK,
    "retries": RETRIES,
}
CALL = re.compile(
    r'(?P<to>\w+ = )?(?P<on>\w+)\.(?:step\(lambda _: (?P<gives>\w+), |wait\([^\n]*)name="(?P<name>\w+)"\)'
)


def changed(source: str) -> Iterator[tuple[str, str, str]]:
    """Each operation removed, renamed, or with another one put before it."""
    for found in CALL.finditer(source):
        before, after = source[: found.start()], source[found.end() :]
        name, line = found["name"], before.rpartition("\n")[2]
        yield "missing", name, f"{before}{found['to'] or ''}{found['gives']}{after}"
        yield "renamed", name, before + found[0].replace(f'"{name}"', f'"{name * 3}"') + after
        if not line.strip():
            new = f'{found["on"]}.step(lambda _: 0, name="new")\n{line}'
            yield "unexpected", name, before + new + found[0] + after


CHANGES = {
    f"{base}_{kind}_{name}": (base, kind, name, source)
    for base, text in BASES.items()
    for kind, name, source in changed(text)
}


@cache
def history_of(base: str) -> dd.History:
    resolve(written(f"invoked_{base}", HEAD + BASES[base]))
    handler = sys.modules[f"invoked_{base}"].handler
    answers = {"cb": [Answer(5, result='"yes"')]}
    return dd.load(run(Case(handler=handler, name=base, module="tests.one", answers=answers)).history)


@pytest.mark.parametrize("base", BASES)
def test_unchanged(base: str) -> None:
    history = history_of(base)
    assert history.status == "SUCCEEDED" and history.invocation_count > 1
    for k in range(1, history.invocation_count + 1):
        one = dd.replay(written(f"invoked_{base}", HEAD + BASES[base]), history, invocation=k)
        assert one.ok, one.report()
        assert one.status == ("SUCCEEDED" if k == history.invocation_count else "PENDING")


@pytest.mark.parametrize("name", CHANGES)
def test_changed(name: str) -> None:
    base, kind, operation, source = CHANGES[name]
    history, path = history_of(base), written(f"invoked_{name}", HEAD + source)
    (whole,) = dd.replay(path, history).divergences
    assert whole.kind == kind
    began = min(o.start_invocation for o in history.tree() if o.name == operation)
    for k in range(1, history.invocation_count + 1):
        one = dd.replay(path, history, invocation=k)
        expected = [kind] if began <= k else []
        assert [found.kind for found in one.divergences] == expected, one.report()
        # Where the last that it knew is gone, the line where it stands in wait shows that, not the next call.
        assert all(abs(found.line - whole.line) <= (kind == "missing") for found in one.divergences)
        assert one.ok is not bool(expected)


def test_swapped() -> None:
    a, b = (f'    {x} = context.step(lambda _: {n}, name="{x}")\n' for x, n in (("a", 1), ("b", 2)))
    source = HEAD + ONE_AFTER_THE_OTHER.replace(a + b, b + a)
    for k in (1, 2, 3):
        (one,) = dd.replay(
            written("invoked_swapped", source), history_of("sequence"), invocation=k
        ).divergences
        assert one.kind == "reordered"


def test_swapped_with_what_it_was_suspended_on() -> None:
    source = MAP.replace(
        '        a = c.step(lambda _: x, name="a")\n        c.wait(Duration.from_seconds(1), name="w")\n',
        '        c.wait(Duration.from_seconds(1), name="w")\n        a = c.step(lambda _: x, name="a")\n',
    )
    for k in (None, 1, 2):
        found = dd.replay(written("invoked_wait_first", HEAD + source), history_of("map"), invocation=k)
        assert [one.kind for one in found.divergences] == ["reordered"], found.report()


def test_no_longer_suspended() -> None:
    """What it was suspended on is asked for, but not waited for: it goes on instead."""
    source = HEAD + CALLBACK.replace("cb.result()", "'at once'")
    history = history_of("callback")
    (one,) = dd.replay(written("invoked_unawaited", source), history, invocation=1).divergences
    assert one.kind == "outcome"
    assert "is suspended" in one.message
    assert '"c"' in one.source
