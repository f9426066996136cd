"""The SDK's own local server, filled by real runs, and a proxy before it that has all the faults of a network."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import unquote

import boto3
import botocore
import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.stores.filesystem import FileSystemExecutionStore
from aws_durable_execution_sdk_python_testing.web.server import WebServer, WebServiceConfig
from botocore.config import Config

from tests.patience import PATIENCE
from tests.sources import handlers

ALL = 1_000_000


@dataclass(frozen=True)
class Server:
    """A `dex-local-runner start-server` in a process of its own, and what its store held when it started."""

    url: str
    store: Path
    histories: dict[
        str, list[dict[str, Any]]
    ]  # events of every execution, by ARN, as the emulator gives them unpaged
    names: dict[str, str]  # ARN by name
    children: dict[str, str]  # child's ARN by the parent's


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server") / ".durable_executions"
    filled = fill(folder)
    port = free_port()
    command = [
        *(sys.executable, "-m", "aws_durable_execution_sdk_python_testing.cli", "start-server"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "CRITICAL"),
        *("--store-type", "filesystem", "--store-path", str(folder)),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(url)
            yield Server(url, folder, *filled)
        finally:
            process.terminate()
            process.wait(10)


def fill(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str], dict[str, str]]:
    histories, names, children = {}, {}, {}
    store = FileSystemExecutionStore.create(folder)
    logging.disable(logging.CRITICAL)
    try:
        with DurableFunctionTestRunner(handlers.orders, poll_interval=0.01) as runner:  # in memory: quicker
            runner.register_durable_function("stock", handlers.stock)
            runs = [
                ("large", {"steps": 700}),
                ("failed", {"steps": 2, "fail": True}),
                ("parent", {"steps": 1, "invoke": True}),
            ]
            runs += [(f"order-{number}", {"steps": 3}) for number in range(12)]
            for name, given in runs:
                arn = runner.run_async(json.dumps(given), function_name="orders", execution_name=name)
                runner.wait_for_result(arn, timeout=120)
            for execution in runner._store.list_all():
                store.save(execution)
        with DurableFunctionTestRunner(handlers.orders, store=store) as runner:
            for execution in store.list_all():
                arn = execution.durable_execution_arn
                page = runner._executor.get_execution_history(arn, include_execution_data=True, max_items=ALL)
                histories[arn] = [event.to_dict() for event in page.events]
                names[
                    execution.start_input.execution_name if not execution.parent_execution_arn else "child"
                ] = arn
                for child in execution.chained_invoke_children.values():
                    children[arn] = child
    finally:
        logging.disable(logging.NOTSET)
    return histories, names, children


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until_healthy(url: str) -> None:
    give_up = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=PATIENCE) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < give_up, "the server did not start"
            time.sleep(0.05)


@pytest.fixture
def live() -> Iterator[tuple[str, DurableFunctionTestRunner]]:
    """The SDK's server on a runner of this process, whose executions go on while one looks."""
    root = logging.getLogger()
    level, log_handlers = root.level, root.handlers[:]
    with DurableFunctionTestRunner(handlers.orders, poll_interval=0.01) as runner:
        with WebServer(WebServiceConfig("127.0.0.1", free_port(), logging.CRITICAL), runner._executor) as web:
            root.setLevel(level)
            root.handlers[:] = log_handlers
            thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield f"http://127.0.0.1:{web.server_address[1]}", runner
            finally:
                web.shutdown()
                thread.join()


class Proxy(ThreadingHTTPServer):
    """Passes requests on to the server, but for the faults that it is told to have.

    ``faults`` are those that the first requests of each path meet, ``for_ever`` the one of all after them; ``always`` is the
    answer to every request.
    """

    daemon_threads = False
    block_on_close = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream.removeprefix("http://")
        self.faults: list[str] = []
        self.for_ever = ""
        self.always: tuple[int, dict[str, str], bytes] | None = None
        self.asked: Counter[str] = Counter()  # paths
        self.seen: Counter[str] = Counter()  # faults
        self.answered: Counter[str] = Counter()  # paths that were answered whole
        self.at_once = 0
        self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def histories(self) -> dict[str, int]:
        """How often a first page of each execution's history was answered."""
        return {
            unquote(path.split("/")[3]): count
            for path, count in self.answered.items()
            if "/history?" in path and "Marker=" not in path
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that hung up


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        with self.server.lock:
            nth = self.server.asked[self.path]
            self.server.asked[self.path] += 1
            fault = self.server.faults[nth] if nth < len(self.server.faults) else self.server.for_ever
            self.server.seen[fault] += 1
            self.server.at_once += 1
            self.under_way = True
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            self.answer(fault)
        finally:
            self.done()

    do_POST = do_GET

    def done(self) -> None:
        """Count the request as answered, before the answer is written: who reads it may send the next at once."""
        with self.server.lock:
            self.server.at_once -= self.under_way
            self.under_way = False

    def answer(self, fault: str) -> None:
        if self.server.always:
            return self.send(*self.server.always)
        if fault == "drop":
            return self.hang_up()
        if fault == "429":
            return self.send(
                429, {"x-amzn-errortype": "TooManyRequestsException"}, b'{"message":"Rate exceeded"}'
            )
        if fault == "500":
            return self.send(500, {"x-amzn-errortype": "ServiceException"}, b'{"message":"Internal"}')
        if fault == "502":
            return self.send(502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>")
        if fault == "empty":
            return self.send(200, {}, b"")
        status, body = self.passed_on()
        if fault in {"cut", "cut unnoticed"}:
            headers = {"Content-Length": str(len(body))} if fault == "cut" else {}
            self.send(status, headers, body[: len(body) // 2], length=False)
            return self.hang_up()
        with self.server.lock:
            self.server.answered[self.path] += (
                1  # before it is written: who reads it may look at the count at once
            )
        self.send(status, {"Content-Type": "application/json"}, body)

    def passed_on(self) -> tuple[int, bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=30)
        with contextlib.closing(upstream):
            length = int(self.headers.get("Content-Length") or 0)
            upstream.request(
                self.command, self.path, self.rfile.read(length) if length else None, dict(self.headers)
            )
            answer = upstream.getresponse()
            return answer.status, answer.read()

    def send(self, status: int, headers: dict[str, str], body: bytes, *, length: bool = True) -> None:
        self.done()
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} if length else {}).items() | headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.url) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()


def plain_client(url: str, **config: Any) -> Any:
    """A plain boto3 client; its own retries are off, unless they are asked for."""
    retries = {"retries": {"mode": "standard", "total_max_attempts": 1}}
    return boto3.client(
        "lambda",
        region_name="us-west-2",
        endpoint_url=url,
        config=Config(signature_version=botocore.UNSIGNED, **(retries | config)),
    )
