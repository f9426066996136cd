"""What nobody knows is marked as such wherever it ends up, and is never an empty object."""

from __future__ import annotations

import json

import durable_debug as dd
import pytest

from tests.divergence.recorded import written
from tests.divergence.test_branches import HEAD, history_of

OLD = """
@durable_execution
def handler(event, context):
    return context.step(lambda _: 1, name="a")
"""
UNKNOWN = "<unrecorded>"
# What is asked for behind the step, and what the handler would then return.
NEW = {
    "step": ("context.step(lambda _: 1, name='new')", UNKNOWN),
    "invoke": ("context.invoke('other', {}, name='new')", UNKNOWN),
    "callback": ("context.wait_for_callback(lambda i, c: None, name='new')", UNKNOWN),
    "child": (
        "context.run_in_child_context(lambda c: {'in': c.step(lambda _: 1)}, name='new')",
        {"in": UNKNOWN},
    ),
    "virtual": (
        "context.run_in_child_context(lambda c: [c.step(lambda _: 1), 2], name='new',"
        " config=ChildConfig(is_virtual=True))",
        [UNKNOWN, 2],
    ),
    "child of a child": (
        "context.run_in_child_context(lambda c: c.run_in_child_context(lambda d: {'n': (d.step(lambda _: 1),)}))",
        {"n": [UNKNOWN]},
    ),
    "map": (
        "context.map([1, 2], lambda c, x, i, xs: {'x': x, 'y': c.step(lambda _: 1)}, name='new').get_results()",
        [{"x": 1, "y": UNKNOWN}, {"x": 2, "y": UNKNOWN}],
    ),
    "flat map": (
        "context.map([1, 2], lambda c, x, i, xs: c.step(lambda _: 1), name='new',"
        " config=MapConfig(nesting_type=NestingType.FLAT)).get_results()",
        [UNKNOWN, UNKNOWN],
    ),
    "parallel": (
        "context.parallel([lambda c: c.step(lambda _: 1), lambda c: 'known'], name='new').get_results()",
        [UNKNOWN, "known"],
    ),
    "what is known of it": (
        "{'empty': context.run_in_child_context(lambda c: {}, name='new')}",
        {"empty": {}},
    ),
    "what is made of it": (
        "(lambda r: [r['a']['b'], r.c, r + 1, f'id-{r}', r.copy(), r.pop('x')])(context.step(lambda _: 1, name='new'))",
        [UNKNOWN, UNKNOWN, UNKNOWN, f"id-{UNKNOWN}", UNKNOWN, UNKNOWN],
    ),
}


@pytest.mark.parametrize("kind", NEW)
def test_values_that_nobody_knows(kind) -> None:
    expression, expected = NEW[kind]
    source = OLD.replace("    return context", "    context") + f"    return {{'made': {expression}}}\n"
    history = history_of(f"made_{kind.replace(' ', '_')}", OLD)
    run = dd.replay(written(f"made_{kind.replace(' ', '_')}_new", HEAD + source), history)
    assert json.loads(run.complete.outcome.result) == {"made": expected}
    assert "{}" not in "".join(one.message for one in run.divergences) or "known" in kind
    assert UNKNOWN in run.complete.outcome.result or "known of" in kind


def test_a_codec_of_the_users_is_given_what_it_always_was() -> None:
    codec = """
class Codec(SerDes):
    def serialize(self, value, context):
        return json.dumps({"sealed": value})
    def deserialize(self, text, context):
        return json.loads(text)["sealed"]
"""
    source = (
        codec
        + OLD.replace("    return context", "    context")
        + "    return context.run_in_child_context(lambda c: {'in': c.step(lambda _: 1)},"
        " config=ChildConfig(serdes=Codec()))\n"
    )
    head = "import json\nfrom aws_durable_execution_sdk_python.serdes import SerDes\n" + HEAD
    run = dd.replay(written("made_codec_new", head + source), history_of("made_codec", OLD))
    assert json.loads(run.complete.outcome.result) == {"in": UNKNOWN}
    assert [one.kind for one in run.divergences if one.kind in {"undeserializable", "swallowed"}] == []
