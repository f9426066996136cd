"""A debugger leaves nothing behind: no thread, no hook, no memory, whenever and however it is left."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
from durable_debug.engine import capture

from tests.debugger.walk import SAMPLES, SUBJECTS, open_debugger
from tests.patience import PATIENCE, comes

ROOT = Path(__file__).parent.parent.parent
OURS = ("durable-debug", "dex-", "ThreadPoolExecutor")


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_closing_half_way_ends_its_threads(subject) -> None:
    dbg = open_debugger(subject)
    dbg.goto(index=dbg.run_result.operations[-1].seq // 2)
    assert our_threads()
    dbg.close()
    assert comes(lambda: not our_threads())
    dbg.close()  # does no harm
    assert dbg.status == "closed"


def test_a_closed_debugger_says_so() -> None:
    dbg = open_debugger("timed out")
    dbg.close()
    for use in (dbg.run, dbg.step, dbg.step_in, dbg.step_out, dbg.step_back, dbg.run_back, dbg.restart):
        with pytest.raises(dd.ClosedError):
            use()
    with pytest.raises(dd.ClosedError):
        dbg.goto(index=1)
    with pytest.raises(dd.ClosedError):
        dbg.post("run")
    with pytest.raises(dd.ClosedError):
        dbg.evaluate("1")
    with pytest.raises(dd.ClosedError):
        dbg.break_at("x")


@pytest.mark.parametrize("subject", ["nested", "live map", "timed out"])
def test_one_that_nobody_refers_to_ends_by_itself(subject) -> None:
    dbg = open_debugger(subject)
    dbg.break_at("*", when="len(event) > 0")
    dbg.goto(index=3)
    dbg.run()
    dbg.step_back()
    dbg.post("step_in")
    assert comes(lambda: dbg.status == "stopped")
    assert dbg.problem is None
    del dbg
    gc.collect()
    assert comes(lambda: not our_threads())


def test_one_that_is_collected_waits_for_nothing() -> None:
    """Memory is needed, and garbage collected, in any thread: in one, say, that holds what the end of a replay needs."""
    dbg = [open_debugger("nested")]
    dbg[0].step_in()
    collected = threading.Event()

    def collect() -> None:
        with capture._lock:
            dbg.clear()
            gc.collect()
        collected.set()

    threading.Thread(target=collect, daemon=True).start()
    assert collected.wait(PATIENCE)
    assert comes(lambda: not our_threads())


SCRIPT = """
    import durable_debug as dd
    dbg = dd.debug({handler!r}, {history!r}, invocation={invocation!r})
    dbg.goto(index=5)
    {more}
    print("at", dbg.stop.index)
