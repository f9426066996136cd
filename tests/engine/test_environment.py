"""The environment of a function, for its code alone: what Lambda sets, what the user gives, what is missing."""

from __future__ import annotations

import importlib
import json
import os
import sys
import textwrap
import uuid

import durable_debug as dd
import pytest
from corpus.case import Case
from corpus.recorder import run

HEAD = "import os\nfrom aws_durable_execution_sdk_python import durable_execution\n"
ARN = "arn:aws:lambda:eu-north-1:123456789012:function:orders:7/durable-execution/order-1/b1946ac9-2f04-4d1a-8e55-7a1b1c9f0d00"


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Records a handler that sees `env`, and gives its name and its history."""

    def made(source: str, given: object = None, **env: str):
        name = f"environment_app_{uuid.uuid4().hex}"  # of all tests of this process
        path = tmp_path / f"{name}.py"
        path.write_text(HEAD + textwrap.dedent(source))
        with monkeypatch.context() as during:
            during.syspath_prepend(tmp_path)
            for key, value in env.items():
                during.setenv(key, value)
            recorded = run(Case(handler=importlib.import_module(name).handler, name=name, input=given or {}))
        raw = json.loads(json.dumps(dd.load(recorded.history).raw, default=str))
        return f"{path}:handler", dd.load({"DurableExecutionArn": ARN, "Events": _of(raw)})

    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return made


def _of(events):
    """The execution's own events carry its id, as its ARN does."""
    for event in events:
        if event["EventType"].startswith("Execution"):
            event["Id"] = ARN.rpartition("/")[2]
    return events


SEES = """
    HERE = {name: os.environ.get(name) for name in ("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "STAGE")}

    @durable_execution
    def handler(event, context):
        context.step(lambda _: 1, name="one")
        seen = {name: os.environ.get(name) for name in HERE}
        context.logger.info("%s", {"import": HERE, "handler": seen})
        return 1
"""


def test_what_lambda_sets_comes_from_the_arn_for_import_and_handler(app, monkeypatch) -> None:
    handler, history = app(SEES)
    monkeypatch.setenv("AWS_REGION", "sa-east-1")  # the notebook's own
    found = dd.replay(handler, history, env={"STAGE": "prod"})
    expected = {"AWS_REGION": "eu-north-1", "AWS_LAMBDA_FUNCTION_NAME": "orders", "STAGE": "prod"}
    assert found.ok, found.report()
    (line,) = found.logs
    assert line.message == str({"import": expected, "handler": expected})
    assert os.environ["AWS_REGION"] == "sa-east-1" and "STAGE" not in os.environ


def test_another_interpreter_and_audits_see_it_too(app, tmp_path) -> None:
    handler, history = app(SEES)
    here = dd.replay(handler, history, env={"STAGE": "prod"})
    there = dd.replay(handler, history, env={"STAGE": "prod"}, python=sys.executable)
    assert there.logs == here.logs and there.ok
    history.save(tmp_path / "one.json")
    assert dd.audit(handler, tmp_path / "one.json", env={"STAGE": "prod"}, progress=False).ok


def test_while_a_debugger_stands_the_notebook_keeps_its_own(app, monkeypatch) -> None:
    handler, history = app(SEES)
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    with dd.debug(handler, history, env={"STAGE": "prod"}) as dbg:
        assert os.environ["AWS_REGION"] == "sa-east-1" and "STAGE" not in os.environ
        assert "STAGE" not in dict(os.environ)
        assert dbg.stop.asked.name == "one"


def test_clients_are_made_without_a_region_or_credentials(app) -> None:
    handler, history = app(
        """
        import boto3
        table = boto3.resource("dynamodb", region_name=os.environ.get("AWS_REGION", "eu-west-1")).Table("orders")
        queue = boto3.client("sqs") if "AWS_REGION" in os.environ else None

        @durable_execution
        def handler(event, context):
            context.step(lambda _: 1, name="one")
            return boto3.client("s3", region_name=os.environ.get("AWS_REGION", "eu-north-1")).meta.region_name
        """
    )
    found = dd.replay(handler, history)
    assert found.ok, found.report()


def test_the_handler_may_change_it_and_threads_see_the_same(app) -> None:
    handler, history = app(
        """
        from concurrent.futures import ThreadPoolExecutor

        @durable_execution
        def handler(event, context):
            context.step(lambda _: 1, name="one")
            told = []
            if "STAGE" in os.environ:
                told = [os.environ["STAGE"], os.getenv("STAGE"), dict(os.environ)["STAGE"], "STAGE" in list(os.environ)]
                with ThreadPoolExecutor() as pool:
                    told.append(pool.submit(os.environ.get, "STAGE").result())
                    told.append(pool.submit(lambda: os.environ["STAGE"]).result())
                count = len(os.environ)
                os.environ["STAGE"] = "changed"
                told += [os.environ["STAGE"], len(os.environ) - count]
                del os.environ["STAGE"]
                told.append("STAGE" in os.environ)
                told.append(os.environ.pop("AWS_REGION"))
                told.append(os.environ.get("AWS_REGION"))
            context.logger.info("%s", told)
            return 1
        """
    )
    found = dd.replay(handler, history, env={"STAGE": "prod"})
    assert found.ok, found.report()
    assert found.logs[0].message == str(
        ["prod", "prod", "prod", True, "prod", "prod", "changed", 0, False, "eu-north-1", None]
    )
    assert "STAGE" not in os.environ


