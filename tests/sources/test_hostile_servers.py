"""Servers that drip, go round in circles, leave out fields, or have another clock; and a person who has had enough."""

from __future__ import annotations

import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

import durable_debug as dd
from durable_debug.errors import HistoryError
from durable_debug.sources import calling, connection, executions, waiting
from durable_debug.sources.problems import ClockError, InterruptedFetchError, ServiceUnavailableError

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-1/00000000-1"
EVENT = {"EventId": 1, "EventType": "ExecutionStarted", "EventTimestamp": 1.0, "Id": "00000000-1"}


class Hostile(ThreadingHTTPServer):
    """Answers every request as it is told to."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[_Handler, dict[str, str]], Any] = lambda *_: {}
        self.asked = 0
        self.came = threading.Event()  # a request
        self.over = threading.Event()  # the test

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.came.set()
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        answer = self.server.answer(self, query)
        if answer is not None:
            self.send(200, answer)

    do_POST = do_GET

    def send(self, status: int, answer: Any, **headers: str) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """A byte at a time, without an end."""
        self.send_response(200)
        self.send_header("Content-Length", "100000000")
        self.end_headers()
        while not self.server.over.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def load(server: Hostile) -> dd.History:
    return dd.load(ARN, endpoint_url=server.url, rate=10_000)


def pages(server: Hostile, page: Callable[[dict[str, str]], Any]) -> None:
    """Answer with pages of a history; and with the execution's own record."""

    def answer(handler: _Handler, query: dict[str, str]) -> Any:
        return page(query) if "/history" in handler.path else {"Status": "RUNNING"}

    server.answer = answer


def test_a_byte_at_a_time_is_not_for_ever(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "PATIENCE", 0.2)
    server.answer = lambda handler, _: handler.drip()
    with pytest.raises(
        ServiceUnavailableError, match="did not finish its answer to GetDurableExecution within 0.2 s"
    ):
        load(server)
    assert server.asked == 1


def test_pages_in_circles(server: Hostile) -> None:
    pages(server, lambda query: {"Events": [EVENT], "NextMarker": "b" if query.get("Marker") == "a" else "a"})
    with pytest.raises(
        ServiceUnavailableError, match="the same page of GetDurableExecutionHistory again and again"
    ):
        load(server)
    assert server.asked < 10


@pytest.mark.parametrize("events", [[], [EVENT]])
def test_ever_new_markers(server: Hostile, events: list[Any]) -> None:
    pages(server, lambda query: {"Events": events, "NextMarker": str(int(query.get("Marker", 0)) + 1)})
    with pytest.raises(ServiceUnavailableError, match="with nothing new in them"):
        load(server)
    assert server.asked < 40


def test_ever_new_events(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST_EVENTS", 50)

    def page(query: dict[str, str]) -> Any:
        number = int(query.get("Marker", 0)) + 1
        return {"Events": [{**EVENT, "EventId": number}], "NextMarker": str(number)}

    pages(server, page)
    with pytest.raises(ServiceUnavailableError, match="more than 50 events"):
        load(server)


def test_empty_pages_on_the_way_are_no_fault(server: Hostile) -> None:
    second = {**EVENT, "EventId": 2, "EventType": "ExecutionSucceeded"}

    def page(query: dict[str, str]) -> Any:
        number = int(query.get("Marker", 0)) + 1
        found = {1: [EVENT], 9: [second]}.get(number, [])
        return {"Events": found, **({"NextMarker": str(number)} if number < 9 else {})}

    pages(server, page)
    assert len(load(server)) == 2


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"EventId": 1},
        {"EventType": "StepStarted"},
        {"EventId": 1, "EventType": "ExecutionStarted"},
        {"EventId": 1, "EventType": "ExecutionStarted", "EventTimestamp": "soon"},
        {"EventId": 1, "EventType": 5, "EventTimestamp": 1.0},
        {"EventId": 1, "EventType": "ExecutionStarted", "EventTimestamp": 1.0, "ExecutionStartedDetails": []},
    ],
)
def test_events_without_what_aws_sends(
    server: Hostile, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "_LONGEST_PAUSE", 0.11)
    pages(server, lambda _: {"Events": [event]})
    with pytest.raises(HistoryError):
        load(server)


