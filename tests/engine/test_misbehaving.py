"""Handlers that misbehave: each replay ends, soon and with a clear outcome, and the process is as usable as before."""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import select
import signal
import sys
import threading
import time

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution

from tests.engine.subject import TROUBLE, handler, history, history_of
from tests.patience import PATIENCE, comes

OURS = ("durable-debug", "dex-", "ThreadPoolExecutor")


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(OURS)]


@pytest.fixture(autouse=True)
def usable_afterwards():
    yield
    TROUBLE.clear()
    run = dd.replay(handler, history())
    assert run.ok and run.status == "SUCCEEDED"


def loop_for_ever() -> None:
    while True:
        pass


def loop_that_swallows() -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def loop_in_generators() -> None:
    sum(1 for _ in iter(int, 1))


@pytest.mark.parametrize("place", ["start", "between", "child", "item", "waiting item", "end"])
@pytest.mark.parametrize("loop", [loop_for_ever, loop_that_swallows, loop_in_generators])
def test_an_endless_loop_is_ended(place, loop) -> None:
    TROUBLE[place] = loop
    run = dd.replay(handler, history(), timeout=1)
    assert run.status == "HALTED"
    assert "asked for nothing more for 1 s" in run.stopped
    after = "before its first operation" if place == "start" else "after operation"
    assert after in run.stopped
    assert not run.ok


def test_an_endless_loop_in_a_live_branch_is_ended() -> None:
    TROUBLE["waiting item"] = loop_for_ever
    run = dd.replay(handler, history(), invocation=1, timeout=1)
    assert run.status == "HALTED" and "after operation 6-0-1" in run.stopped


def test_an_endless_loop_of_operations_is_ended() -> None:
    @durable_execution
    def asks_on_and_on(event, context):
        while True:
            context.step(lambda _: 1, name="first")

    run = dd.replay(asks_on_and_on, history())
    found = run.divergences  # behind the first, it is run on: and asks on and on
    assert run.status == "FAILED" and run.error["ErrorType"].endswith("NonDeterministicExecutionError")
    assert found and run.report()


WAITS = {
    "an event": lambda one: one.wait(),
    "a lock": lambda one: one.lock.acquire(),
    "a pipe": lambda one: select.select([one.reader], [], []),
}