NEEDS = """
    TABLE, QUEUE = os.environ["TABLE_NAME"], os.environ["QUEUE_URL"]
    try:
        LEVEL = os.environ["LEVEL"]
    except KeyError:
        LEVEL = "info"

    @durable_execution
    def handler(event, context):
        context.step(lambda _: 1, name="one")
        if "nothing" in os.environ:
            context.logger.info("there")
        topic = os.environ["TOPIC"]
        context.logger.info("%s %s", LEVEL, topic)
        return 1
"""


@pytest.mark.parametrize("python", [False, sys.executable])
def test_what_is_missing_is_named_and_no_divergence(app, python) -> None:
    handler, history = app(NEEDS, TABLE_NAME="t", QUEUE_URL="q", TOPIC="x")
    found = dd.replay(handler, history, python=python)
    assert found.ok, found.report()
    (told,) = [
        sentence for sentence in found.unchecked if sentence.startswith("What comes of environment variables")
    ]
    for name in ("TABLE_NAME", "QUEUE_URL", "TOPIC"):
        assert f"{name} (read at environment_app" in told
    assert "LEVEL" not in told  # the code does without
    assert found.logs[0].message == "info <unrecorded>"
    given = dd.replay(
        handler, history, python=python, env={"TABLE_NAME": "t", "QUEUE_URL": "q", "TOPIC": "x"}
    )
    assert given.ok and not [sentence for sentence in given.unchecked if "environment variables" in sentence]
    assert given.logs[0].message == "info x"


def test_an_import_that_can_not_do_without_names_them_all(app) -> None:
    handler, history = app(
        """
        TABLE = os.environ["TABLE_NAME"]
        MOST = int(os.environ["MOST"])

        @durable_execution
        def handler(event, context):
            return context.step(lambda _: 1, name="one")
        """,
        TABLE_NAME="t",
        MOST="3",
    )
    with pytest.raises(dd.HandlerError, match="ValueError") as told:
        dd.replay(handler, history)
    assert "TABLE_NAME (read at " in str(told.value) and "MOST (read at " in str(told.value)
    assert "env={'TABLE_NAME': " in str(told.value)
    assert dd.replay(handler, history, env={"MOST": "3"}).ok


@pytest.mark.parametrize("python", [False, sys.executable])
def test_an_execution_that_failed_for_want_of_a_variable_fails_as_recorded(app, python) -> None:
    handler, history = app(
        """
        @durable_execution
        def handler(event, context):
            context.step(lambda _: 1, name="one")
            return os.environ["NEVER_SET"]
        """
    )
    run = dd.replay(handler, history, python=python)
    assert history.status == "FAILED"
    assert (run.status, run.ok) == ("FAILED", True)
    assert run.error["ErrorType"].endswith("KeyError")


@pytest.mark.parametrize("python", [False, sys.executable])
def test_an_operation_that_is_named_by_a_missing_variable_is_told_as_that(app, python) -> None:
    handler, history = app(
        """
        @durable_execution
        def handler(event, context):
            name = os.environ["TABLE_NAME"]
            context.step(lambda _: 1, name=f"write-{name}")
            return {"table": name}
        """,
        TABLE_NAME="orders",
    )
    with pytest.raises(dd.HandlerError, match="an operation is named by what it reads there"):
        dd.replay(handler, history, python=python)
    assert dd.replay(handler, history, env={"TABLE_NAME": "orders"}, python=python).ok


def test_a_result_made_of_a_missing_variable_is_compared_as_far_as_it_is_known(app) -> None:
    handler, history = app(
        """
        @durable_execution
        def handler(event, context):
            context.step(lambda _: 1, name="one")
            return {"table": os.environ["TABLE_NAME"], "count": 1}
        """,
        TABLE_NAME="orders",
    )
    assert dd.replay(handler, history).divergences == ()


def test_an_execution_that_failed_for_want_of_it_fails_as_recorded(app) -> None:
    handler, history = app(
        """
        @durable_execution
        def handler(event, context):
            context.step(lambda _: 1, name="one")
            return os.environ["TABLE_NAME"]
        """
    )
    assert history.status == "FAILED"
    found = dd.replay(handler, history)
    assert found.ok and found.status == "FAILED"


@pytest.mark.parametrize("env", ["A=1", {"A": 1}, {"": "x"}, {"A=B": "x"}, {1: "x"}, {"A": "x\0"}, 5])
def test_what_is_no_environment_is_refused(app, env) -> None:
    handler, history = app(SEES)
    with pytest.raises(dd.OptionError, match="env"):
        dd.replay(handler, history, env=env)


def test_a_package_that_is_not_installed_is_named(tmp_path, app) -> None:
    _, history = app(SEES)
    (tmp_path / "lacking_app.py").write_text("import surely_not_installed.deep\n")
    with pytest.raises(dd.HandlerError, match=r"surely_not_installed .*python='\.venv'"):
        dd.replay(f"{tmp_path / 'lacking_app.py'}:handler", history)
