"""The many ways to name a handler: each finds the code that it names, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.engine.handler_names import found

SAMPLES = Path(__file__).parents[2] / "sample_histories"
TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: beta}
Globals:
  Function:
    Runtime: python3.13
    Environment: {Variables: {LEVEL: info, STAGE: !Ref Stage}}
Resources:
  OrderFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: shop.app.handler
      DurableConfig: {ExecutionTimeout: 3600}
      Environment: {Variables: {TABLE: !GetAtt Table.Arn, MOST: 3, DRY: true, TOPIC: !Sub "${Stage}-topic"}}
  Plain:
    Type: AWS::Lambda::Function
    Properties: {Code: src, Handler: shop.other.handler, Runtime: python3.13}
  Script:
    Type: AWS::Lambda::Function
    Properties: {Code: src, Handler: index.handler, Runtime: nodejs22.x}
  Table: {Type: AWS::DynamoDB::Table}
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A package with a helper module, committed, zipped, described by a template; then its helper was changed."""
    package = tmp_path / "src" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    source = (SAMPLES / "apps" / "payment.py").read_text()
    (package / "app.py").write_text(
        "from .payment import handler\nfrom .payment import handler as main\n"
        "def plain(event, context):\n    return 1\n"
    )
    (package / "payment.py").write_text(source)
    (package / "two.py").write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\ndef one(event, context):\n    return 1\n"
        "@durable_execution\ndef other(event, context):\n    return 2\n"
    )
    shutil.copy(SAMPLES / "payment_failed.json", tmp_path / "history.json")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    with zipfile.ZipFile(tmp_path / "order.zip", "w") as packed:
        for path in package.glob("*.py"):
            packed.write(path, path.relative_to(tmp_path / "src"))
    monkeypatch.chdir(tmp_path)
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in [name for name in quiet if name.startswith("GIT_") and "CONFIG" not in name]:
        monkeypatch.delenv(name)
        del quiet[name]
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*person, "commit", "-q", "-m", "as it was"]):
        subprocess.run(["git", *command], check=True, env=quiet)
    (package / "payment.py").write_text(
        source.replace('"charge-card"', '"charge"').replace("name='charge-card'", "")
    )
    assert (package / "payment.py").read_text() != source
    return tmp_path


NEW = [
    "src/shop/payment.py:handler",
    "src/shop/payment.py",
    "shop.payment.handler",
    "shop/payment.handler",
    "src.shop.payment.handler",
    "src/shop/app.py:handler",
    "shop.app.main",
    "template.yaml#OrderFunction",
    "template.yaml",
]
OLD = [
    "order.zip:shop.payment.handler",
    "order.zip:shop/payment.py",
    "order.zip:shop/payment.py:handler",
    "order.zip:shop.app.handler",
    "git:HEAD:src/shop/payment.py:handler",
    "git:HEAD:src/shop/payment.py",
    "git:HEAD:src/shop/app.py:handler",
]


@pytest.mark.parametrize("name", NEW)
def test_what_is_here_is_replayed_as_it_is_now(repository, name) -> None:
    run = dd.replay(name, "history.json")
    assert [one.kind for one in run.divergences] == ["renamed"], run.report()
    assert run.divergences[0].file == str(repository / "src" / "shop" / "payment.py")


@pytest.mark.parametrize("name", OLD)
def test_what_was_deployed_or_committed_is_replayed_as_it_was(repository, name) -> None:
    run = dd.replay(name, "history.json")
    assert run.ok and run.status == "FAILED", run.report()
    assert not run.operations[0].file.startswith(str(repository))


@pytest.mark.parametrize("against", OLD[::3])
@pytest.mark.parametrize("name", NEW[::3])
def test_no_form_takes_the_new_code_for_the_old(repository, name, against) -> None:
    report = dd.audit(name, "history.json", against=against, progress=False)
    assert not report.ok and [cause.divergence.kind for cause in report.causes] == ["renamed"]
    back = dd.audit(against, "history.json", against=name, progress=False)
    assert back.ok


def test_another_interpreter_takes_them_too(repository) -> None:
    for name in (*NEW[1::4], *OLD[::4]):
        here, there = (dd.replay(name, "history.json", python=python) for python in (False, sys.executable))
        assert here.divergences == there.divergences and here.status == there.status