def test_a_list_without_what_aws_sends(server: Hostile) -> None:
    odd = [{}, {"DurableExecutionArn": ARN}, {"DurableExecutionArn": None}, {"Status": "FAILED"}]
    server.answer = lambda *_: {"DurableExecutions": odd}
    frame = executions("orders", endpoint_url=server.url)
    assert list(frame["arn"]) == [ARN] and frame["status"].isna().all() and frame["start"].isna().all()
    assert len(executions("orders", since="1h", endpoint_url=server.url)) == 1  # nobody knows
    assert len(executions("orders", status="FAILED", endpoint_url=server.url)) == 0


def test_no_such_status_and_no_such_time(server: Hostile) -> None:
    for choice, words in (
        ({"status": "FALED"}, "Did you mean FAILED"),
        ({"since": "yesterdy"}, "is no time"),
    ):
        with pytest.raises(HistoryError, match=words):
            executions("orders", endpoint_url=server.url, **choice)
    assert server.asked == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "InvalidSignatureException",
            "Signature expired: 20261126T100000Z is now earlier than 20261126T101500Z",
        ),
        ("InvalidSignatureException", "Signature not yet current: 20261126T110000Z is still later than …"),
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the server's time is too large",
        ),
        ("RequestExpired", "Request has expired."),
    ],
)
def test_a_wrong_clock_is_told_as_one(server: Hostile, code: str, said: str) -> None:
    server.answer = lambda handler, _: handler.send(403, {"message": said}, x_amzn_errortype=code)
    with pytest.raises(ClockError, match=r"clock of this machine.*Set the clock") as raised:
        load(server)
    assert "sso login" not in str(raised.value) and server.asked == 1


# ---- who has had enough


def test_an_interrupt_ends_the_waiting_at_once() -> None:
    begun, never = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        never.wait(30)

    with pytest.raises(KeyboardInterrupt):
        waiting.within(3600, threading.Event(), work)
    assert begun.is_set()
    never.set()


def test_stop_and_time_end_the_waiting() -> None:
    stop, never = threading.Event(), threading.Event()
    times = iter([0.0, 5.0, 11.0])
    with pytest.raises(waiting.OverdueError):
        waiting.within(10, stop, lambda: never.wait(30), clock=lambda: next(times))
    stop.set()
    with pytest.raises(waiting.StoppedError):
        waiting.within(10, stop, lambda: never.wait(30))
    never.set()
    assert waiting.within(10, threading.Event(), lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        waiting.within(10, threading.Event(), lambda: 1 // 0)


def test_a_throttled_fetch_obeys_an_interrupt(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pauses are our own, which end when the fetch is stopped; botocore's, which do not, are switched off."""
    monkeypatch.setattr(calling.random, "uniform", lambda *_: 3600.0)
    throttled = threading.Event()

    def answer(handler: _Handler, query: dict[str, str]) -> Any:
        if "/history" in handler.path or "/durable-executions/" in handler.path:
            handler.send(429, {"message": "Rate exceeded"}, x_amzn_errortype="TooManyRequestsException")
            if not throttled.is_set():
                throttled.set()
                # As Ctrl-C does: a signal wakes the main thread wherever it waits.
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            return None
        return {
            "DurableExecutions": [{"DurableExecutionArn": f"{ARN}{n}", "Status": "FAILED"} for n in range(20)]
        }

    server.answer = answer
    with pytest.raises(KeyboardInterrupt):
        list(dd.fetch("orders", endpoint_url=server.url, rate=10_000, progress=False))
    assert throttled.is_set()


def test_a_stopped_load_says_so(server: Hostile) -> None:
    stop = threading.Event()

    def answer(handler: _Handler, _: Any) -> Any:
        stop.set()
        handler.server.over.wait(30)

    server.answer = answer
    found = connection.connect(endpoint_url=server.url)
    with pytest.raises(InterruptedFetchError):
        found(ARN, stop=stop)
    server.over.set()
