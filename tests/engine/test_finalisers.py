"""Garbage that happens to be collected while a handler is replayed: what its finalisers do is told of whom it is."""

from __future__ import annotations

import _thread
import contextlib
import gc
import multiprocessing
import socket
import sys
import tempfile
import threading
import warnings
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.engine import finalisers

from engine import subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


class Cycle:
    """Garbage that only a collection finds."""

    def __init__(self, *held) -> None:
        self.held = (self, *held)


class Writes:
    """An object of the user's that writes when it is gone."""

    def __init__(self, path) -> None:
        self.path = path
        self.me = self

    def __del__(self) -> None:
        self.path.write_text("written")


@pytest.fixture(autouse=True)
def _nothing_collected_by_chance():
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    subject.TROUBLE.clear()
    gc.collect()


def semaphore(_):
    """Tells a process of Python's own by a pipe that it is gone."""
    Cycle(multiprocessing.get_context("spawn").Semaphore())
    return contextlib.nullcontext


def folder(_):
    """Removes its files."""
    held = tempfile.TemporaryDirectory()
    Path(held.name, "file").write_text("1")
    name = held.name
    Cycle(held)
    return lambda: not Path(name).exists()


@pytest.mark.parametrize("made", [semaphore, folder])
def test_what_the_notebook_left_behind_is_not_the_handlers_doing(made, tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gone = made(tmp_path)
        found = []
        subject.TROUBLE["between"] = lambda: found.append(gc.collect())
        run = dd.replay(subject.handler, subject.history())
    assert found and found[0] > 0
    assert run.ok, run.divergences
    assert not [effect for effect in run.side_effects if effect.refused]
    assert gone()


def test_a_finaliser_of_the_users_is_refused_as_the_rest_of_their_code(tmp_path) -> None:
    def leave() -> None:
        Writes(tmp_path / "there")
        gc.collect()

    subject.TROUBLE["between"] = leave
    run = dd.replay(subject.handler, subject.history())
    assert [d.kind for d in run.divergences] == ["side_effect"]
    assert run.divergences[0].file == __file__
    assert not (tmp_path / "there").exists()


def test_a_library_that_is_tidied_up_sends_nothing(tmp_path) -> None:
    """A client's finaliser that says goodbye to its server."""
    library = tmp_path / "site-packages" / "client.py"
    library.parent.mkdir()
    library.write_text(
        "class Client:\n"
        "    def __init__(self, connection):\n"
        "        self.connection, self.me = connection, self\n"
        "    def __del__(self):\n"
        "        self.connection.sendall(b'bye')\n"
    )
    names: dict = {}
    exec(compile(library.read_text(), str(library), "exec"), names)
    left, right = socket.socketpair()
    with left, right:
        right.setblocking(False)
        names["Client"](left)
        subject.TROUBLE["between"] = gc.collect
        run = dd.replay(subject.handler, subject.history())
        assert run.ok, run.divergences
        with pytest.raises(BlockingIOError):
            right.recv(3)


def test_nobody_is_told_of_collections_when_no_replay_runs() -> None:
    before = list(gc.callbacks)
    seen = []
    subject.TROUBLE["between"] = lambda: seen.append(len(gc.callbacks))
    dd.replay(subject.handler, subject.history())
    assert seen == [len(before) + 1] * len(seen) and seen
    assert gc.callbacks == before


def test_a_collection_may_begin_where_there_is_no_frame(monkeypatch) -> None:
    """As at the end of a thread, when what it held is freed: nothing is written to stderr for that."""
    raised, ended = [], threading.Event()

    def over(phase, _) -> None:
        if phase == "stop":
            ended.set()

    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    finalisers.notice()
    gc.callbacks.append(over)
    try:
        _thread.start_new_thread(gc.collect, ())  # a function of C: no frame is below the callbacks
        assert ended.wait(60)
    finally:
        gc.callbacks.remove(over)
        finalisers.stop_noticing()
    assert not raised
