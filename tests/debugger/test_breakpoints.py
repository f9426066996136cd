"""Breakpoints of each kind stop where they say, and nowhere else."""

from __future__ import annotations

import durable_debug as dd
import pytest

from tests.debugger.walk import SAMPLES, open_debugger


def positions(dbg) -> list[str]:
    """Where `run` stops, from the start to the end."""
    dbg.restart()
    found = []
    while (stop := dbg.run()).kind == "operation":
        found.append(stop.asked.position)
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "reserve-seat"}, ["1-1-3", "1-2-3"]),
        ({"name": "reserve-*"}, ["1-1-1", "1-1-3", "1-2-1", "1-2-3", "2-1", "3-1", "3-2"]),
        ({"name": "hotel-[2-9]"}, ["3"]),
        ({"type": "WAIT"}, ["1-1-2", "1-2-2"]),
        ({"type": "wait"}, ["1-1-2", "1-2-2"]),
        ({"sub_type": "RunInChildContext", "position": "?"}, ["2", "3", "4"]),  # the first stop is one, too
        ({"status": "FAILED"}, ["2", "2-1"]),
        ({"status": "failed", "type": "STEP"}, ["2-1"]),
        ({"position": "1-2-1"}, ["1-2-1"]),
        ({"position": "3*"}, ["3", "3-1", "3-2"]),
        ({"position": 2}, ["2"]),
        ({"when": "'Hotel Central' == hotel"}, ["2", "2-1"]),
        ({"name": "reserve-*", "when": "start == 'Ghent'"}, []),
        ({"name": "reserve-*", "hits": 6}, ["3-1", "3-2"]),
        ({"line": 34}, ["1-1-1", "1-2-1"]),
        ({"line": 35}, ["1-1-2", "1-2-2"]),  # a comment: the next line that has an operation
        ({"line": 73}, ["4"]),  # within a call of several lines
        ({"line": 34, "file": "apps/nested.py"}, ["1-1-1", "1-2-1"]),
        ({"name": "apps/nested.py:34"}, ["1-1-1", "1-2-1"]),
        ({"name": "other.py:34"}, []),
        ({"line": 34, "file": "elsewhere.py"}, []),
        ({"name": "nothing"}, []),
    ],
)
def test_a_breakpoint_stops_at_what_it_says(fields, expected) -> None:
    with open_debugger("nested") as dbg:
        breakpoint = dbg.break_at(**fields)
        assert positions(dbg) == expected
        assert breakpoint.bound == (bool(expected) or "when" in fields)
        assert bool(breakpoint.note) == (fields.get("line") == 35 or not breakpoint.bound)


@pytest.mark.parametrize(
    ("subject", "fields", "expected"),
    [
        ("timed out", {"status": "TIMED_OUT"}, ["4-1"]),
        ("timed out", {"event_id": 1}, []),
        ("retries", {"attempt": 2}, ["2"]),
        ("retries", {"attempt": 4}, ["2"]),
        ("retries", {"attempt": 5}, []),
    ],
)
def test_a_breakpoint_on_what_was_recorded(subject, fields, expected) -> None:
    with open_debugger(subject) as dbg:
        dbg.break_at(**fields)
        assert positions(dbg) == expected


def test_a_breakpoint_on_an_event_stops_at_its_operation() -> None:
    with open_debugger("timed out") as dbg:
        timed_out = next(e["EventId"] for e in dbg.history.raw if e["EventType"] == "CallbackTimedOut")
        dbg.break_at(event_id=timed_out)
        assert positions(dbg) == ["4-1"]


def test_a_breakpoint_on_an_invocation_stops_at_its_first_operation() -> None:
    with open_debugger("timed out") as dbg:
        second = dbg.break_at(invocation=2)
        (at,) = positions(dbg)
        operations = {one.position: one for one in dbg.history.tree()}
        assert operations[at].start_invocation == 2
        dbg.clear(second)
        dbg.break_at(invocation=0)
        begun = [operations[position].start_invocation for position in positions(dbg)]
        assert begun == sorted(set(begun)) and len(begun) >= 1


def test_breakpoints_together_disabled_and_cleared() -> None:
    with open_debugger("nested") as dbg:
        waits, failed = dbg.break_at(type="WAIT"), dbg.break_at(status="FAILED")
        assert positions(dbg) == ["1-1-2", "1-2-2", "2", "2-1"]
        waits.enabled = False
        assert positions(dbg) == ["2", "2-1"]
        waits.enabled = True
        dbg.clear(failed)
        assert positions(dbg) == ["1-1-2", "1-2-2"]
        dbg.clear()
        assert [one.id for one in dbg.breakpoints] == [0]
        assert positions(dbg) == []


def test_run_back_finds_the_breakpoint_before() -> None:
    with open_debugger("nested") as dbg:
        dbg.break_at(type="WAIT")
        dbg.goto(index=-1)
        stops = [dbg.run_back() for _ in range(3)]
        assert [(stop.asked.position, stop.reason) for stop in stops] == [
            ("1-2-2", "breakpoint 1: type=WAIT"),
            ("1-1-2", "breakpoint 1: type=WAIT"),
            ("1", "run back"),
        ]


