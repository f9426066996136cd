"""Whose history it is: said before code is blamed, where it is another function's, and only there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.cli import main

SAMPLES = Path(__file__).parents[2] / "sample_histories"
APPS = SAMPLES / "apps"
HISTORIES = {
    "espresso": "espresso_completed",
    "large": "large_2900",
    "nested": "nested",
    "order": "chained_invoke",
    "payment": "payment_failed",
    "poll_job": "poll_job",
    "reserve_stock": "chained_invoke_child",
    "shipping": "shipping_v1",
    "suspended": "suspended",
}
OTHERS = [
    (app, history)
    for app in ("espresso", "payment", "poll_job", "nested")
    for history in HISTORIES
    if app != history
]


def named(app: str) -> str:
    return str(APPS / f"{app}.py:handler")


def recorded(app: str) -> str:
    return str(SAMPLES / f"{HISTORIES[app]}.json")


@pytest.mark.parametrize(("app", "other"), OTHERS)
def test_a_history_of_another_function_is_called_so(app, other) -> None:
    run = dd.replay(named(app), recorded(other))
    found = run.other_function
    assert found is not None and found.function == run.history.function_name
    assert found.recorded == len([one for one in run.history.tree() if one.name])
    assert run.divergences  # are told all the same, behind it


@pytest.mark.parametrize("app", HISTORIES)
def test_its_own_history_is_not_whatever_was_changed(app, tmp_path) -> None:
    assert dd.replay(named(app), recorded(app)).other_function is None
    source = (APPS / f"{app}.py").read_text()
    changed = tmp_path / f"{app}.py"
    changed.write_text(re.sub(r'name="(\w)', r'name="new-\1', source))  # all names, a little
    assert dd.replay(f"{changed}:handler", recorded(app)).other_function is None
    changed.write_text(
        re.sub(r"(def handler\(event.*?:\n)", r"\1    raise KeyError('new')\n", source, flags=re.DOTALL)
    )
    assert dd.replay(f"{changed}:handler", recorded(app)).other_function is None


def test_one_operation_that_is_renamed_is_renamed(tmp_path) -> None:
    app = tmp_path / "app.py"
    write = (
        "from aws_durable_execution_sdk_python import durable_execution\n\n@durable_execution\n"
        "def handler(event, context):\n    return context.step(lambda _: 1, name={name!r})\n"
    ).format
    from corpus.case import Case
    from corpus.recorder import run as record

    app.write_text(write(name="one"))
    from durable_debug.engine.handlers import resolve

    with resolve(f"{app}:handler").cold() as (func, _):
        from aws_durable_execution_sdk_python import durable_execution

        history = dd.load(record(Case(handler=durable_execution(func), name="single", input={})).history)
    app.write_text(write(name="something-else"))
    run = dd.replay(f"{app}:handler", history)
    assert [one.kind for one in run.divergences] == ["renamed"] and run.other_function is None


def test_every_report_begins_with_it(capsys) -> None:
    run = dd.replay(named("espresso"), recorded("payment"))
    begins = "This is a history of 'payment'; 0 of its 3 operations are asked for by "
    assert run.report().startswith(begins)
    assert dd.why(recorded("payment"), named("espresso")).report().replace("\n", " ").startswith(begins)
    page = run._repr_html_()
    assert page.index("This is a history of &#x27;payment&#x27;") < page.index("divergence")
    assert main(["replay", "--json", named("espresso"), recorded("payment")]) == 1
    assert json.loads(capsys.readouterr().out)["other_function"]["function"] == "payment"


def test_without_a_name_it_is_told_all_the_same(tmp_path) -> None:
    document = json.loads(Path(recorded("payment")).read_text())
    document.pop("DurableExecutionArn", None)
    events = document["Events"] if "Events" in document else document
    run = dd.replay(named("nested"), dd.load(events if isinstance(events, list) else document))
    if run.other_function is not None:
        assert run.other_function.function is None or run.other_function.function == "payment"


def test_an_audit_has_one_cause_for_each_function() -> None:
    report = dd.audit(named("espresso"), str(SAMPLES / "*.json"), progress=False)
    of = {cause.divergence.sides[0].function: cause.count for cause in report.causes}
    assert of["payment"] == 1 and len(of) == len(report.causes) and not report.ok
    whole = dd.audit(named("espresso"), str(SAMPLES / "returns"), progress=False)
    (cause,) = whole.causes
    assert cause.count == len(whole.rows) and cause.divergence.message.startswith(
        "This is a history of 'returns'; 0 of"
    )
    assert json.loads(whole.to_sarif())["runs"][0]["results"][0]["ruleId"] == "durable-debug/other_function"


def test_where_the_code_before_fits_it_is_the_change_that_is_told(tmp_path) -> None:
    changed = tmp_path / "payment.py"
    names = iter(("alpha", "beta", "gamma", "delta"))
    source = (APPS / "payment.py").read_text()
    changed.write_text(
        re.sub(r'"(price-basket|charge-card|release-basket)"', lambda _: f'"{next(names)}"', source)
    )
    alone = dd.audit(f"{changed}:handler", recorded("payment"), progress=False)
    against = dd.audit(f"{changed}:handler", recorded("payment"), against=named("payment"), progress=False)
    assert not alone.ok and not against.ok
    assert "other_function" not in {cause.divergence.kind for cause in against.causes}
    lost = dd.audit(named("espresso"), recorded("payment"), against=named("poll_job"), progress=False)
    assert not lost.ok and {cause.divergence.kind for cause in lost.causes} == {"other_function"}


def test_arguments_that_are_swapped_are_told_as_such(capsys) -> None:
    handler, history = named("payment"), recorded("payment")
    function = dd.load(history)
    for call in (
        lambda: dd.replay(history, handler),
        lambda: dd.replay(function, handler),
        lambda: dd.replay(function, lambda event, context: None),
        lambda: dd.debug(history, handler),
        lambda: dd.why(handler, history),
        lambda: dd.why("package.app.handler", function),
        lambda: dd.audit(str(SAMPLES), handler, progress=False),
        lambda: dd.audit([history, history], handler, progress=False),
        lambda: dd.replay("arn:aws:lambda:eu-west-1:1:function:f:1/durable-execution/a/b", "template.yaml#F"),
    ):
        with pytest.raises(dd.OptionError, match="swapped"):
            call()
    assert main(["replay", history, handler]) == 2
    told = capsys.readouterr().err
    assert told.index(handler, told.index("takes the handler first")) < told.rindex(history)
    with pytest.raises(dd.HistoryError) as error:
        dd.replay(handler, "nowhere.json")
    assert "swapped" not in str(error.value)