class Comes(threading.Event):
    """What a handler waits for in C until the test lets it come."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.lock.acquire()
        self.reader, self.writer = os.pipe()

    def come(self) -> None:
        self.set()
        self.lock.release()
        os.close(self.writer)


@pytest.mark.parametrize("name", WAITS)
def test_a_handler_that_waits_for_ever_is_left_behind(name) -> None:
    """Nobody can interrupt a thread that waits in C; it wakes when the replay is over, and finds itself ended."""
    one = Comes()
    TROUBLE["between"] = lambda: WAITS[name](one)
    run = dd.replay(handler, history(), timeout=1)
    assert run.status == "HALTED" and "asked for nothing more" in run.stopped
    assert threads()
    one.come()
    assert comes(lambda: not threads())
    os.close(one.reader)


def test_a_sleep_of_an_hour_is_refused() -> None:
    if sys.version_info < (3, 13):
        return  # CPython does not report sleeps yet; such a thread is left behind
    TROUBLE["between"] = lambda: time.sleep(3600)
    run = dd.replay(handler, history())
    assert run.status == "HALTED" and "sleep 3600 s" in run.stopped


def test_asking_for_input_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("never read"))
    TROUBLE["between"] = lambda: input("your name? ")
    run = dd.replay(handler, history())
    assert run.status == "HALTED" and "input" in run.stopped
    assert sys.stdin.read() == "never read"


class Own(BaseException):
    pass


def raises(error):
    def trouble():
        raise error

    return trouble


@pytest.mark.parametrize(
    ("deed", "status", "says"),
    [
        (lambda: sys.exit(3), "CRASHED", "SystemExit: 3"),
        (raises(Own("bare")), "CRASHED", "Own: bare"),
        (raises(KeyboardInterrupt()), "CRASHED", "KeyboardInterrupt"),
        (raises(GeneratorExit()), "CRASHED", "GeneratorExit"),
        (raises(ValueError("plain")), "FAILED", "ValueError: plain"),
    ],
)
@pytest.mark.parametrize("place", ["start", "between", "end"])
def test_what_a_handler_raises_is_its_outcome(deed, status, says, place) -> None:
    TROUBLE[place] = deed
    run = dd.replay(handler, history())
    assert run.status == status
    kind, _, message = says.partition(": ")
    assert run.error["ErrorType"].endswith(kind) and run.error["ErrorMessage"] == message
    assert not run.ok
    with dd.debug(handler, history()) as dbg:
        end = dbg.goto(index=-1)
        assert end.kind == "end" and kind in end.error


def test_recursion_without_end_is_an_error_of_the_handler() -> None:
    def deeper() -> None:
        deeper()

    TROUBLE["between"] = deeper
    run = dd.replay(handler, history())
    assert run.status == "FAILED" and run.error["ErrorType"] == "RecursionError"


def test_swallowing_everything_around_operations_ends_too() -> None:
    @durable_execution
    def swallows(event, context):
        while True:
            try:
                context.step(lambda _: 1, name="not recorded")
            except BaseException:
                pass

    run = dd.replay(swallows, history(), timeout=1)
    assert run.status == "HALTED" and run.stopped
    assert comes(lambda: not threads())


def test_threads_that_outlive_the_handler_hold_nothing_up() -> None:
    over, outlived = threading.Event(), threading.Event()

    def lives_on() -> None:
        over.wait()
        outlived.set()

    TROUBLE["between"] = lambda: threading.Thread(target=lives_on, daemon=True).start()
    assert dd.replay(handler, history()).status == "SUCCEEDED"
    over.set()
    assert outlived.wait(PATIENCE)


def test_printing_and_logging_without_end_fills_nothing() -> None:
    def much() -> None:
        for number in range(200_000):
            print("a line", number)
        print("x" * 1_000_000)
        logging.getLogger("much").warning("%s and %s", "too few arguments")

    TROUBLE["between"] = much
    run = dd.replay(handler, history())
    assert run.status == "SUCCEEDED"
    assert len(run.logs) <= 10_001
    assert sum(len(line.message) for line in run.logs) < 10_000_000
    assert "kept" in run.logs[-1].message


def test_a_log_call_with_wrong_arguments_is_kept_as_it_is() -> None:
    TROUBLE["between"] = lambda: logging.getLogger("wrong").warning("%s and %s", "one")
    (line,) = dd.replay(handler, history()).logs
    assert line.level == "WARNING" and "%s and %s" in line.message and "one" in line.message


def test_the_sdk_s_own_log_is_silent_while_a_replay_runs_and_only_then(caplog) -> None:
    own = [logging.getLogger(f"aws_durable_execution_sdk_python.{name}") for name in ("execution", "state")]
    own[1].disabled = True  # by the user
    beside = logging.getLogger("aws_durable_execution_sdk_python_testing.runner")
    caplog.set_level(logging.DEBUG)

    def fails() -> None:
        beside.warning("another package")
        raise ValueError("on purpose")

    try:
        TROUBLE["end"] = fails
        run = dd.replay(handler, history())  # the SDK logs a traceback where a handler fails
        own[0].error("afterwards")
        assert run.status == "FAILED"
        assert [line.message for line in run.logs] == ["another package"]
        assert [record.message for record in caplog.records] == ["afterwards"]
        assert [logger.disabled for logger in own] == [False, True]
    finally:
        own[1].disabled = False


def test_a_line_printed_in_parts_is_one_line() -> None:
    def parts() -> None:
        print("one", 2, end="")
        print(" three")
        sys.stdout.writelines(["four\n", "five"])
        sys.stderr.flush()

    TROUBLE["end"] = parts
    assert [line.message for line in dd.replay(handler, history()).logs] == ["one 2 three", "four", "five"]


def test_a_handler_that_deletes_its_context() -> None:
    @durable_execution
    def deletes(event, context):
        context.step(lambda _: 1, name="first")
        del context, event

    run = dd.replay(deletes, history())
    assert run.status == "SUCCEEDED" and len(run.operations) == 1
    with dd.debug(deletes, history()) as dbg:
        assert dbg.run().kind == "end"


def test_a_handler_that_asks_from_threads_of_its_own() -> None:
    @durable_execution
    def threaded(event, context):
        found = []
        thread = threading.Thread(target=lambda: found.append(context.step(lambda _: 1, name="in a thread")))
        thread.start()
        thread.join()
        return found

    recorded = history_of(threaded, "threaded")
    run = dd.replay(threaded, recorded)
    assert run.status == "SUCCEEDED" and run.ok
    assert run.operations[0].place.function.endswith("<lambda>")
    with dd.debug(threaded, recorded) as dbg:
        assert dbg.stop.asked.name == "in a thread"
        assert dbg.run().kind == "end"


def test_a_handler_that_changes_the_process_s_streams() -> None:
    out = sys.stdout

    def changes() -> None:
        sys.stdout = io.StringIO()
        print("kept by the handler itself")

    TROUBLE["between"] = changes
    try:
        assert dd.replay(handler, history()).status == "SUCCEEDED"
    finally:
        sys.stdout = out


def test_a_stream_of_ours_that_somebody_keeps_is_never_put_around_itself() -> None:
    out = sys.stdout
    with dd.debug(handler, history()):
        stale = sys.stdout
    assert sys.stdout is out
    sys.stdout = stale
    try:
        with dd.debug(handler, history()):
            pass
        assert sys.stdout is out
    finally:
        sys.stdout = out


def interrupt() -> None:
    """Ctrl-C in a notebook or a terminal."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@contextlib.contextmanager
