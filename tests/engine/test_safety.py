"""A replay changes nothing: no body runs without an answer, and side effects outside steps are refused."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration

from corpus import CASES
from corpus.case import Case
from corpus.recorder import record
from corpus.recorder import run as run_case
from tests.engine import subject
from tests.engine.subject import PLACES, RAN, TROUBLE, handler, history
from tests.patience import PATIENCE, comes


# -------------------------------------------------------------------------------------- what has no answer


@pytest.mark.parametrize("name", CASES)
def test_no_body_of_any_case_runs_and_each_invocation_ends_as_recorded(name) -> None:
    case, recorded = CASES[name], record(CASES[name])
    history = dd.load(recorded.history)
    dd.replay(case.handler, history)
    assert RAN == []
    for number, invocation in enumerate(recorded.invocations, 1):
        run = dd.replay(case.handler, history, invocation=number)
        assert RAN == []
        if isinstance(invocation.output, dict) and "Status" in invocation.output:
            assert run.status == invocation.output["Status"], (number, run.stopped)


def cut(history: dd.History, name: str) -> dd.History:
    """The history as it was before the first operation of this name began."""
    first = next(event["EventId"] for event in history.raw if event.get("Name") == name)
    return dd.load([event for event in history.raw if event["EventId"] < first])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("first", "the body of step 'first' would run"),
        ("inside", "the body of step 'inside' would run"),
        ("scale", "the body of step 'scale' would run"),
        ("one-branch", "the body of step 'one-branch' would run"),
        ("in-virtual", "the body of step 'in-virtual' would run"),
        ("ask", "the body of step 'ask' would run"),
    ],
)
def test_a_step_without_an_answer_halts_the_replay(name, says) -> None:
    run = dd.replay(handler, cut(history(), name))
    assert (run.status, run.result) == ("HALTED", None)
    assert says in run.stopped
    assert run.operations[-1].name == name


@durable_execution
def asks_of_all_kinds(event, context):
    kind = event["kind"]
    context.wait(Duration.from_seconds(1), name="begin")
    if kind == "invoke":
        return context.invoke("other-function", {"a": 1}, name="call")
    if kind == "wait":
        return context.wait(Duration.from_seconds(3), name="sleep")
    if kind == "callback":
        return context.create_callback(name="reply").result()
    if kind == "submitter":
        return context.wait_for_callback(lambda callback_id, _: RAN.append(callback_id), name="reply")
    from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

    config = WaitForConditionConfig(
        wait_strategy=lambda state, attempt: WaitForConditionDecision.stop_polling(), initial_state=0
    )
    return context.wait_for_condition(lambda state, _: RAN.append(state), config, name="poll")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("invoke", "invoke 'call' would call 'other-function'"),
        ("wait", "wait 'sleep' would start"),
        ("callback", "callback 'reply' would be created"),
        ("submitter", "callback 'reply create callback id' would be created"),
        ("condition", "the check of wait_for_condition 'poll' would run"),
    ],
)
def test_each_other_kind_without_an_answer_halts_too(kind, says) -> None:
    begun = subject.history_of(only_the_beginning, input={"kind": kind})
    assert begun.status == "SUCCEEDED"
    events = [event for event in begun.raw if event["EventType"] != "ExecutionSucceeded"]
    run = dd.replay(asks_of_all_kinds, dd.load(events))
    assert (run.status, RAN) == ("HALTED", [])
    assert says in run.stopped


@durable_execution
def only_the_beginning(event, context):
    context.wait(Duration.from_seconds(1), name="begin")


def test_bodies_run_where_they_are_named() -> None:
    unfinished = cut(history(), "scale")
    run = dd.replay(handler, unfinished, run="scale")
    assert RAN == ["scale"] * 3
    assert "the body of step 'one-branch' would run" in run.stopped
    assert {one.answer for one in run.operations if one.name == "scale"} == {"ran"}
    RAN.clear()
    run = dd.replay(handler, unfinished, run=["s*", "one-*"])
    assert sorted(set(RAN)) == ["one branch", "scale"]
    RAN.clear()
    dd.replay(handler, history(), run="*")
    assert RAN == []  # what has an answer does not run, whatever is allowed


def test_a_body_that_is_named_may_do_everything(tmp_path) -> None:
    @durable_execution
    def writes(event, context):
        return context.step(lambda _: (tmp_path / "made").write_text("x"), name="write")

    started = dd.load([history().raw[0]])
    run = dd.replay(writes, started, run="write")
    assert (tmp_path / "made").exists() and run.status == "SUCCEEDED"


# ------------------------------------------------------------------------------- side effects outside steps


def connect() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


def send() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))


def boto() -> None:
    import boto3

    client = boto3.client(
        "dynamodb", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    client.put_item(TableName="orders", Item={"id": {"S": "1"}})


def in_threads() -> None:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: connect(), range(2)))


def in_a_thread() -> None:
    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()


NETWORK = {
    "a raw socket": connect,
    "a datagram": send,
    "a name looked up": lambda: socket.getaddrinfo("example.org", 80),
    "urllib": lambda: urllib.request.urlopen("http://127.0.0.1:9/"),
    "boto3": boto,
    "a pool of threads": in_threads,
    "a thread": in_a_thread,
    "asyncio": lambda: asyncio.run(asyncio.open_connection("127.0.0.1", 9)),
}
PROCESSES = {
    "subprocess": lambda: subprocess.run(["touch", "made"]),
    "a shell": lambda: subprocess.run("touch made", shell=True),
    "os.system": lambda: os.system("touch made"),
    "os.popen": lambda: os.popen("touch made").read(),
    "os.posix_spawn": lambda: os.posix_spawn("/usr/bin/touch", ["touch", "made"], {}),
    "fork": lambda: os.fork(),
}
FILES = {
    **{f"open {mode!r}": (lambda mode=mode: open("made", mode)) for mode in ("w", "a", "x", "wb", "ab+")},
    "open 'r+'": lambda: open("there", "r+"),
    "os.open": lambda: os.open("made", os.O_CREAT | os.O_WRONLY),
    "os.open to append": lambda: os.open("there", os.O_WRONLY | os.O_APPEND),
    "pathlib": lambda: pathlib.Path("made").write_text("x"),
    "touch": lambda: pathlib.Path("made").touch(),
    "sqlite3": lambda: sqlite3.connect("made"),
    "tempfile": lambda: tempfile.NamedTemporaryFile(dir="."),
    "a temporary folder": lambda: tempfile.mkdtemp(dir="."),
    "a copy": lambda: shutil.copy("there", "made"),
    "mkdir": lambda: os.mkdir("made"),
    "makedirs": lambda: os.makedirs("made/too"),
    "remove": lambda: os.remove("there"),
    "unlink": lambda: pathlib.Path("there").unlink(),
    "rename": lambda: os.rename("there", "made"),
    "rmtree": lambda: shutil.rmtree("."),
    "symlink": lambda: os.symlink("there", "made"),
    "chmod": lambda: os.chmod("there", 0o600),
    "truncate": lambda: os.truncate("there", 0),
    "utime": lambda: os.utime("there"),
}
EFFECTS = {
    **{("network", name): deed for name, deed in NETWORK.items()},
    **{("process", name): deed for name, deed in PROCESSES.items()},
    **{("file", name): deed for name, deed in FILES.items()},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    import boto3  # noqa: F401  reads its own data once

    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("as it was")
    yield tmp_path
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("there", "as it was")]


@pytest.fixture
def listener():
    """A port that would notice."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(("kind", "name"), EFFECTS)
