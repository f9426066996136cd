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

from tests.replay import subject
from tests.replay.subject import TROUBLE, trouble
from tests.replay.world import World

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
def cold_raise_signal(world):
    return lambda: signal.raise_signal(signal.SIGCONT)


@effect("process")
def cold_end_of_the_process(world):
    return lambda: os._exit(3)


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
    return 5


CODECS = ["step read", "child read", "child written", "item written"]


@pytest.fixture(scope="module")
def codecs_history():
    return subject.history_of(codecs)


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
    assert not run.ok
    assert "side_effect" in {found.kind for found in run.divergences}


@each
def test_while_the_module_is_imported(tried, tmp_path_factory) -> None:
    kind, name, TROUBLE["import"] = tried
    folder = tmp_path_factory.mktemp("app")
    (folder / "eager.py").write_text(
        "from tests.replay.subject import handler, trouble\n\ntrouble('import')\n"
    )
    with pytest.raises(dd.HandlerError, match="while it is imported") as caught:
        dd.replay(f"{folder}/eager.py:handler", subject.history())
    assert f'allow="{kind}"' in caught.value.cure