"""


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("timed out", ""),
        ("live map", ""),
        ("nested", "dbg.post('step')"),
        ("nested", "import sys; print('at 5'); sys.exit(0)"),
    ],
)
def test_the_interpreter_ends_with_an_open_debugger(subject, more) -> None:
    history, app, invocation = SUBJECTS[subject]
    script = SCRIPT.format(
        handler=f"{SAMPLES}/apps/{app}.py:handler",
        history=str(SAMPLES / f"{history}.json"),
        invocation=invocation,
        more=more,
    )
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("at ")


def test_a_hundred_closed_half_way_leave_nothing() -> None:
    subjects = [SUBJECTS[name] for name in ("timed out", "nested", "live map", "divergent", "suspended")]
    given = [
        (dd.load(SAMPLES / f"{history}.json"), f"{SAMPLES}/apps/{app}.py:handler", invocation)
        for history, app, invocation in subjects
    ]

    def rounds(count: int) -> None:
        for number in range(count):
            history, handler, invocation = given[number % len(given)]
            dbg = dd.debug(handler, history, invocation=invocation)
            dbg.goto(index=min(3 + number % 5, dbg.run_result.operations[-1].seq))
            if number % 2:
                dbg.close()
            del dbg
        gc.collect()

    rounds(10)
    assert comes(lambda: not our_threads())
    gc.collect()
    before = sys.getallocatedblocks()
    rounds(100)
    assert comes(lambda: not our_threads())
    gc.collect()
    assert sys.getallocatedblocks() - before < 10_000  # one of these debuggers holds as many
    assert sys.gettrace() is None and threading.gettrace() is None
    assert logging.getLogger().handlers == [
        h for h in logging.getLogger().handlers if "durable" not in repr(h)
    ]
    assert "durable_debug" not in type(sys.stdout).__module__


# ------------------------------------------------------------------------------------- posting and telling


def test_posted_verbs_never_wait_and_tell_every_change() -> None:
    with open_debugger("nested") as dbg:
        seen: list[tuple[str, int]] = []
        unsubscribe = dbg.subscribe(lambda: seen.append((dbg.status, dbg.stop.index)))
        held = threading.Event()
        dbg.subscribe(lambda: held.wait(PATIENCE))  # no verb is done before all are posted
        for verb, place in [("step", {}), ("step_in", {}), ("goto", {"position": "3-1"}), ("step_back", {})]:
            dbg.post(verb, **place)
        assert len(seen) <= 1
        held.set()
        assert comes(lambda: dbg.status == "stopped" and dbg.stop.asked.position == "3" and len(seen) >= 8)
        assert [status for status, _ in seen[:8]] == ["running", "stopped"] * 4
        assert [index for status, index in seen[:8] if status == "stopped"] == [9, 10, 12, 11]
        unsubscribe()
        unsubscribe()
        dbg.step()
        assert len(seen) == 8


def test_what_goes_wrong_with_a_posted_verb_is_kept() -> None:
    with open_debugger("nested") as dbg:
        told = threading.Event()
        dbg.subscribe(lambda: told.set() if dbg.problem else None)
        dbg.post("goto", position="9-9")
        assert told.wait(5)
        assert "9-9" in dbg.problem and "run_result.operations" in dbg.problem
        dbg.step()
        assert dbg.problem is None
        with pytest.raises(dd.DurableDebugError, match="no verb"):
            dbg.post("close_the_door")


def test_breakpoints_and_closing_are_told_too() -> None:
    dbg = open_debugger("nested")
    told: list[str] = []
    dbg.subscribe(lambda: told.append(dbg.status))
    dbg.clear(dbg.break_at("reserve-*"))
    assert told == ["stopped", "stopped"]
    dbg.close()
    assert told[-1] == "closed"


def test_a_view_that_fails_is_logged_and_does_not_stop_a_verb(caplog) -> None:
    with open_debugger("nested") as dbg:
        told: list[str] = []
        unsubscribe = dbg.subscribe(lambda: 1 / 0)
        dbg.subscribe(lambda: told.append(dbg.status))
        assert dbg.step().asked.position == "2"
        assert dbg.status == "stopped"
        assert told == ["running", "stopped"]
        assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError] * 2
        assert {record.name.partition(".")[0] for record in caplog.records} == {"durable_debug"}
        unsubscribe()
        dbg.step()
        assert len(caplog.records) == 2


def at_once(count: int, use) -> None:
    """Have something done by many threads that begin together, and see that none of them fails."""
    wrong: list[BaseException] = []
    ready = threading.Barrier(count)

    def begin(number: int) -> None:
        try:
            ready.wait(PATIENCE)
            use(number)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=begin, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * PATIENCE)
    assert wrong == []


def test_breakpoints_that_many_threads_set_have_numbers_of_their_own() -> None:
    with open_debugger("nested") as dbg:
        here = dbg.stop.index

        def use(number: int) -> None:
            for round_ in range(5):
                dbg.break_at("reserve-*", when="True" if round_ % 2 else None)
                dbg.post("step_in")
                if number % 2:
                    dbg.clear(dbg.breakpoints[-1])

        at_once(6, use)
        numbers = [one.id for one in dbg.breakpoints]
        assert numbers == sorted(set(numbers)) and numbers[0] == 0
        assert comes(lambda: dbg.status != "running")
        dbg.restart()
        assert dbg.stop.index == here
        assert {one.hit_count for one in dbg.breakpoints} == {0}


def test_many_threads_may_subscribe_and_unsubscribe_while_all_are_told() -> None:
    with open_debugger("nested") as dbg:
        stays: list[int] = []
        dbg.subscribe(lambda: stays.append(dbg.stop.index))

        def use(number: int) -> None:
            for _ in range(20):
                unsubscribe = dbg.subscribe(lambda: None)
                if number == 0:
                    dbg.clear()
                unsubscribe()
                unsubscribe()

        at_once(4, use)
        assert len(stays) == 20
        dbg.step()
        assert len(stays) == 22


def test_a_panel_that_sees_a_verb_end_sees_where_it_stands() -> None:
    """Another thread that reads `status` and then `stop` never sees a stop from before the verb."""
    with open_debugger("nested") as dbg:
        seen: list[tuple[str, int]] = []
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                seen.append((dbg.status, dbg.stop.index))

        looking = threading.Thread(target=look)
        looking.start()
        try:
            walk = [dbg.stop.index, *(dbg.step_in().index for _ in range(10))]
        finally:
            done.set()
            looking.join(PATIENCE)
        order = [walk.index(index) for _, index in seen]
        assert order == sorted(order)
        assert {status for status, _ in seen} <= {"running", "stopped"}


def test_many_threads_may_post_and_look() -> None:
    with open_debugger("nested") as dbg:
        wrong: list[BaseException] = []

        def use(verb: str) -> None:
            try:
                for _ in range(15):
                    dbg.post(verb)
                    dbg.variables()
                    _ = dbg.stack, dbg.locals, dbg.statuses, repr(dbg)
            except BaseException as error:
                wrong.append(error)

        threads = [
            threading.Thread(target=use, args=(verb,))
            for verb in ("step_in", "step_back", "step", "run_back")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert wrong == []
        dbg.goto(position="1-1-2")
        assert dbg.locals["train"]


# ----------------------------------------------------------------------------------- handlers that misbehave


@durable_execution
def never_ends(event, context):
    context.wait(Duration.from_seconds(5), name="until-later")
    while True:
        time.sleep(0.001)


@pytest.fixture
def waited() -> dd.History:
    events = dd.load(SAMPLES / "nested.json").raw
    waits = [e for e in events if e.get("Name") == "until-seats-open"][:2]
    from durable_debug.history import operation_id

    started = dict(events[0])
    made = [
        started,
        *({**e, "Id": operation_id(None, 1), "ParentId": None, "Name": "until-later"} for e in waits),
    ]
    return dd.load([{**e, "EventId": i} for i, e in enumerate(made, 1)])


def test_a_handler_that_never_ends_is_ended(waited) -> None:
    with dd.debug(never_ends, waited, timeout=1) as dbg:
        assert dbg.stop.asked.name == "until-later"
        end = dbg.run()
        assert end.kind == "end" and "asked for nothing more" in end.error
        assert dbg.step_back().asked.name == "until-later"
        assert dbg.locals["event"]
        dbg.run()
    assert comes(lambda: not our_threads())


def test_closing_while_a_posted_verb_waits_for_the_handler(waited) -> None:
    busy, computing = threading.Event(), threading.Event()

    @durable_execution
    def computes(event, context):
        context.wait(Duration.from_seconds(5), name="until-later")
        while busy.is_set():
            computing.set()

    dbg = dd.debug(computes, waited, timeout=4 * PATIENCE)
    busy.set()
    dbg.post("run")
    assert comes(lambda: dbg.status == "running") and computing.wait(PATIENCE)
    closing = threading.Thread(target=dbg.close)
    closing.start()
    closing.join(PATIENCE)  # and not the handler's
    assert not closing.is_alive()
    assert comes(lambda: not our_threads())
