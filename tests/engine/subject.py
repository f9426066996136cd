"""A handler of many parts, recorded when it behaved well; a test then makes it misbehave at one place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from unittest import mock

import durable_debug as dd
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import ChildConfig, Duration, MapConfig

from corpus.case import RAN, Case, ran
from corpus.recorder import run

# By place in the handler: what is done there, outside all steps.
TROUBLE: dict[str, Callable[[], Any]] = {}
PLACES = ("start", "between", "child", "item", "branch", "virtual", "waiting item", "end")


def trouble(place: str) -> None:
    TROUBLE.get(place, lambda: None)()


def child(context):
    trouble("child")
    return context.step(lambda _: ran("inside"), name="inside")


def item(context, value, index, values):
    trouble("item")
    return context.step(lambda _: ran("scale"), name="scale")


def branch(context):
    trouble("branch")
    return context.step(lambda _: ran("one branch"), name="one-branch")


def virtual(context):
    trouble("virtual")
    return context.step(lambda _: ran("in virtual"), name="in-virtual")


def waiting_item(context, value, index, values):
    context.step(lambda _: ran("ask"), name="ask")
    trouble("waiting item")
    context.wait(Duration.from_seconds(30), name="until-answered")
    return value


@durable_execution
def handler(event, context):
    trouble("start")
    context.step(lambda _: ran("first"), name="first")
    trouble("between")
    context.run_in_child_context(child, name="child")
    context.map([1, 2, 3], item, name="map")
    context.parallel([branch, branch], name="parallel")
    context.run_in_child_context(virtual, name="virtual", config=ChildConfig(is_virtual=True))
    context.map([1, 2], waiting_item, name="waiting-map", config=MapConfig(max_concurrency=2))
    trouble("end")
    return {"ran": "well"}


@functools.cache
def history() -> dd.History:
    with mock.patch.dict(TROUBLE, clear=True):
        recorded = run(Case(handler=handler, name="subject", input={"given": 1}))
    found = dd.load(recorded.history)
    assert found.status == "SUCCEEDED" and len(found.invocations) == 2
    return found


def history_of(function: Callable[..., Any], name: str = "subject", **facts: Any) -> dd.History:
    """Run a handler for real, and give its history."""
    return dd.load(run(Case(handler=function, name=name, **facts)).history)


__all__ = ["PLACES", "RAN", "TROUBLE", "handler", "history", "history_of", "trouble"]
