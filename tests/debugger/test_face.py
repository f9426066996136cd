"""What a user may call on a debugger: these names, with these parameters, each with a sentence."""

from __future__ import annotations

import inspect

import durable_debug as dd
import pytest

from tests.debugger.walk import open_debugger

VALUES = {
    "breakpoints",
    "history",
    "locals",
    "logs",
    "problem",
    "run_result",
    "stack",
    "state",
    "status",
    "statuses",
    "stop",
}
VERBS = {
    "break_at": [
        "name",
        *("type", "sub_type", "status", "attempt", "position", "event_id", "line", "file"),
        *("invocation", "when", "hits", "divergence"),
    ],
    "clear": ["breakpoint"],
    "close": [],
    "evaluate": ["expression", "frame"],
    "goto": ["event_id", "position", "name", "index"],
    "post": ["verb", "arguments"],
    "history_of": ["expression"],
    "last_change": ["expression"],
    "next_change": ["expression"],
    "next_line": ["back"],
    "restart": [],
    "run": [],
    "run_back": [],
    "step": [],
    "step_back": [],
    "step_in": [],
    "run_to": ["line", "file", "back"],
    "step_into": ["back"],
    "step_line": ["back"],
    "step_out": [],
    "step_return": ["back"],
    "subscribe": ["callback"],
    "table": ["expressions", "where"],
    "text": ["expression", "frame", "width"],
    "variables": ["frame", "path"],
}
BACK = dict.fromkeys(["next_line", "run_to", "step_into", "step_line", "step_return"], 1)
BY_NAME_ONLY = {"break_at": 12, "goto": 4, "text": 1, "table": 1} | BACK  # how many of the last


def test_a_debugger_has_these_names_and_no_others() -> None:
    with open_debugger("timed out") as dbg:
        assert {name for name in dir(dbg) if not name.startswith("_")} == VALUES | VERBS.keys()


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_these_parameters(verb) -> None:
    _, *given = inspect.signature(getattr(dd.Debugger, verb)).parameters.values()
    assert [one.name for one in given] == VERBS[verb]
    by_name = [one.name for one in given if one.kind is one.KEYWORD_ONLY]
    assert by_name == VERBS[verb][len(VERBS[verb]) - BY_NAME_ONLY.get(verb, 0) :]
    assert inspect.getdoc(getattr(dd.Debugger, verb))