def test_each_side_effect_between_steps_is_refused(kind, name, folder) -> None:
    TROUBLE["between"] = EFFECTS[kind, name]
    run = dd.replay(handler, history())
    assert run.status == "HALTED" and "side effect outside a step" in run.stopped
    refused = [effect for effect in run.side_effects if effect.refused]
    assert {effect.kind for effect in refused} == {kind}
    assert refused[0].file == __file__ and refused[0].line > 0
    assert [found.kind for found in run.divergences] == ["side_effect"]
    assert [one.name for one in run.operations] == ["first"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("invocation", [None, 1])
def test_wherever_it_is_tried(place, invocation, folder, listener) -> None:
    TROUBLE[place] = lambda: socket.create_connection(("127.0.0.1", listener))
    run = dd.replay(handler, history(), invocation=invocation)
    if (place, invocation) == ("end", 1):
        assert run.side_effects == () and run.status == "PENDING"
    else:
        assert {effect.kind for effect in run.side_effects if effect.refused} == {"network"}
        assert "side_effect" in {found.kind for found in run.divergences}
        assert not run.ok


@pytest.mark.parametrize("swallowed", [Exception, BaseException])
def test_swallowing_the_refusal_helps_nothing(swallowed, folder) -> None:
    def swallow() -> None:
        try:
            open("made", "w")
        except swallowed:
            pass

    TROUBLE["between"] = swallow
    run = dd.replay(handler, history())
    assert (run.status, [one.name for one in run.operations]) == ("HALTED", ["first"])


def test_what_is_allowed_happens(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    TROUBLE["between"] = lambda: pathlib.Path("made").write_text("x")
    run = dd.replay(handler, history(), allow="file")
    assert (run.status, (tmp_path / "made").read_text()) == ("SUCCEEDED", "x")
    assert [(effect.kind, effect.refused) for effect in run.side_effects] == [("file", False)]
    run = dd.replay(handler, history(), allow=["open made*"])
    assert run.status == "SUCCEEDED"
    run = dd.replay(handler, history(), allow="network")
    assert run.status == "HALTED"


def test_reading_importing_and_computing_are_fine(tmp_path, monkeypatch) -> None:
    (tmp_path / "late_neighbour.py").write_text("VALUE = 5\n")
    (tmp_path / "data").write_text("x")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    importlib.invalidate_caches()

    def fine() -> None:
        import late_neighbour

        assert late_neighbour.VALUE == 5
        assert (tmp_path / "data").read_text() == "x"
        with open(os.devnull, "w") as nowhere:
            print("x", file=nowhere)
        with sqlite3.connect(":memory:") as database:
            database.execute("select 1")
        os.listdir(tmp_path)
        socket.gethostname()
        time.sleep(0.001)

    for place in PLACES:
        TROUBLE[place] = fine
    try:
        run = dd.replay(handler, history())
    finally:
        sys.modules.pop("late_neighbour", None)
    assert (run.status, run.divergences) == ("SUCCEEDED", ())
    assert [effect for effect in run.side_effects if effect.kind != "sleep"] == []
    assert list((tmp_path / "__pycache__").iterdir())


def test_byte_code_is_kept_where_python_is_told_to(tmp_path, monkeypatch) -> None:
    kept = tmp_path / "byte code"
    monkeypatch.setattr(sys, "pycache_prefix", str(kept))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "neighbour_with_a_prefix.py").write_text("VALUE = 5")
    (tmp_path / "prefixed_app.py").write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "import neighbour_with_a_prefix\n\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    return context.step(lambda _: neighbour_with_a_prefix.VALUE, name='one')\n"
    )
    for path in tmp_path.glob("*.py"):
        os.utime(path, (time.time() - 60,) * 2)  # of very young files none is kept
    monkeypatch.syspath_prepend(str(tmp_path))
    app = importlib.import_module("prefixed_app")
    shutil.rmtree(kept, ignore_errors=True)
    try:
        recorded = run_case(Case(handler=app.handler, name="prefixed", input={}))
    finally:
        for name in ("prefixed_app", "neighbour_with_a_prefix"):
            sys.modules.pop(name, None)
    run = dd.replay(f"{tmp_path}/prefixed_app.py:handler", dd.load(recorded.history))
    assert run.ok and run.side_effects == ()
    assert list(kept.rglob("*.pyc"))


