"""The table of side effects: each of them, cold and warm, wherever the user's code can try it.

*Cold* opens what it needs itself; *warm* uses what was open before the replay: CPython reports nothing of that. What is
refused must not arrive anywhere, and the user must be told what it was and on which line.
"""

from __future__ import annotations

import array
import asyncio
import concurrent.futures
import contextlib
import csv
import ctypes
import ftplib
import http.client
import io
import json
import logging
import mmap
import multiprocessing
import multiprocessing.pool
import os
import pathlib
import pickle
import queue
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import urllib.request
import _thread

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import ChildConfig, InvokeConfig, MapConfig, StepConfig
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from tests.engine import subject
from tests.engine.subject import TROUBLE, trouble
from tests.engine.world import World

# By kind and name: from the world, what tries it.
REFUSED = {}


def effect(kind):
    def put(make):
        REFUSED[kind, make.__name__.replace("_", " ")] = make
        return make

    return put


# ------------------------------------------------------------------------------------------------ network


@effect("network")
def cold_boto3(world):
    return lambda: world.client().put_item(TableName="orders", Item={"id": {"S": "1"}})


@effect("network")
def warm_boto3(world):
    client = world.client()
    client.list_tables()
    return lambda: client.put_item(TableName="orders", Item={"id": {"S": "1"}})


@effect("network")
def warm_boto3_resource(world):
    import boto3

    table = boto3.resource(
        "dynamodb",
        endpoint_url=world.url,
        region_name="eu-west-1",
        aws_access_key_id="none",
        aws_secret_access_key="none",
    ).Table("orders")
    table.meta.client.list_tables()
    return lambda: table.put_item(Item={"id": "1"})


@effect("network")
def cold_requests(world):
    import requests

    return lambda: requests.post(world.url + "/pay", data=b"42")


@effect("network")
def warm_requests_session(world):
    import requests

    session = world.kept(requests.Session())
    session.get(world.url)
    return lambda: session.post(world.url + "/pay", data=b"42")


@effect("network")
def cold_urllib(world):
    return lambda: urllib.request.urlopen(world.url, data=b"42")


@effect("network")
def cold_http_client(world):
    return lambda: http.client.HTTPConnection(*world.http.server_address).request("POST", "/pay", b"42")


@effect("network")
def warm_http_client(world):
    connection = world.kept(http.client.HTTPConnection(*world.http.server_address))
    connection.request("GET", "/")
    connection.getresponse().read()
    return lambda: connection.request("POST", "/pay", b"42")


@effect("network")
def warm_socket_send(world):
    connection = world.connection()
    return lambda: connection.send(b"42")


@effect("network")
def warm_socket_sendall(world):
    connection = world.connection()
    return lambda: connection.sendall(b"42")


@effect("network")
def warm_socket_sendmsg(world):
    connection = world.connection()
    return lambda: connection.sendmsg([b"42"])


@effect("network")
def warm_socket_sendfile(world):
    connection = world.connection()
    return lambda: connection.sendfile(world.there.open("rb"))


@effect("network")
def warm_socket_duplicate(world):
    connection = world.connection()
    return lambda: connection.dup().sendall(b"42")


@effect("network")
def warm_socket_class_method(world):
    connection = world.connection()
    return lambda: socket.socket.sendall(connection, b"42")


@effect("network")
def warm_socket_makefile(world):
    file = world.kept(world.connection().makefile("wb", buffering=0))
    return lambda: file.write(b"42")


@effect("network")
def warm_socket_by_os_write(world):
    connection = world.connection()
    return lambda: os.write(connection.fileno(), b"42")


@effect("network")
def warm_socket_by_os_writev(world):
    connection = world.connection()
    return lambda: os.writev(connection.fileno(), [b"42"])


@effect("network")
def warm_socket_by_os_sendfile(world):
    connection = world.connection()
    return lambda: os.sendfile(connection.fileno(), world.there.open("rb").fileno(), 0, 9)