def test_nothing_is_left_of_a_revision_or_an_archive(repository, tmp_path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    code = (
        "import durable_debug as dd\n"
        "assert dd.replay('git:HEAD:src/shop/payment.py', 'history.json').ok\n"
        "assert dd.replay('order.zip:shop.payment.handler', 'history.json').ok\n"
        "assert dd.audit('git:HEAD:src/shop/payment.py', 'history.json', progress=False).ok\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert list(temporary.glob("durable-debug-*")) == []
    listed = subprocess.run(["git", "worktree", "list"], check=True, capture_output=True, text=True).stdout
    assert len(listed.splitlines()) == 1


def test_a_template_gives_the_environment_as_far_as_it_has_it(repository) -> None:
    assert found("template.yaml#OrderFunction").env == {
        "LEVEL": "info",
        "STAGE": "beta",
        "MOST": "3",
        "DRY": "true",
    }
    (repository / "template.json").write_text(
        json.dumps(
            {
                "Resources": {
                    "F": {
                        "Type": "AWS::Lambda::Function",
                        "Properties": {
                            "Code": "src",
                            "Handler": "shop.app.handler",
                            "Environment": {"Variables": {"A": {"Ref": "T"}, "B": "b"}},
                        },
                    }
                }
            }
        )
    )
    named = found("template.json")
    assert named.env == {"B": "b"} and named.text == "src/shop/app.py:handler"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("src/shop/payment.py:handlr", "Did you mean 'handler'"),
        ("src/shop/payment.py:lambda_function", "Its durable function is handler"),
        ("src/shop/two.py", r"2 durable functions: one, other\. Name one: 'src/shop/two.py:one'"),
        ("src/shop/__init__.py", "has no durable function"),
        ("src/shop/app.py:plain", "is not a durable function"),
        ("template.yaml#OrderFunctoin", "Did you mean 'OrderFunction'"),
        ("template.yaml#Nothing", "It has OrderFunction, Plain, Script"),
        ("template.yaml#Script", "is of nodejs22.x"),
        ("template.yaml#Plain", r"There is no shop\.other\.py in src|There is no .*other"),
        ("nowhere.yaml#F", "can't be read"),
        ("history.json#F", "is no template"),
        ("order.zip", "named without its handler"),
        ("order.zip:shop.nothing.handler", "There is no"),
        ("nowhere.zip:app.handler", "There is no file nowhere.zip"),
        ("template.yaml.zip:app.handler", "There is no file"),
        ("git:HEAD", "does not name a handler in a revision"),
        ("git:nowhere:src/shop/app.py:handler", "no revision 'nowhere'"),
        ("git:HEAD:src/nothing.py:handler", "There is no src/nothing.py in HEAD"),
        ("git:--help:src/shop/app.py:handler", "no revision"),
        ("shop.nothing.handler", "There is no module 'shop.nothing'"),
        ("handler", "does not name a handler"),
        ("", "does not name a handler"),
        (":", "does not name a handler"),
        ("a b.c", "does not name a handler"),
    ],
)
def test_what_means_nothing_says_what_may_be_meant(repository, name, says) -> None:
    with pytest.raises(dd.HandlerError, match=says):
        dd.replay(name, "history.json")


def test_a_broken_template_or_archive_is_told(repository) -> None:
    for content in (
        b"{",
        b"\xff\xfe\x00",
        b"a: &a [*a]",
        b"- 1",
        b"Resources: 5",
        b"x: !!python/object/apply:os.system [ls]",
    ):
        (repository / "broken.yaml").write_bytes(content)
        with pytest.raises(dd.HandlerError, match=r"broken\.yaml"):
            dd.replay("broken.yaml#F", "history.json")
    (repository / "broken.zip").write_bytes(b"no zip")
    with pytest.raises(dd.HandlerError, match="can't be unpacked"):
        dd.replay("broken.zip:app.handler", "history.json")
    with zipfile.ZipFile(repository / "evil.zip", "w") as packed:
        packed.writestr("../../outside.py", "x = 1")
    with pytest.raises(dd.HandlerError):
        dd.replay("evil.zip:app.handler", "history.json")
    assert not (repository.parent / "outside.py").exists()


def test_outside_of_a_repository_git_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(dd.HandlerError, match="git rev-parse failed"):
        dd.replay("git:HEAD:app.py:handler", SAMPLES / "payment_failed.json")
