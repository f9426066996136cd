"""What each tool really printed, recorded by record_tools.py: told by itself, and the same execution in all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_debug.errors import IncompleteHistoryError, MissingDataError
from durable_debug.history import History
from durable_debug.sources import Histories, load

RECORDED = Path(__file__).parent / "recorded"
WHOLE = ["aws-cli", "aws-cli-iso8601", "aws-cli-no-paginate", "http", "sam-local", "sam-remote"]


def told(history: History) -> list[tuple[object, ...]]:
    return [
        (each.position, each.name, each.status, each.attempts, each.result, each.error, each.start, each.end)
        for each in history.tree()
    ]


def to_the_millisecond(history: History) -> list[tuple[object, ...]]:
    return [
        (each.position, each.status, each.result, each.start and int(each.start.timestamp() * 1000))
        for each in history.tree()
    ]


@pytest.fixture(scope="module")
def stored() -> History:
    return load(RECORDED / "durable-executions.db")["order-1"]


@pytest.mark.parametrize("name", WHOLE)
def test_one_execution_from_every_tool(name: str, stored: History) -> None:
    history = load(RECORDED / f"{name}.json")
    history.require_replayable()
    assert told(history) == told(load(RECORDED / "http.json"))
    assert to_the_millisecond(history) == to_the_millisecond(stored)
    assert (history.status, history.input, history.error) == (stored.status, stored.input, stored.error)
    assert load(RECORDED / f"{name}.json", format="history") == history


@pytest.mark.parametrize("name", WHOLE)
def test_round_trip(name: str, tmp_path: Path) -> None:
    history = load(RECORDED / f"{name}.json")
    assert load(history.save(tmp_path / "again.json")) == history


def test_a_part_of_it() -> None:
    with pytest.raises(IncompleteHistoryError):
        load(RECORDED / "aws-cli-max-items.json").require_replayable()


@pytest.mark.parametrize("name", ["dex-local-runner", "aws-cli-without-data"])
def test_without_execution_data(name: str) -> None:
    history = load(RECORDED / f"{name}.json")
    assert [each.name for each in history.tree()] == ["step-0", "step-1", "step-2", "stock", "refuse"]
    with pytest.raises(MissingDataError):
        history.require_replayable()


def test_the_stores_of_the_testing_library(stored: History) -> None:
    folder = load(RECORDED / "durable_executions")
    assert isinstance(folder, Histories)
    assert folder["order-1"] == stored
    assert stored.children["4"].function_name == "stock"
    stored.require_replayable()