def test_hits_are_those_on_the_way_to_here_whenever_the_breakpoint_was_set() -> None:
    with open_debugger("nested") as dbg:
        dbg.goto(position="2-1")
        plain, conditional = dbg.break_at("reserve-*"), dbg.break_at(when="start == 'Zurich' or True")
        assert (plain.hit_count, conditional.hit_count) == (
            5,
            8,
        )  # at the handler's own stops there is no `start`
        dbg.step_back()
        assert (plain.hit_count, conditional.hit_count) == (4, 8)
        dbg.goto(index=-1)
        dbg.goto(position="2-1")
        assert (plain.hit_count, conditional.hit_count) == (5, 8)
        assert dbg.stop.asked.position == "2-1"


def test_a_condition_that_fails_says_why_and_stops_nothing() -> None:
    with open_debugger("nested") as dbg:
        breakpoint = dbg.break_at("reserve-room", when="hotle == 'Hotel Central'")
        assert positions(dbg) == []
        assert "NameError" in breakpoint.note and "hotle" in breakpoint.note


@pytest.mark.parametrize(
    "when",
    ["context.step(lambda _: 1, name='mine')", "open('x', 'w')", "exit()", "__import__('os').system('true')"],
)
def test_a_condition_changes_nothing(when, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_debugger("nested") as dbg:
        straight = [dbg.step_in().asked.position for _ in range(6)]
        dbg.restart()
        breakpoint = dbg.break_at(when=when)
        assert [dbg.step_in().asked.position for _ in range(6)] == straight
        assert breakpoint.hit_count == 0 and breakpoint.note.startswith("condition: ")
    assert list(tmp_path.iterdir()) == []


def test_a_condition_on_a_branch_of_a_live_map_sees_the_map_s_variables() -> None:
    with open_debugger("live map") as dbg:
        dbg.break_at("photo-0[0-4]?", when="len(photos) == 200", hits=3)
        assert dbg.run().asked.name == "photo-002"


@pytest.mark.parametrize("fields", [{}, {"hits": 3}, {"file": "a.py"}, {"when": "a b"}, {"when": ""}])
def test_a_breakpoint_that_makes_no_sense_says_so(fields) -> None:
    with open_debugger("nested") as dbg:
        with pytest.raises(dd.DurableDebugError) as caught:
            dbg.break_at(**fields)
        assert caught.value.cure
        assert len(dbg.breakpoints) == 1


def test_a_breakpoint_in_a_file_named_by_a_path(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(SAMPLES)
    with dd.debug("apps/nested.py:handler", "nested.json") as dbg:
        dbg.break_at(line=34, file="apps/nested.py")
        assert dbg.run().asked.position == "1-1-1"


# ------------------------------------------------------------------------------------------------------ goto


def test_goto_by_each_key() -> None:
    with open_debugger("timed out") as dbg:
        assert dbg.goto(index=7).asked.name == "barista-acceptance"
        assert dbg.goto(position="2-0-1").asked.name == "read-event-config"
        assert dbg.goto(name="tell-attendee").index == 11
        assert dbg.goto(name="initialise-order").index == 0
        for event in dbg.history.raw:
            stop = dbg.goto(event_id=event["EventId"])
            known = [one for one in dbg.history.tree() if event["EventId"] in one.event_ids]
            if known:
                assert event["EventId"] in stop.operation.event_ids
            elif stop.kind == "operation":  # of the execution or an invocation: what began next
                assert stop.operation.start_event_id > event["EventId"]
        assert dbg.goto(index=-1).kind == "end"
        assert dbg.goto(index=-2).kind == "exception"


def test_goto_a_name_goes_on_to_the_next_of_that_name() -> None:
    with open_debugger("nested") as dbg:
        assert [dbg.goto(name="reserve-seat").asked.position for _ in range(3)] == ["1-1-3", "1-2-3", "1-1-3"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"index": 99}, "no stop 99"),
        ({"index": -15}, "no stop -15"),
        ({"position": "9-9"}, "9-9"),
        ({"name": "nothing"}, "nothing"),
        ({"event_id": 999}, "no event 999"),
        ({"event_id": 0}, "no event 0"),
    ],
)
def test_goto_nowhere_says_so_and_stays(place, says) -> None:
    with open_debugger("timed out") as dbg:
        stop = dbg.step()
        with pytest.raises(dd.NoSuchStopError, match=says) as caught:
            dbg.goto(**place)
        assert caught.value.cure
        assert dbg.stop is stop and dbg.status == "stopped" and dbg.locals


@pytest.mark.parametrize("place", [{}, {"index": 1, "name": "x"}])
def test_goto_takes_one_place(place) -> None:
    with open_debugger("timed out") as dbg, pytest.raises(dd.DurableDebugError, match="one place"):
        dbg.goto(**place)


def test_goto_an_event_that_this_replay_does_not_come_to() -> None:
    with open_debugger("first invocation") as dbg:
        last = dbg.history.tree()[-1]
        with pytest.raises(dd.NoSuchStopError, match="does not ask for"):
            dbg.goto(event_id=last.start_event_id)