def test_threads_and_sleeps_are_noted() -> None:
    def both() -> None:
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()

    TROUBLE["between"] = both
    run = dd.replay(handler, history())
    assert run.status == "SUCCEEDED"
    slept = {"sleep"} if sys.version_info >= (3, 13) else set()  # CPython reports it since then
    assert {effect.kind for effect in run.side_effects} == {"thread"} | slept
    assert run.ok


def test_a_thread_that_outlives_the_replay_stays_guarded(folder, listener) -> None:
    go, tried = threading.Event(), []

    def later() -> None:
        go.wait(PATIENCE)
        try:
            socket.create_connection(("127.0.0.1", listener))
        except BaseException as error:
            tried.append(type(error))

    TROUBLE["between"] = lambda: threading.Thread(target=later).start()
    assert dd.replay(handler, history()).status == "SUCCEEDED"
    go.set()
    assert comes(lambda: tried) == [SystemExit]


def test_decorators_around_the_handler_are_guarded_too(folder) -> None:
    def phones_home(function):
        def wrapped(event, context):
            open("made", "w")
            return function(event, context)

        return wrapped

    run = dd.replay(phones_home(handler), history())
    assert run.status == "HALTED" and "side effect" in run.stopped


def test_other_threads_of_the_process_are_as_free_as_before(tmp_path, capsys, caplog) -> None:
    import logging

    wrong: list[BaseException] = []
    inside, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        try:
            inside.wait(5)
            (tmp_path / "mine").write_text("x")
            with (
                socket.create_server(("127.0.0.1", 0)) as server,
                socket.create_connection(server.getsockname()),
            ):
                pass
            subprocess.run(["true"], check=True)
            print("printed elsewhere")
            logging.getLogger("elsewhere").warning("logged elsewhere")
        except BaseException as error:
            wrong.append(error)
        finally:
            done.set()

    def during() -> None:
        print("printed", "by", "the handler")
        logging.getLogger("inside").warning("logged %s", "inside")
        inside.set()
        done.wait(5)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    TROUBLE["between"] = during
    run = dd.replay(handler, history())
    thread.join(5)
    assert (wrong, run.status) == ([], "SUCCEEDED")
    assert capsys.readouterr().out == "printed elsewhere\n"
    assert [record.message for record in caplog.records] == ["logged elsewhere"]
    assert [(line.level, line.message, line.seq) for line in run.logs] == [
        ("PRINT", "printed by the handler", 0),
        ("WARNING", "logged inside", 0),
    ]


def test_what_is_printed_without_the_end_of_a_line_is_glued_to_nothing() -> None:
    import logging

    def during() -> None:
        print("to stdout", end="")
        sys.stderr.write("to stderr")
        print(" and on", end="", file=sys.stderr)
        logging.getLogger("inside").warning("logged")
        print("last", end="")

    TROUBLE["between"] = during
    run = dd.replay(handler, history())
    assert [(line.level, line.message) for line in run.logs] == [
        ("PRINT", "to stdout"),
        ("PRINT", "to stderr and on"),
        ("WARNING", "logged"),
        ("PRINT", "last"),
    ]


def test_importing_a_handler_may_not_reach_out(tmp_path, listener) -> None:
    (tmp_path / "eager.py").write_text(
        "import socket\n"
        f"socket.create_connection(('127.0.0.1', {listener}))\n"
        "from tests.engine.subject import handler\n"
    )
    with pytest.raises(dd.HandlerError, match="while it is imported") as caught:
        dd.replay(f"{tmp_path}/eager.py:handler", history())
    assert "allow" in caught.value.cure
