"""Operations metered, bytes, shares of the limits, dollars."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from durable_debug.errors import DurableDebugError
from durable_debug.history import History
from durable_debug.plots.cost import Prices, cost
from durable_debug.sources import load
from tests.plots.made import Record, histories, many_polls, steps, where


def test_what_is_metered_by_kind(samples):
    found = cost(load(samples / "espresso_completed.json"))
    by_name = found.by_name.set_index("name").metered
    assert by_name["read-event-config"] == 3  # a step and two retries
    assert by_name["validate-order"] == 1
    assert by_name[["event-config", "attendee-orders"]].sum() == 2  # a parallel of two: 1 + 2
    callback = found.by_name[found.by_name.name.str.startswith("barista-acceptance")]
    assert callback.metered.sum() == 3  # a wait_for_callback
    assert found.by_name.query("type == 'EXECUTION'").metered.item() == 1
    assert found.operations == found.by_name.metered.sum()


def test_polls_are_metered():
    assert cost(many_polls(5)).operations == 1 + (1 + 5)


def test_a_retried_invocation_is_metered():
    record = Record()
    record.started()
    record.step(where(1, "a"), 0.1, [0.1])
    record.add(
        0.5,
        "InvocationCompleted",
        InvocationCompletedDetails={
            "StartTimestamp": "2026-11-01T00:00:00+00:00",
            "Error": {"Payload": {"ErrorType": "Crash"}},
        },
    )
    record.step(where(2, "b"), 1.1, [0.1])
    record.invocation(1.0, 1.5)
    record.ended(1.5)
    history = record.history()
    assert history.invocations.status.tolist() == ["FAILED", "SUCCEEDED"]
    assert cost(history).operations == 1 + 1 + 2


def test_bytes_are_those_of_payloads_and_errors():
    record = Record()
    record.started()
    record.add(0.1, "StepStarted", **where(1, "a", SubType="Step"))
    record.add(
        0.2,
        "StepSucceeded",
        **where(1, "a", SubType="Step"),
        StepSucceededDetails={"Result": {"Payload": '"é"'}},
    )
    invoke = where(2, "other", SubType="ChainedInvoke")
    record.add(
        0.3,
        "ChainedInvokeStarted",
        **invoke,
        ChainedInvokeStartedDetails={"Input": {"Payload": "12345"}, "FunctionName": "f"},
    )
    record.add(
        0.4,
        "ChainedInvokeSucceeded",
        **invoke,
        ChainedInvokeSucceededDetails={"Result": {"Payload": "1234567"}},
    )
    record.ended(0.5)
    found = cost(record.history())
    by_name = found.by_name.set_index("name")
    assert by_name.bytes_written[["a", "other", "made"]].tolist() == [
        4,
        5,
        6,
    ]  # é is two bytes; the result is "done"
    assert by_name.bytes_retained[["a", "other", "made"]].tolist() == [
        4,
        12,
        8,
    ]  # what came back, and the input
    assert (found.bytes_written, found.bytes_retained) == (15, 24)
    assert found.share_of_bytes == 15 / 100_000_000
    assert found.complete


def test_missing_data_is_said():
    record = Record()
    record.started()
    record.add(0.1, "StepStarted", **where(1, "a", SubType="Step"))
    record.add(
        0.2,
        "StepSucceeded",
        **where(1, "a", SubType="Step"),
        StepSucceededDetails={"Result": {"Truncated": True}},
    )
    found = cost(record.history())
    assert not found.complete
    assert "at least" in repr(found)
    assert "at least" in found._repr_html_()


def test_the_large_sample_is_near_the_limit(samples):
    found = cost(load(samples / "large_2900.json"))
    assert found.operations == 2_907
    assert found.share_of_operations == pytest.approx(2_907 / 3_000)
    assert found.dollars["operations"] == pytest.approx(2_907 * 8 / 1e6)


def test_prices_can_be_changed():
    history = steps("a", "b")
    cheap, dear = cost(history), cost(history, prices=Prices(per_million_operations=16, operations_limit=6))
    assert dear.dollars["operations"] == 2 * cheap.dollars["operations"] == pytest.approx(3 * 16 / 1e6)
    assert dear.share_of_operations == 0.5
    assert cost(history, memory_mb=1024).dollars["compute"] == pytest.approx(8 * cheap.dollars["compute"])
    assert cost(history, retention_days=28).dollars["retained"] == pytest.approx(
        2 * cheap.dollars["retained"]
    )


def test_prices_and_their_date_are_visible():
    page = cost(steps("a"))._repr_html_()
    for text in ("2026-11", "8.0", "0.25", "0.15", "0.2", "128 MB", "14 days"):
        assert text in page


@pytest.mark.parametrize(
    "wrong", [{"memory_mb": -1}, {"retention_days": -1}, {"prices": Prices(operations_limit=0)}]
)
def test_impossible_numbers_are_refused(wrong):
    with pytest.raises(DurableDebugError, match="above 0"):
        cost(steps("a"), **wrong)


@settings(max_examples=60)
@given(histories())
def test_rows_sum_up(history: History):
    found = cost(history)
    assert (
        found.operations == found.by_name.metered.sum() >= found.by_name["count"].sum() - (len(history) == 0)
    )
    assert found.bytes_written == found.by_name.bytes_written.sum() <= found.bytes_retained
    of_operations = sum(found.dollars[item] for item in ("operations", "written", "retained"))
    assert found.by_name.dollars.sum() == pytest.approx(of_operations)
    assert found.total_dollars == pytest.approx(sum(found.dollars.values()))
