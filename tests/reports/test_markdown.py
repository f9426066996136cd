"""Markdown for the page of a job: bounded, and nobody's data is markup in it."""

from __future__ import annotations

import json

import mistune
import pytest

import durable_debug as dd
from tests.divergence.histories import steps_document

APP = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    context.step(lambda _: 1, name="reserve")
    return "`|<b>*done*</b>"
"""
WILD = "a|b`c``d<script>alert(1)</script>*x*_y_[l](https://evil.example)![i](x)#1 @you\n# no\x1b[31m\u202e https://evil.example"
RENDER = mistune.create_markdown(plugins=["table", "strikethrough", "url"], escape=False)


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(APP)
    return "app.py:handler"


def summary(app, documents, **options):
    for number, document in enumerate(documents):
        with open(f"{number:03}.json", "w") as file:
            json.dump(document, file)
    return dd.audit(app, "*.json", n_jobs=1, progress=False, **options).to_markdown()


def test_the_verdict_comes_first_then_causes_executions_and_the_next_command(app):
    text = summary(
        app,
        [steps_document(["reserve"], number=0, result="`|<b>*done*</b>"), steps_document(["book"], number=1)],
    )
    first, scope, cause, *rest = text.split("\n\n")
    assert first.startswith("## ✗ durable-debug: 1 of 2 histories clean, 1 diverges")
    assert scope.startswith("`app.py:handler`")
    assert cause.startswith("**1. [renamed](https://") and "`app.py:6`" in cause
    table = next(block for block in rest if block.startswith("| execution"))
    assert "| `run-1` |" in table and "run-0" not in table
    assert rest[-1].strip() == "Next: `durable-debug replay app.py:handler 001.json`"


def test_a_clean_one_is_short(app):
    text = summary(app, [steps_document(["reserve"], result="`|<b>*done*</b>")])
    assert text.startswith("## ✓ durable-debug: 1 of 1 history clean")
    assert len(text.split("\n\n")) == 2


def test_whatever_a_history_says_stays_text(app):
    arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{WILD.replace('/', '').replace(':', '')}:1/durable-execution/x/y"
    document = steps_document([WILD], arn=arn)
    document["Events"][0]["Name"] = document["Events"][-1]["Name"] = WILD
    text = summary(app, [document])
    assert text.isprintable() or all(one == "\n" or one.isprintable() for one in text)
    html = RENDER(text)
    for tag in ("<script", "<img", "<b>", "<em>x", "<h1", 'href="https://evil'):
        assert tag not in html, html
    assert html.count("<tr>") == 2 and html.count("<td>") == 5
    assert "&lt;script&gt;" in html


def test_it_is_bounded(app):
    long = "x" * 5000
    documents = [steps_document([f"{long}{n}"], number=n, input=long) for n in range(30)]
    text = summary(app, documents)
    assert len(text) < 20_000
    assert text.count("| `run-") == 20 and "and 10 more" in text