@effect("network")
def warm_datagram(world):
    one = world.kept(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    one.connect(world.datagrams.getsockname())
    return lambda: one.send(b"42")


@effect("network")
def cold_datagram(world):
    def deed():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(b"42", world.datagrams.getsockname())

    return deed


@effect("network")
def cold_asyncio(world):
    async def say():
        _, writer = await asyncio.open_connection(*world.address)
        writer.write(b"42")

    return lambda: asyncio.run(say())


@effect("network")
def warm_asyncio_sock_sendall(world):
    connection = world.connection()
    connection.setblocking(False)

    async def say():
        await asyncio.get_running_loop().sock_sendall(connection, b"42")

    return lambda: asyncio.run(say())


@effect("network")
def cold_smtp(world):
    return lambda: smtplib.SMTP(*world.address, timeout=1)


@effect("network")
def cold_ftp(world):
    return lambda: ftplib.FTP().connect(*world.address, timeout=1)


@effect("network")
def cold_name_lookup(world):
    return lambda: socket.getaddrinfo("example.org", 80)


# ------------------------------------------------------------------------------------------------ threads


@effect("network")
def warm_socket_in_a_new_thread(world):
    connection = world.connection()

    def deed():
        thread = threading.Thread(target=connection.sendall, args=(b"42",))
        thread.start()
        thread.join()

    return deed


@effect("network")
def warm_socket_in_a_raw_thread(world):
    connection = world.connection()

    def deed():
        done = _thread.allocate_lock()
        done.acquire()

        def work():
            try:
                connection.sendall(b"42")
            finally:
                done.release()

        _thread.start_new_thread(work, ())
        done.acquire()

    return deed


@effect("network")
def warm_socket_in_a_new_pool(world):
    connection = world.connection()

    def deed():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(connection.sendall, b"42").result()

    return deed


@effect("network")
def warm_socket_in_an_old_pool(world):
    connection = world.connection()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(int).result()
    world.ends(pool.shutdown)
    return lambda: pool.submit(connection.sendall, b"42").result()


@effect("network")
def warm_socket_in_an_old_pool_by_map(world):
    connection = world.connection()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(int).result()
    world.ends(pool.shutdown)
    return lambda: list(pool.map(connection.sendall, [b"42"]))


@effect("network")
def warm_socket_in_an_old_multiprocessing_thread_pool(world):
    connection = world.connection()
    pool = multiprocessing.pool.ThreadPool(1)
    pool.apply(int)
    world.ends(pool.join)
    world.ends(pool.terminate)
    return lambda: pool.apply(connection.sendall, (b"42",))


@effect("network")
def warm_socket_by_to_thread(world):
    connection = world.connection()
    return lambda: asyncio.run(asyncio.to_thread(connection.sendall, b"42"))


@effect("thread")
def warm_queue_thread(world):
    tasks = queue.Queue()

    def serve():
        while (task := tasks.get()) is not None:
            task()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    connection = world.connection()
    world.ends(thread.join)
    world.ends(tasks.put, None)
    return lambda: tasks.put(lambda: connection.sendall(b"42"))


@effect("thread")
def warm_simple_queue_thread(world):
    tasks = queue.SimpleQueue()

    def serve():
        while (task := tasks.get()) is not None:
            task()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    connection = world.connection()
    world.ends(thread.join)
    world.ends(tasks.put, None)
    return lambda: tasks.put(lambda: connection.sendall(b"42"))


@effect("thread")
def warm_event_loop_of_another_thread(world):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connection = world.connection()
    world.ends(loop.close)
    world.ends(thread.join)
    world.ends(lambda: loop.call_soon_threadsafe(loop.stop))

    async def say():
        connection.sendall(b"42")

    return lambda: asyncio.run_coroutine_threadsafe(say(), loop)


# ---------------------------------------------------------------------------------------------- processes


@effect("process")
def warm_process_pool(world):
    pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    pool.submit(int).result()
    world.ends(pool.shutdown)
    return lambda: pool.submit(pathlib.Path.touch, world.folder / "made").result()


@effect("process")
def warm_multiprocessing_pool(world):
    pool = multiprocessing.get_context("spawn").Pool(1)
    pool.apply(int)
    world.ends(pool.join)
    world.ends(pool.terminate)
    return lambda: pool.apply(pathlib.Path.touch, (world.folder / "made",))


@effect("process")
def warm_stdin_of_a_process(world):
    process = world.listener()
    return lambda: process.stdin.write("42\n")


@effect("process")
def warm_stdin_of_a_process_by_print(world):
    process = world.listener()
    return lambda: print("42", file=process.stdin, flush=True)


@effect("process")
def warm_stdin_of_a_process_by_communicate(world):
    process = world.listener()
    return lambda: process.communicate("42\n")


@effect("process")
def warm_pipe_of_multiprocessing(world):
    there, here = multiprocessing.Pipe(duplex=False)
    world.kept(there), world.kept(here)
    return lambda: here.send("42")


@effect("process")
def cold_subprocess(world):
    return lambda: subprocess.run(["touch", world.folder / "made"])


@effect("process")
def cold_os_system(world):
    return lambda: os.system(f"touch {world.folder}/made")


@effect("process")
def cold_spawned_process(world):
    def deed():
        multiprocessing.get_context("spawn").Process(target=int).start()

    return deed


@effect("process")
def cold_kill(world):
    return lambda: os.kill(os.getpid(), signal.SIGCONT)


@effect("process")
def cold_killpg(world):
    return lambda: os.killpg(os.getpgid(0), signal.SIGCONT)


@effect("process")
def cold_call_of_c(world):
    return lambda: ctypes.CDLL(None).system(f"touch {world.folder}/made".encode())


@effect("process")
def cold_raise_signal(world):
    return lambda: signal.raise_signal(signal.SIGCONT)


# -------------------------------------------------------------------------------------------------- files


@effect("file")
def cold_open(world):
    return lambda: (world.folder / "made").write_text("42")


@effect("file")
def cold_remove(world):
    return lambda: world.there.unlink()


@effect("file")
def cold_mkfifo(world):
    return lambda: os.mkfifo(world.folder / "made")


@effect("file")
def cold_mknod(world):
    return lambda: os.mknod(world.folder / "made")


@effect("file")
def cold_sqlite(world):
    def deed():
        with contextlib.closing(sqlite3.connect(world.database)) as made, made:
            made.execute("insert into orders values (42)")

    return deed


def opened(world, mode="a", **how):
    return world.kept(open(world.there, mode, **how))


@effect("file")
def warm_file_write(world):
    file = opened(world)

    def deed():
        file.write("42")
        file.flush()

    return deed


@effect("file")
def warm_file_writelines(world):
    file = opened(world, buffering=1)
    return lambda: file.writelines(["42\n"])


@effect("file")
def warm_file_binary(world):
    file = opened(world, "ab", buffering=0)
    return lambda: file.write(b"42")


@effect("file")
def warm_file_truncate(world):
    file = opened(world, "r+")
    return lambda: file.truncate(0)


@effect("file")
def warm_file_print(world):
    file = opened(world)
    return lambda: print("42", file=file, flush=True)


@effect("file")
def warm_file_json_dump(world):
    file = opened(world, buffering=1)
    return lambda: json.dump({"a": 1}, file)


@effect("file")
def warm_file_pickle_dump(world):
    file = opened(world, "ab", buffering=0)
    return lambda: pickle.dump(42, file)


@effect("file")
def warm_file_csv(world):
    writer = csv.writer(opened(world, buffering=1))
    return lambda: writer.writerow([42])


@effect("file")
def warm_file_copyfileobj(world):
    file = opened(world, "ab", buffering=0)
    return lambda: shutil.copyfileobj(io.BytesIO(b"42"), file)


@effect("file")
def warm_file_bound_method(world):
    write = opened(world, "ab", buffering=0).write
    return lambda: write(b"42")


@effect("file")
def warm_descriptor(world):
    descriptor = os.open(world.there, os.O_WRONLY | os.O_APPEND)
    world.ends(os.close, descriptor)
    return lambda: os.write(descriptor, b"42")


@effect("file")
def warm_descriptor_pwrite(world):
    descriptor = os.open(world.there, os.O_WRONLY)
    world.ends(os.close, descriptor)
    return lambda: os.pwrite(descriptor, b"42", 0)


@effect("file")
def warm_descriptor_truncate(world):
    descriptor = os.open(world.there, os.O_WRONLY)
    world.ends(os.close, descriptor)
    return lambda: os.ftruncate(descriptor, 0)


@effect("file")
def warm_copy_file_range(world):
    source, target = (
        os.open(world.there, os.O_RDONLY),
        os.open(world.folder / "target", os.O_RDWR | os.O_CREAT),
    )
    world.ends(os.close, source), world.ends(os.close, target)
    return lambda: os.copy_file_range(source, target, 9)


@effect("file")
def warm_memory_map(world):
    file = opened(world, "r+b")
    return lambda: mmap.mmap(file.fileno(), 0).write(b"42")


@effect("file")
def warm_log_handler(world):
    handler = world.kept(logging.FileHandler(world.there))
    record = logging.LogRecord("a", 40, "a.py", 1, "42", (), None)
    return lambda: handler.emit(record)


@effect("file")
def warm_array_tofile(world):
    file = opened(world, "ab", buffering=0)
    return lambda: array.array("b", [42]).tofile(file)


def connected(world):
    return world.kept(sqlite3.connect(world.database, check_same_thread=False))


@effect("file")
def warm_sqlite_insert(world):
    database = connected(world)

    def deed():
        with database:
            database.execute("insert into orders values (42)")

    return deed


@effect("file")
def warm_sqlite_insert_that_was_prepared(world):
    database = connected(world)
    database.execute("insert into orders values (?)", (42,))
    database.rollback()

    def deed():
        database.execute("insert into orders values (?)", (42,))
        database.commit()

    return deed


@effect("file")
def warm_sqlite_cursor(world):
    cursor = connected(world).cursor()

    def deed():
        cursor.executemany("insert into orders values (?)", [(42,)])
        cursor.connection.commit()

    return deed


@effect("file")
def warm_sqlite_script(world):
    database = connected(world)
    return lambda: database.executescript("insert into orders values (42); commit;")


@effect("file")
def warm_sqlite_autocommit(world):
    database = world.kept(sqlite3.connect(world.database, check_same_thread=False, isolation_level=None))
    return lambda: database.execute("insert into orders values (42)")


@effect("file")
def warm_sqlite_commit(world):
    database = connected(world)
    database.execute("insert into orders values (42)")
    world.ends(database.rollback)
    return lambda: database.commit()


@effect("file")
def warm_sqlite_delete_from_schema(world):
    database = connected(world)
    return lambda: database.execute("drop table orders")


# ------------------------------------------------------------------------------------------- where it is tried


@pytest.fixture
def world(tmp_path):
    import boto3  # noqa: F401  reads its own data once

    one = World(tmp_path)
    yield one
    one.close()


@pytest.fixture
def tried(world, request):
    """The deed, and a check that it reached nothing."""
    deed = REFUSED[request.param](world)
    before = world.seen()
    yield (*request.param, deed)
    TROUBLE.clear()
    assert world.seen() == before


each = pytest.mark.parametrize("tried", REFUSED, indirect=True, ids="-".join)


@each
def test_in_the_handler(tried) -> None:
    kind, name, TROUBLE["between"] = tried
    run = dd.replay(subject.handler, subject.history())
    refused = [effect for effect in run.side_effects if effect.refused]
    assert refused, run
    assert refused[0].kind == kind
    assert refused[0].file == __file__ and refused[0].line > 0
    assert (run.status, run.ok) == ("HALTED", False)
    assert [found.kind for found in run.divergences] == ["side_effect"]
    assert [one.name for one in run.operations] == ["first"]
    if "boto3" in name:
        assert refused[0].call == "dynamodb PutItem" and refused[0].call in run.divergences[0].message
    if "requests" in name or "http client" in name:
        assert refused[0].call.startswith("POST http://127.0.0.1:") and refused[0].call.endswith("/pay")


@each
def test_in_an_expression(tried) -> None:
    kind, name, TROUBLE["expression"] = tried
    with dd.debug(subject.handler, subject.history()) as dbg:
        with pytest.raises(dd.DurableDebugError, match="refused a side effect"):
            dbg.evaluate("trouble('expression')")


@each
def test_in_a_condition(tried) -> None:
    kind, name, TROUBLE["condition"] = tried
    with dd.debug(subject.handler, subject.history()) as dbg:
        breakpoint = dbg.break_at(name="first", when="trouble('condition')")
        dbg.run()
        assert "refused a side effect" in breakpoint.note


class Troubled(JsonSerDes):
    """A codec that does something besides."""

    def __init__(self, place) -> None:
        self.place = place

    def serialize(self, value, serdes_context):
        trouble(f"{self.place} written")
        return super().serialize(value, serdes_context)

    def deserialize(self, data, serdes_context):
        trouble(f"{self.place} read")
        return super().deserialize(data, serdes_context)


@durable_execution
def codecs(event, context):
    context.step(lambda _: 1, name="step", config=StepConfig(serdes=Troubled("step")))
    context.run_in_child_context(
        lambda child: child.step(lambda _: 2, name="inner"),
        name="child",
        config=ChildConfig(serdes=Troubled("child")),
    )
    context.map([1, 2], lambda c, x, i, xs: x, name="map", config=MapConfig(item_serdes=Troubled("item")))
    context.invoke("other", {"a": 1}, name="call", config=InvokeConfig(serdes_payload=Troubled("payload")))
    return 5


CODECS = ["step read", "child read", "child written", "item written", "payload written"]


@pytest.fixture(scope="module")
def codecs_history():
    return subject.history_of(codecs, plain={"other": lambda event, _=None: 1})


@pytest.mark.parametrize("place", CODECS)
@pytest.mark.parametrize(
    "tried",
    [
        key
        for key in REFUSED
        if key[1] in {"cold open", "warm boto3", "warm sqlite insert", "warm file write"}
    ],
    indirect=True,
    ids="-".join,
)
def test_in_a_codec(tried, place, codecs_history) -> None:
    kind, name, TROUBLE[place] = tried
    run = dd.replay(codecs, codecs_history)
    refused = [effect for effect in run.side_effects if effect.refused]
    assert {effect.kind for effect in refused} == {kind}, run
    assert refused[0].file == __file__ and refused[0].line > 0
    if place.endswith("read"):  # as on Lambda, which asks for it
        assert (run.status, run.ok) == ("HALTED", False)
        assert "side_effect" in {found.kind for found in run.divergences}
        return
    # Lambda does not ask for what it has: that is only ours, to compare.
    assert (run.status, run.ok) == ("SUCCEEDED", True)
    assert any(
        f"{__file__}:{refused[0].line}" in sentence and "allow=" in sentence for sentence in run.unchecked
    )


@pytest.mark.parametrize("place", CODECS)
def test_a_codec_may_do_what_is_allowed(place, world, codecs_history) -> None:
    TROUBLE[place] = lambda: (world.folder / "made").write_text("42")
    run = dd.replay(codecs, codecs_history, allow="file")
    assert run.ok and not any(effect.refused for effect in run.side_effects)
    assert (world.folder / "made").exists()


@each
def test_while_the_module_is_imported(tried, tmp_path_factory) -> None:
    kind, name, TROUBLE["import"] = tried
    folder = tmp_path_factory.mktemp("app")
    (folder / "eager.py").write_text(
        "from tests.engine.subject import handler, trouble\n\ntrouble('import')\n"
    )
    with pytest.raises(dd.HandlerError, match="while it is imported") as caught:
        dd.replay(f"{folder}/eager.py:handler", subject.history())
    assert f"allow='{kind}'" in caught.value.cure


# -------------------------------------------------------------------------------- what must not be refused

FINE = {}


def fine(make):
    FINE[make.__name__.replace("_", " ")] = make
    return make


@fine
def prints(world):
    def deed():
        print("to the run")
        print("to the run", file=sys.stderr)
        sys.stdout.write("to the run")
        os.write(1, b"")
        logging.getLogger("app").error("to the run")

    return deed


@fine
def nowhere(world):
    null = world.kept(open(os.devnull, "w"))
    return lambda: (null.write("x"), print("x", file=null), os.write(null.fileno(), b"x"))


@fine
def in_memory(world):
    text, database = io.StringIO(), world.kept(sqlite3.connect(":memory:", check_same_thread=False))
    database.execute("create table a (b)")

    def deed():
        text.write("x")
        print("x", file=text)
        pickle.dump(42, io.BytesIO())
        csv.writer(io.StringIO()).writerow([1])
        json.dump([1], text)
        with database:
            database.execute("insert into a values (1)")
        mmap.mmap(-1, 10).write(b"x")

    return deed


@fine
def reads_a_database(world):
    database = connected(world)
    opened(world)  # something that could be written to

    def deed():
        assert database.execute("select count(*) from orders").fetchone() == (0,)
        assert database.cursor().execute("pragma user_version").fetchone() == (0,)
        world.there.read_text()

    return deed


@fine
def asyncio_for_itself(world):
    opened(world)

    async def work():
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(int)
        await asyncio.to_thread(int)
        return await loop.run_in_executor(None, int)

    return lambda: asyncio.run(work())


@fine
def own_pipes_and_socket_pairs(world):
    opened(world)

    def deed():
        read, write = os.pipe()
        os.write(write, b"x")
        assert os.read(read, 1) == b"x"
        os.close(read), os.close(write)
        one, other = socket.socketpair()
        one.sendall(b"x")
        assert other.recv(1) == b"x"
        one.close(), other.close()
        here, there = multiprocessing.Pipe()
        here.send("x")
        assert there.recv() == "x"
        here.close(), there.close()

    return deed


@fine
def own_queues_and_threads(world):
    opened(world)

    def deed():
        for kind in (queue.Queue, queue.SimpleQueue, queue.PriorityQueue):
            tasks, done = kind(), []
            thread = threading.Thread(target=lambda: done.append(tasks.get()))
            thread.start()
            tasks.put(5)
            thread.join()
            assert done == [5]

    return deed


@fine
def an_old_queue_that_nobody_serves(world):
    tasks = queue.Queue()
    return lambda: (tasks.put(1), tasks.get())


@fine
def an_old_pool(world):
    pool = concurrent.futures.ThreadPoolExecutor(2)
    pool.submit(int).result()
    world.ends(pool.shutdown)
    return lambda: [pool.submit(len, "abc").result(), list(pool.map(len, ["a", "b"]))]


@fine
def the_folder_for_temporary_files(world):
    import tempfile

    def deed():
        before, tempfile.tempdir = tempfile.tempdir, None
        try:
            assert tempfile.gettempdir()
        finally:
            tempfile.tempdir = before

    return deed


@fine
def a_thread_of_its_own_that_ends_badly(world):
    def deed():
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()

    return deed


@pytest.mark.parametrize("name", FINE)
def test_is_not_refused(name, world) -> None:
    for place in subject.PLACES:
        TROUBLE[place] = FINE[name](world)
    run = dd.replay(subject.handler, subject.history())
    assert [effect for effect in run.side_effects if effect.refused] == []
    assert (run.status, run.ok) == ("SUCCEEDED", True), run.divergences
    TROUBLE["expression"] = FINE[name](world)
    with dd.debug(subject.handler, subject.history()) as dbg:
        dbg.evaluate("trouble('expression')")


@pytest.mark.parametrize(
    "name",
    [
        "warm boto3",
        "warm socket send",
        "cold requests",
        "warm http client",
        "warm file write",
        "warm sqlite insert",
    ],
)
def test_what_is_allowed_happens(name, world) -> None:
    kind = next(kind for kind, known in REFUSED if known == name)
    TROUBLE["between"] = REFUSED[kind, name](world)
    before = world.seen()
    run = dd.replay(subject.handler, subject.history(), allow=kind)
    assert run.status == "SUCCEEDED", run.stopped
    assert {effect.kind for effect in run.side_effects} == {kind} and run.ok
    world.settled(lambda: world.seen() != before)
    assert world.seen() != before


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("warm boto3", "dynamodb *"),
        ("warm boto3", "dynamodb PutItem"),
        ("warm socket send", "connect ('127.0.0.1', *)"),
        ("warm file write", "open */there for writing"),
        ("cold requests", "POST http://127.0.0.1:*/pay"),
    ],
)
def test_patterns_allow_what_is_open_already(name, pattern, world) -> None:
    kind = next(kind for kind, known in REFUSED if known == name)
    TROUBLE["between"] = REFUSED[kind, name](world)
    assert dd.replay(subject.handler, subject.history(), allow="nothing of this").status == "HALTED"
    assert dd.replay(subject.handler, subject.history(), allow=[pattern]).status == "SUCCEEDED"


