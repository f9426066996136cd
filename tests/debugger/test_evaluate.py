"""Expressions over the variables of a stop: they read everything and change nothing."""

from __future__ import annotations

import socket
import sys

import durable_debug as dd
import pytest

from tests.debugger.walk import open_debugger


@pytest.fixture
def dbg():
    with open_debugger("timed out") as opened:
        opened.goto(position="5")
        yield opened


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("order['drink'] == event['drink']", True),
        ("  len(order)  ", 3),
        ("[k for k in order if k in event]", ["attendee", "drink"]),
        ("{d: [k for k in order if k == d] for d in ['drink']}", {"drink": ["drink"]}),
        ("(lambda n: n + orders_had)(1)", 2),
        ("sorted(order, key=lambda k: k in event)[0]", "number"),
        ("(double := orders_had * 2) + double", 4),
        ("type(error).__name__", "CallbackTimeoutError"),
        ("ACCEPTANCE_TIMEOUT.to_seconds()", 120),  # the module's names are there, too
        ("any(order[k] == d for k in order for d in [order['drink']])", True),
        ("__import__('json').dumps(orders_had)", "1"),
    ],
)
def test_an_expression_sees_the_variables(dbg, expression, value) -> None:
    assert dbg.evaluate(expression) == value
    assert "double" not in dbg.locals


def test_each_function_on_the_stack_has_variables_of_its_own() -> None:
    with open_debugger("nested") as dbg:
        dbg.goto(position="1-2-1")
        assert [frame.function for frame in dbg.stack] == ["book_leg", "book_trains", "handler"]
        assert dbg.evaluate("start") == dbg.evaluate("end", 1)  # the way back
        assert dbg.evaluate("event['from']", frame=2) == dbg.evaluate("start", 1)
        with pytest.raises(NameError):
            dbg.evaluate("event")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("order['nothing']", KeyError), ("1 / 0", ZeroDivisionError), ("nothing", NameError)],
)
def test_an_expression_raises_what_it_raises(dbg, expression, kind) -> None:
    with pytest.raises(kind):
        dbg.evaluate(expression)


@pytest.mark.parametrize("expression", ["", "a b", "x = 1", "import os", "for x in y: pass", "a\0b"])
def test_what_is_no_expression_says_so(dbg, expression) -> None:
    with pytest.raises(dd.DurableDebugError, match="is not an expression"):
        dbg.evaluate(expression)


@pytest.mark.parametrize(
    "expression", ["exit()", "(_ for _ in ()).throw(SystemExit)", "(_ for _ in ()).throw(GeneratorExit)"]
)
def test_an_expression_can_not_end_the_process(dbg, expression) -> None:
    with pytest.raises(dd.DurableDebugError, match="ends with"):
        dbg.evaluate(expression)


def test_awaiting_a_callback_is_no_way_out() -> None:
    with open_debugger("suspended") as dbg:
        dbg.goto(name="write-to-manager")
        with pytest.raises(dd.DurableDebugError, match="ends with"):
            dbg.evaluate("approval.result()")
        assert dbg.run().status == "PENDING"


@pytest.mark.parametrize(
    "expression",
    [
        "open('made', 'w')",
        "__import__('pathlib').Path('made').write_text('x')",
        "__import__('os').mkdir('made')",
        "__import__('subprocess').run(['touch', 'made'])",
        "__import__('os').system('touch made')",
        "__import__('urllib.request', fromlist=['x']).urlopen('http://127.0.0.1:9/')",
    ],
)
def test_side_effects_are_refused(dbg, expression, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(dd.DurableDebugError, match="refused"):
        dbg.evaluate(expression)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").write_text("this thread is as free as before")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


WRITES = "type('R', (), {'__repr__': lambda s: open('made', 'w').name})()"


@pytest.mark.parametrize("python", [False, sys.executable], ids=["here", "elsewhere"])
def test_the_text_of_a_value_is_whole_and_made_as_guarded_as_the_expression(
    python, tmp_path, monkeypatch
) -> None:
    with open_debugger("timed out", python=python) as dbg:
        dbg.goto(position="5")
        monkeypatch.chdir(tmp_path)
        assert dbg.text("list(range(500))") == repr(list(range(500)))
        assert dbg.text("order") == repr(dbg.locals["order"])
        assert max(map(len, dbg.text("[order] * 9", width=60).splitlines())) <= 60
        assert "\n" not in dbg.text("'a\\nb'") and len(dbg.text("'x' * 10**6")) < 200_000
        for width in (None, 60):
            with pytest.raises(dd.DurableDebugError, match="refused"):
                dbg.text(WRITES, width=width)
        with pytest.raises(ZeroDivisionError):
            dbg.text("1 / 0")
        assert dbg.stop.changed_by is None
        dbg.text("order.pop('drink')")
        assert dbg.stop.changed_by == "order.pop('drink')"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "expression",
    [
        "context.step(lambda _: 1, name='mine')",
        "context.wait(ACCEPTANCE_TIMEOUT)",
        "context.run_in_child_context(lambda c: c.step(lambda _: 1))",
        "context.create_callback()",
        "context.invoke('other', {})",
        "context.map([1], lambda c, i, n, a: 1)",
        "context.parallel([lambda c: 1])",
    ],
)
def test_operations_are_refused_and_the_replay_goes_on_as_before(dbg, expression) -> None:
    with pytest.raises(RuntimeError, match="operations"):
        dbg.evaluate(expression)
    assert dbg.step_in().asked.position == "6"
    assert dbg.step_back().asked.position == "5"


def test_there_are_no_variables_at_the_end(dbg) -> None:
    dbg.goto(index=-1)
    assert dbg.locals == {} and dbg.stack == () and dbg.variables() == []
    with pytest.raises(dd.DurableDebugError, match="no variables") as caught:
        dbg.evaluate("order")
    assert "step back" in caught.value.cure


def test_there_is_no_such_function_on_the_stack(dbg) -> None:
    with pytest.raises(dd.DurableDebugError, match="1 function"):
        dbg.evaluate("order", frame=5)
    with pytest.raises(dd.DurableDebugError):
        dbg.evaluate("order", frame=-1)


def test_variables_are_described_and_can_be_gone_down_into(dbg) -> None:
    by_name = {one.name: one for one in dbg.variables()}
    assert list(by_name)[:2] == ["event", "context"]
    order = by_name["order"]
    assert (order.type, order.children) == ("dict", True)
    inside = {one.name: one.preview for one in dbg.variables(path=["order"])}
    assert inside["'drink'"] == repr(dbg.locals["event"]["drink"])
    assert dbg.variables(path=["order", "'drink'"]) == []
    assert dbg.variables(path=["nothing"]) == []
    assert "number" in {one.name.strip("'") for one in dbg.variables(path=["order"])}


HUGE = "[['x' * 10_000] * 10_000] * 10_000"


def test_previews_are_bounded(dbg) -> None:
    from durable_debug.engine.variables import preview

    class Odd:
        def __repr__(self) -> str:
            raise OSError

    loop: list = []
    loop.append(loop)
    for value in (
        dbg.evaluate(HUGE),
        {1: "x" * 10**7},
        [["x" * 10**6] * 50] * 50,
        b"x" * 1000,
        loop,
        10**190,
    ):
        assert len(preview(value)) <= 240
    assert preview(Odd()) == "<Odd: its repr raises OSError>"
    assert preview({"b": 1, "a": [Odd]}).startswith("{'b': 1, 'a': [")
