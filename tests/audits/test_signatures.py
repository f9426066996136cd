"""What another handler does too is compared as a whole, however much of it is shown."""

from __future__ import annotations

import durable_debug as dd
import pytest

from tests.divergence.recorded import written
from tests.divergence.test_branches import HEAD, history_of

LONG = "A" * 300
KINDS = {  # where the difference is: behind 160 characters, in each of these
    "result": "return '{}'",
    "error": "raise ValueError('{}')",
    "payload": "return context.invoke('other', '{}', name='pay')",
    "name": "return context.step(lambda _: 1, name='{}')",
    "child_result": "return len(context.run_in_child_context(lambda c: '{}', name='kid'))",
    "item_result": "return len(context.map([1], lambda c, x, i, xs: '{}', name='m', config=MapConfig(nesting_type=NestingType.FLAT)).all)",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_difference_behind_what_is_shown_is_new(kind) -> None:
    def source(end: str) -> str:
        return (
            "@durable_execution\ndef handler(event, context):\n    " + KINDS[kind].format(LONG + end) + "\n"
        )

    facts = {"plain": {"other": lambda event, context: 1}} if kind == "payload" else {}
    if kind == "error":
        facts["status"] = "FAILED"
    history = history_of(f"sig_{kind}", source("x"), **facts)
    old = written(f"sig_{kind}_old", HEAD + source("y"))
    new = written(f"sig_{kind}_new", HEAD + source("z"))
    same = dd.audit(old, [history], against=old, n_jobs=1, progress=False)
    other = dd.audit(new, [history], against=old, n_jobs=1, progress=False)
    assert same.ok and same.rows[0].known, same.report()
    assert not other.ok, other.report()


def test_what_only_follows_from_something_known_is_known() -> None:
    """The end differs, but Lambda never comes to it: a rename before it stops both handlers."""
    source = """
@durable_execution
def handler(event, context):
    context.step(lambda _: 1, name="a")
    return 1
"""
    history = history_of("sig_follows", source)
    old = written("sig_follows_old", HEAD + source.replace('"a"', '"A"'))
    new = written("sig_follows_new", HEAD + source.replace('"a"', '"A"').replace("return 1", "return 2"))
    assert dd.audit(new, [history], against=old, n_jobs=1, progress=False).ok
    assert not dd.audit(new, [history], n_jobs=1, progress=False).ok