def interrupted_when(looping: threading.Event):
    """Interrupt this thread as soon as the handler is in its loop."""
    watcher = threading.Thread(target=lambda: looping.wait(PATIENCE) and interrupt())
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        yield
    watcher.join()


def test_interrupting_a_replay_ends_it() -> None:
    looping = threading.Event()
    TROUBLE["between"] = lambda: (looping.set(), loop_for_ever())
    with interrupted_when(looping):
        dd.replay(handler, history(), timeout=2 * PATIENCE)
    assert threads() == []


def test_interrupting_a_verb_ends_the_pass_and_the_debugger_goes_on() -> None:
    with dd.debug(handler, history()) as dbg:
        looping = threading.Event()
        TROUBLE["end"] = lambda: (looping.set(), loop_for_ever())
        dbg.step()
        with interrupted_when(looping):
            dbg.run()
        TROUBLE.clear()
        assert (dbg.status, dbg.stop.asked.position) == ("stopped", "2")
        assert dbg.step().asked.position == "3"
        assert dbg.locals["event"] == {"given": 1}
        assert dbg.run().kind == "end"


def test_an_interrupt_elsewhere_does_not_reach_another_thread() -> None:
    """Ending a replay raises in its own threads only, even where the numbers of threads that ended are taken again."""
    wrong: list[BaseException] = []
    stop = threading.Event()

    def works() -> None:
        try:
            while not stop.is_set():
                sum(range(100))
        except BaseException as error:
            wrong.append(error)

    TROUBLE["end"] = lambda: ([threading.Thread(target=works).start() for _ in range(4)], loop_for_ever())
    dd.replay(handler, history(), invocation=2, timeout=0.3)
    stop.set()
    assert wrong == []


def test_a_thousand_replays_leave_nothing() -> None:
    def replays(count: int) -> None:
        for number in range(count):
            invocation = (None, 1, 2)[number % 3]
            dd.replay(handler, recorded, invocation=invocation)
        gc.collect()

    recorded = history()
    replays(30)
    before, hooks = sys.getallocatedblocks(), (sys.stdout, sys.stderr, sys.gettrace(), threading.gettrace())
    started = threading.active_count()
    replays(1_000)
    assert sys.getallocatedblocks() - before < 5_000
    assert (sys.stdout, sys.stderr, sys.gettrace(), threading.gettrace()) == hooks
    assert comes(lambda: threading.active_count() <= started)
    assert threads() == []


def test_replays_beside_each_other() -> None:
    wrong: list[object] = []

    def replays() -> None:
        for _ in range(20):
            TROUBLE["between"] = lambda: print("hello")
            run = dd.replay(handler, history())
            if not run.ok or [line.message for line in run.logs] != ["hello"]:
                wrong.append((run, run.logs))

    many = [threading.Thread(target=replays) for _ in range(4)]
    for one in many:
        one.start()
    for one in many:
        one.join(30)
    assert wrong == []