def test_a_connection_that_an_allowed_body_opened_is_no_way_out(world) -> None:
    client = world.client()

    @durable_execution
    def handler(event, context):
        context.step(lambda _: client.describe_table(TableName="orders") and 1, name="read")
        client.put_item(TableName="orders", Item={"id": {"S": "1"}})
        return 2

    begun = dd.load([event for event in subject.history().raw if event["EventId"] == 1])
    run = dd.replay(handler, begun, run="read")
    assert run.status == "HALTED" and "dynamodb PutItem" in run.stopped
    assert {target for _, _, target, _ in world.http.got} == {"DynamoDB_20120810.DescribeTable"}


def test_a_connection_that_was_opened_while_the_debugger_stood_is_no_way_out(world) -> None:
    client = world.client()
    TROUBLE["between"] = lambda: client.put_item(TableName="orders", Item={"id": {"S": "1"}})
    with dd.debug(subject.handler, subject.history()) as dbg:
        client.list_tables()  # in another cell, say
        world.http.got.clear()
        with pytest.raises(dd.DurableDebugError):
            dbg.evaluate("trouble('between')")
        dbg.run()
        assert dbg.stop.status == "HALTED" and world.http.got == []


def test_what_a_thread_does_after_the_replay_is_refused_and_then_nothing_is_left(world) -> None:
    connection, go, tried = world.connection(), threading.Event(), []
    sendall = socket.socket.sendall

    def grandchild() -> None:
        try:
            connection.sendall(b"42")
        except SystemExit as error:
            tried.append(str(error))
            raise

    def child() -> None:
        go.wait(5)
        thread = threading.Thread(target=grandchild)
        thread.start()
        thread.join()

    threads = []

    def between() -> None:
        threads.append(threading.Thread(target=child))
        threads[-1].start()

    TROUBLE["between"] = between
    assert dd.replay(subject.handler, subject.history()).status == "SUCCEEDED"
    assert socket.socket.sendall is not sendall  # as long as somebody is watched
    go.set()
    for thread in threads:
        thread.join()
    assert tried and "send to" in tried[0]
    assert socket.socket.sendall is sendall
    assert b"42" not in b"".join(world.sink.got)


