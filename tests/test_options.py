"""Options are checked once: what can't be meant is told, with what may have been."""

from __future__ import annotations

import math
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.testing import assert_replays

ESPRESSO = "sample_histories/apps/espresso.py:handler"
RECORD = "sample_histories/espresso_completed.json"
BAD = [
    ({"allow": "netwrok"}, "Did you mean 'network'"),
    ({"allow": ("file", "proces")}, "Did you mean 'process'"),
    ({"allow": 5}, "is no pattern"),
    ({"allow": "nothing"}, "Kinds are network"),
    ({"timeout": -1}, "leaves no time for a replay"),
    ({"timeout": 0}, "leaves no time for a replay"),
    ({"timeout": math.nan}, "leaves no time for a replay"),
    ({"timeout": "5"}, "leaves no time for a replay"),
    ({"timeout": True}, "leaves no time for a replay"),
    ({"enter": "no"}, "neither True nor False"),
    ({"run": ("",)}, "is no pattern"),
    ({"run": None}, "run=None is no pattern"),
    ({"allow": b"network"}, "is no pattern"),
    ({"alow": "network"}, "has no option 'alow'. Did you mean 'allow'"),
    ({"timout": 5}, "Did you mean 'timeout'"),
    ({"nothing": 5}, "Its options are"),
]


@pytest.mark.parametrize(("options", "says"), BAD)
@pytest.mark.parametrize("function", [dd.replay, dd.debug, dd.audit, assert_replays])
def test_a_value_that_an_option_cannot_have(function, options, says) -> None:
    with pytest.raises(dd.DurableDebugError, match=says):
        function(ESPRESSO, RECORD, **options)


@pytest.mark.parametrize("invocation", [0, -1, True, "1", 1.0])
@pytest.mark.parametrize("function", [dd.replay, dd.debug])
def test_invocations_are_numbers_from_one(function, invocation) -> None:
    with pytest.raises(dd.OptionError, match="counted from 1"):
        function(ESPRESSO, RECORD, invocation=invocation)


@pytest.mark.parametrize("function", [dd.replay, dd.debug])
def test_a_body_to_run_that_nothing_has(function) -> None:
    with pytest.raises(dd.OptionError, match="fits no operation.*Did you mean 'take-time'"):
        function(ESPRESSO, RECORD, run="tak-time")


def test_a_body_to_run_that_nothing_has_in_any_history() -> None:
    shipping = ESPRESSO.replace("espresso", "shipping")
    both = [RECORD, str(next(Path(RECORD).parent.glob("shipping_*.json")))]
    handlers = {
        dd.load(path).function_name: handler for path, handler in zip(both, (ESPRESSO, shipping), strict=True)
    }
    with pytest.raises(dd.OptionError, match="fits no operation.*Did you mean 'take-time'"):
        dd.audit(handlers, both, run=["take-time", "tak-time"], progress=False, n_jobs=1)
    assert len(dd.audit(handlers, both, run="take-time", progress=False, n_jobs=1).rows) == 2
    # Of what could not be read nobody knows.
    unread = [RECORD, {"Events": 3}]
    assert len(dd.audit(ESPRESSO, unread, run="tak-time", progress=False, n_jobs=1).rows) == 2


def test_patterns_that_may_fit_something_pass() -> None:
    for allow in ("network", "open */tmp/*", "dynamodb PutItem", "connect*", ("file", "sleep")):
        assert dd.replay(ESPRESSO, RECORD, allow=allow).ok
    assert dd.replay(ESPRESSO, RECORD, run="t*").ok


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dd.load(RECORD, regoin="eu-west-1"), "Did you mean 'region'"),
        (lambda: dd.load(RECORD, nothing=1), "Its options are"),
        (lambda: dd.executions("orders", statu="FAILED"), "Did you mean 'status'"),
        (lambda: dd.fetch("orders", progres=False), "Did you mean 'progress'"),
        (
            lambda: dd.load(
                "arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/a/b", regoin="x"
            ),
            "Did you mean 'region'",
        ),
        (lambda: dd.audit(ESPRESSO, RECORD, n_job=2), "Did you mean 'n_jobs'"),
        (lambda: dd.audit(ESPRESSO, RECORD, n_jobs="two"), "n_jobs='two' is nobody"),
        (lambda: dd.audit(ESPRESSO, RECORD, invocation=2), "has no option 'invocation'"),
        (lambda: list(dd.fetch("orders", profil="dev")), "Did you mean 'profile'"),
    ],
)
def test_keywords_that_do_not_exist(call, says) -> None:
    with pytest.raises(dd.OptionError, match=says):
        call()
