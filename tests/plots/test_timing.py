"""Where the time went: parts that sum up to the whole, and figures of executions that are known."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings

from durable_debug.history import History
from durable_debug.plots.activity import Span, length, merged, minus
from durable_debug.plots.timing import timing
from durable_debug.sources import load
from tests.plots.made import Record, a_map, a_month, histories, many_polls, where

CLOSE = 1e-6


@settings(max_examples=150)
@given(histories())
def test_parts_sum_up_to_the_whole(history: History):
    found = timing(history)
    assert found.total == pytest.approx(history.duration_seconds or 0, abs=CLOSE)
    assert found.running + found.suspended == pytest.approx(found.total, abs=CLOSE)
    assert found.working + found.backoff + found.waiting + found.other == pytest.approx(
        found.total, abs=CLOSE
    )
    assert min(found.running, found.suspended, found.working, found.backoff, found.waiting, found.other) >= 0

    each = found.invocations
    assert (each.replay + each.working + each.other - each.duration).abs().max() == pytest.approx(
        0, abs=CLOSE
    ) or each.empty
    assert each[["replay", "working", "other"]].min().min() >= 0 or each.empty
    assert each.duration.sum() == pytest.approx(found.running, abs=CLOSE)

    rows = found.operations
    parts = rows[["working", "backoff", "waiting", "inside", "other"]].sum(axis=1)
    assert (parts - rows.elapsed).abs().max() == pytest.approx(0, abs=CLOSE) or rows.empty
    assert (
        rows.drop(columns=["position", "name", "type", "sub_type", "status"]).min().min() >= -CLOSE
        or rows.empty
    )
    assert found.by_name.elapsed.sum() == pytest.approx(rows.elapsed.sum(), abs=CLOSE)
    assert found.by_name["count"].sum() == len(rows)


@settings(max_examples=150)
@given(histories())
def test_the_critical_path_is_the_whole_time_without_gaps(history: History):
    found = timing(history)
    path = found.critical_path
    assert path.seconds.sum() == pytest.approx(found.total, abs=CLOSE)
    assert (path.seconds > 0).all()
    assert (path.start.iloc[1:].reset_index(drop=True) == path.end.iloc[:-1].reset_index(drop=True)).all()
    assert found.operations.critical.sum() <= found.total + CLOSE
    assert (found.operations.critical <= found.operations.elapsed + CLOSE).all()


@settings(max_examples=100)
@given(histories())
def test_segments_of_an_operation_follow_each_other_and_are_its_whole_time(history: History):
    span = Span(history)
    for operation in history.tree():
        whole, segments = span.of(operation), span.segments(operation)
        assert whole is not None
        assert segments[0].start == whole[0]
        assert segments[-1].end == whole[1]
        assert all(one.end == two.start for one, two in zip(segments, segments[1:], strict=False))


def test_intervals():
    assert merged([(5, 6), (1, 3), (2, 4), (4, 4)]) == [(1, 4), (5, 6)]
    assert minus([(0, 10)], [(2, 3), (3, 5), (9, 12)]) == [(0, 2), (5, 9)]
    assert minus([(0, 2), (4, 6)], [(0, 6)]) == []
    assert length([(0, 2), (1, 5)]) == 5


def test_a_month_of_waiting_is_no_work():
    found = timing(a_month())
    assert found.waiting == pytest.approx(2_592_000)
    assert found.working == pytest.approx(0.1)
    assert found.backoff == 0
    assert found.running == pytest.approx(0.17)
    assert found.critical_path.nlargest(1, "seconds").name.item() == "a-month"
    assert found.by_name.name.iloc[0] == "a-month"


def test_what_passes_between_polls_is_waiting_and_not_backoff():
    found = timing(many_polls(5))
    assert found.waiting == pytest.approx(4 * 59.95)
    assert found.backoff == 0
    assert found.working == pytest.approx(0.25)


def test_backoff_of_a_retried_step(samples):
    found = timing(load(samples / "payment_failed.json"))
    charge = found.operations.set_index("name").loc["charge-card"]
    assert charge.attempts == 4
    assert charge.backoff == pytest.approx(5 + 15 + 45, abs=1)
    assert charge.elapsed == pytest.approx(charge.working + charge.backoff)
    assert found.suspended == pytest.approx(found.backoff, abs=2)


def test_replay_is_the_time_up_to_the_first_checkpoint_of_a_later_invocation():
    record = Record()
    record.started()
    record.step(where(1, "a"), 0.5, [0.1])
    record.timed(where(2, "w"), "Wait", 0.6, 10)
    record.invocation(0, 0.7)
    record.step(where(3, "b"), 11.4, [0.1])
    record.invocation(11.0, 12.0)
    record.ended(12.0)
    each = timing(record.history()).invocations
    assert each.replay.tolist() == pytest.approx([0, 0.4])
    assert each.working.tolist() == pytest.approx([0.1, 0.1])
    assert each.other.tolist() == pytest.approx([0.6, 0.5])


def test_the_critical_path_goes_through_the_branch_that_ended_last(samples):
    history = load(samples / "espresso_timed_out.json")
    path = timing(history).critical_path
    assert path.activity.isin(["work", "backoff", "wait", "callback", "invoke", "other"]).all()
    named = path.name.dropna().tolist()
    assert "read-event-config" in named
    assert "count-orders" not in named
    assert path.nlargest(1, "seconds").activity.item() == "callback"


def test_a_map_item_that_was_retried_is_on_the_critical_path(samples):
    history = load(samples / "map_200.json")
    found = timing(history)
    last = max(
        (each for each in history.tree() if each.sub_type == "MapIteration"), key=lambda each: each.end
    )
    assert found.operations.set_index("position").critical[f"{last.position}-1"] > 1
    assert found.backoff > 0


def test_by_name_puts_names_that_differ_in_digits_together():
    found = timing(a_map(12)).by_name
    assert found.set_index("name")["count"].to_dict() == {
        "all": 1,
        "item-*": 12,
        "read": 12,
        "write": 12,
        "report": 1,
    }


def test_the_columns_are_those_that_are_documented():
    found = timing(a_map(3))
    assert found.invocations.dtypes.astype(str).to_dict() == {
        "invocation": "int64",
        "duration": "float64",
        "replay": "float64",
        "working": "float64",
        "other": "float64",
    }
    assert list(found.operations.columns) == [
        "position",
        "name",
        "type",
        "sub_type",
        "status",
        "attempts",
        "elapsed",
        "working",
        "backoff",
        "waiting",
        "inside",
        "other",
        "critical",
    ]
    assert isinstance(found.critical_path.start.dtype, pd.DatetimeTZDtype)
    assert list(found.critical_path.columns) == ["position", "name", "activity", "start", "end", "seconds"]


@pytest.mark.parametrize("events", [0, 1, 2])
def test_hardly_anything_has_a_timing_too(events):
    record = Record()
    record.started()
    record.add(3.0, "StepStarted", **where(1, "a", SubType="Step"))
    found = timing(record.history(upto=events))
    assert found.total == (3.0 if events == 2 else 0.0)
    assert found.critical_path.seconds.sum() == found.total
    assert "total" in repr(found)


def test_it_shows_itself_with_names_escaped():
    record = Record()
    record.started()
    record.step(where(1, "<script>alert(1)</script>"), 0, [1.0])
    record.ended(1.0)
    page = timing(record.history())._repr_html_()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_a_moment_counts_once_where_things_run_beside_each_other():
    record = Record()
    record.started()
    outer = where(1, "both", SubType="Parallel")
    record.add(0.0, "ContextStarted", **outer)
    record.step(where(1, "retried", outer["Id"]), 0.0, [1.0, 1.0], delays=8.0)
    record.timed(where(2, "pause", outer["Id"]), "Wait", 0.0, 30.0)
    record.add(30.0, "ContextSucceeded", **outer)
    record.ended(31.0)
    found = timing(record.history())
    assert (found.working, found.backoff, found.waiting, found.other) == pytest.approx((2, 8, 20, 1))
    assert found.operations.set_index("name").waiting["pause"] == 30
