"""Forward and back: whichever way a stop is reached, it shows the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.debugger.walk import SUBJECTS, open_debugger, shown, straight

VERBS = ("step", "step_in", "step_out", "step_back", "run", "run_back", "restart")
LARGE = {"completed map", "live map"}


@pytest.fixture(scope="module")
def straight_walks():
    """By subject, what a straight walk saw with the breakpoints of `with_breakpoints`."""
    found = {}

    def of(subject: str):
        if subject not in found:
            with open_debugger(subject) as dbg:
                with_breakpoints(dbg)
                found[subject] = straight(dbg)
        return found[subject]

    return of


def with_breakpoints(dbg) -> None:
    dbg.break_at("*e*", hits=2)
    dbg.break_at(type="CONTEXT")
    dbg.break_at(status="FAILED")
    dbg.break_at(invocation=0)
    dbg.break_at(when="len(event) > 0")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_stops_are_the_operations_then_an_exception_then_the_end(subject, straight_walks) -> None:
    seen = straight_walks(subject)
    assert [one["index"] for one in seen] == list(range(len(seen)))
    *before, end = seen
    assert end["kind"] == "end" and end["status"] == "ended" and end["stack"] == ()
    kinds = [one["kind"] for one in before]
    if subject in {"timed out", "retries"}:
        assert kinds.pop() == "exception"
    assert set(kinds) == {"operation"}
    assert all(one["asked"] is not None and one["stack"] for one in before if one["kind"] == "operation")


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_verb_back_and_forth_shows_what_the_straight_walk_showed(subject, straight_walks) -> None:
    seen = straight_walks(subject)
    with open_debugger(subject) as dbg:
        with_breakpoints(dbg)
        places = range(len(seen)) if subject not in LARGE else (0, 1, 2, 3, 40, 41, 117, 250, len(seen) - 1)
        for place in reversed(places):
            dbg.goto(index=place)
            assert shown(dbg) == seen[place]
        for verb in (
            "step_in",
            "step_back",
            "step",
            "step_back",
            "step_out",
            "run_back",
            "run",
            "run",
            "run_back",
        ):
            getattr(dbg, verb)()
            assert shown(dbg) == seen[dbg.stop.index]


@pytest.mark.parametrize("subject", SUBJECTS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_random_walk_shows_what_the_straight_walk_showed(subject, straight_walks, data) -> None:
    seen = straight_walks(subject)
    go = st.tuples(st.just("goto"), st.integers(-len(seen), len(seen) - 1))
    walk = data.draw(st.lists(st.one_of(st.tuples(st.sampled_from(VERBS), st.none()), go), max_size=9))
    set_at = data.draw(
        st.integers(0, 9)
    )  # breakpoints may be set anywhere on the way: their hits count from the start
    with open_debugger(subject) as dbg:
        for number, (verb, index) in enumerate(walk):
            if number == set_at:
                with_breakpoints(dbg)
            stop = dbg.goto(index=index) if verb == "goto" else getattr(dbg, verb)()
            assert dbg.stop is stop
            expected = seen[stop.index]
            got = shown(dbg)
            if number < set_at:
                expected, got = ({**one, "hits": None} for one in (expected, got))
            assert got == expected


def test_step_goes_over_child_contexts_and_step_in_enters_them() -> None:
    with open_debugger("nested") as dbg:
        assert [stop.asked.position for stop in go(dbg, dbg.step)] == ["2", "3", "4"]
        dbg.restart()
        assert [dbg.step_in().asked.position for _ in range(4)] == ["1-1", "1-1-1", "1-1-2", "1-1-3"]
        assert dbg.step_out().asked.position == "1-2"
        assert dbg.step_in().asked.position == "1-2-1"
        assert dbg.step_out().asked.position == "2"
        assert dbg.step_in().asked.position == "2-1"
        assert dbg.step().asked.position == "3"  # the last operation of its context: on to the one around it
        assert dbg.step_back().asked.position == "2"
        assert dbg.step_back().asked.position == "1"
        dbg.goto(position="1-2-2")
        assert [dbg.step_back().asked.position for _ in range(5)] == ["1-2-1", "1-2", "1-1", "1", "1"]


def go(dbg, verb):
    """The stops of a verb done again and again, without the end."""
    found = []
    while verb().kind != "end":
        found.append(dbg.stop)
    return found


def test_step_out_of_the_handler_is_its_end() -> None:
    with open_debugger("nested") as dbg:
        assert dbg.step_out().kind == "end"
        assert dbg.step_back().asked.position == "4"


def test_a_breakpoint_inside_stops_a_step_over_it() -> None:
    with open_debugger("nested") as dbg:
        dbg.break_at(position="1-2-2")
        stop = dbg.step()
        assert (stop.asked.position, stop.reason) == ("1-2-2", "breakpoint 1: position=1-2-2")


def test_step_enters_and_leaves_branches_of_a_map() -> None:
    for subject in LARGE:
        with open_debugger(subject) as dbg:
            assert dbg.step().asked.sub_type == "Map"
            assert dbg.step_in().asked.name == "photo-000"
            assert dbg.step_in().asked.name == "scale"
            assert dbg.step().asked.name == "photo-001"
            assert dbg.step().asked.name == "photo-002"
            assert dbg.step_out().kind == "end"


@pytest.mark.parametrize("subject", sorted(LARGE))
def test_a_stop_in_a_branch_has_the_map_s_call_under_it(subject) -> None:
    with open_debugger(subject) as dbg:
        dbg.goto(position="2-57-1")
        assert [frame.function for frame in dbg.stack] == ["make_thumbnail", "handler"]
        assert dbg.locals["number"] == dbg.locals["index"] == 57
        assert dbg.evaluate("len(photos)", frame=1) == 200
        dbg.goto(position="2-57")
        assert [frame.function for frame in dbg.stack] == ["handler"]
        assert dbg.stop.source.source == "thumbnails = context.map("


def test_going_to_the_end_and_back_over_an_exception() -> None:
    with open_debugger("timed out") as dbg:
        exception = dbg.run()
        assert (exception.kind, exception.reason) == ("exception", "exception")
        assert exception.error == f"OrderNotAccepted: {dbg.locals['reason']}"
        assert exception.source.source == "raise OrderNotAccepted(reason) from error"
        end = dbg.run()
        assert (end.kind, end.status, end.error) == ("end", "FAILED", exception.error)
        assert dbg.run() is end  # nowhere to go from here
        assert dbg.step_back().kind == "exception"
        assert dbg.step_back().asked.name == "tell-attendee"
        assert dbg.goto(index=-1).kind == "end"
        assert dbg.run_back().kind == "exception"
        assert dbg.run_back().index == 0
        assert dbg.run_back().index == 0


def test_a_replay_that_diverges_stops_at_each_divergence() -> None:
    with open_debugger("divergent") as dbg:
        stops = [dbg.run(), dbg.run()]
        assert [stop.reason for stop in stops] == ["divergence", "divergence"]
        assert [stop.asked.name for stop in stops] == ["check-address", "pack-parcel"]
        assert all(stop.divergences for stop in stops)
        assert dbg.run().kind == "end"
        dbg.break_at(divergence=False)
        dbg.restart()
        assert dbg.run().kind == "end"
        dbg.break_at(divergence=True)
        assert dbg.run_back().asked.name == "pack-parcel"


def test_a_suspended_execution_ends_pending() -> None:
    with open_debugger("suspended") as dbg:
        end = dbg.run()
        assert (end.kind, end.status, end.error) == ("end", "PENDING", None)
        assert [status for status in dbg.statuses] == ["STARTED", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