def test_a_module_that_is_imported_in_the_handler_may_not_write(world, monkeypatch) -> None:
    (world.folder / "late_writer.py").write_text(f"open({str(world.folder / 'made')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(world.folder)

    def deed() -> None:
        import late_writer  # noqa: F401

    TROUBLE["between"] = deed
    run = dd.replay(subject.handler, subject.history())
    assert run.status == "HALTED" and not (world.folder / "made").exists()
    assert run.side_effects[0].file.endswith("late_writer.py")


def test_a_handler_without_source_is_refused_like_any_other(tmp_path) -> None:
    names = {"made": str(tmp_path / "made")}
    exec(
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    open(made, 'w')\n"
        "    return 2\n",
        names,
    )
    run = dd.replay(names["handler"], dd.load([subject.history().raw[0]]))
    assert run.status == "HALTED" and [found.kind for found in run.divergences] == ["side_effect"]


def test_what_cannot_be_seen_is_said(world, monkeypatch) -> None:
    import types

    zmq = types.ModuleType("zmq")
    monkeypatch.setitem(sys.modules, "zmq", zmq)
    plain = dd.replay(subject.handler, subject.history())
    assert not any("zmq" in sentence for sentence in plain.unchecked)

    module = types.ModuleType("app_with_zmq")
    module.zmq = zmq
    exec(
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    return 2\n",
        vars(module),
    )
    run = dd.replay(module.handler, dd.load([subject.history().raw[0]]))
    assert any("zmq" in sentence and "neither see nor refuse" in sentence for sentence in run.unchecked)


def test_a_queue_thread_that_the_module_started_takes_no_work(world, tmp_path_factory) -> None:
    """It is watched, but since the import: the replay would not be told."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "with_thread.py").write_text(
        "import queue, threading\n"
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "tasks = queue.Queue()\n"
        "def serve():\n"
        "    while (task := tasks.get()) is not None:\n"
        "        task()\n"
        "threading.Thread(target=serve, daemon=True).start()\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        f"    tasks.put(lambda: open({str(world.folder / 'made')!r}, 'w'))\n"
        "    return 2\n"
    )
    before = set(threading.enumerate())
    run = dd.replay(f"{folder}/with_thread.py:handler", dd.load([subject.history().raw[0]]))
    assert run.status == "HALTED" and not (world.folder / "made").exists()
    assert [(effect.kind, effect.line) for effect in run.side_effects if effect.refused][0] == ("thread", 10)
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == str(folder / "with_thread.py"):
            module.tasks.put(None)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
