"""Logs from CloudWatch: moto's server in a process of its own, and a server of our own for what moto has no shapes for."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import unquote

import boto3
import pytest

import durable_debug as dd
from durable_debug.cli import main
from durable_debug.errors import HistoryError
from durable_debug.sources import calling, connection, log_search, logs
from durable_debug.sources.problems import AccessDeniedError, ExecutionNotFoundError
from tests.patience import comes
from tests.sources.conftest import free_port
from tests.sources.lambda_logs import STRANGER, TRACE, logs_of, moved, written

REGION = "eu-west-1"
FORMS = ("text", "json", "powertools")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of our own bear more than an account allows."""
    monkeypatch.setattr(connection, "_RATES_OF_OTHERS", {"logs": 10_000, "xray": 10_000})


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that stands in for AWS."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            assert comes(lambda: process.poll() is not None or answers(url)), log.read_text()
            assert process.poll() is None, log.read_text()
            yield url
        finally:
            process.terminate()
            process.wait(30)


def answers(url: str) -> bool:
    try:
        aws("logs", url).describe_log_groups()
    except Exception:
        return False
    return True


@functools.cache
def aws(service: str, url: str) -> Any:
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name=REGION)
    return session.client(service, endpoint_url=url)


def put(url: str, group: str, events: list[dict[str, Any]]) -> None:
    client = aws("logs", url)
    client.create_log_group(logGroupName=group)
    for stream in sorted({event["stream"] for event in events}):
        client.create_log_stream(logGroupName=group, logStreamName=stream)
        ours = sorted((e for e in events if e["stream"] == stream), key=lambda e: e["timestamp"])
        batch = [{"timestamp": e["timestamp"], "message": e["message"]} for e in ours]
        client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


@pytest.fixture(scope="module")
def failed(moto: str) -> Callable[..., dd.History]:
    """``failed("json")`` gives the history of a failed payment without its logs, which are in the log group of its function."""

    @functools.cache
    def make(form: str, group: str | None = None) -> dd.History:
        function = f"payment-{form}-{len(group or '')}"
        history = dd.load(moved("payment_failed.json", function, now=datetime.now(UTC)))
        put(moto, group or f"/aws/lambda/{function}", written(history, form))
        return history

    return make


# ---- one execution


@pytest.mark.parametrize("form", FORMS)
def test_each_line_stands_with_its_invocation_operation_and_attempt(
    moto: str, failed: Callable[..., dd.History], form: str
) -> None:
    history = dd.load(failed(form), logs=True, endpoint_url=moto)
    frame = history.logs
    assert not history.warnings
    # Of each attempt: what was printed in it, what it logged, and why it failed.
    found = Counter(zip(frame.name.dropna(), frame.attempt.dropna(), strict=True))
    assert found == {
        ("price-basket", 1): 2,
        **{("charge-card", attempt): 3 for attempt in (1, 2, 3, 4)},
        ("release-basket", 1): 2,
    }
    for row in frame[frame.message.str.startswith("calling for")].itertuples():
        assert row.message == f"calling for {row.name}, attempt {row.attempt}"
        assert row.joined == ("inferred" if form == "text" else "recorded")
    for row in frame[frame.message.str.startswith("printed in")].itertuples():
        assert (row.message.rstrip(), row.joined) == (
            f"printed in {row.name}, attempt {row.attempt}",
            "inferred",
        )
    errors = frame[frame.level == "ERROR"]
    assert list(errors.invocation) == [1, 2, 3, 4]
    assert errors.message.str.contains("no answer to charge").all()
    # What names no request is told by what stands around it, the import before the first line of an invocation too.
    assert list(frame[frame.message == "imported the shop"].invocation) == [1, 2, 3, 4]
    assert list(frame[frame.message.str.contains(r"invocation \d begins")].position.isna()) == [True] * 4
    assert list(frame[frame.platform].groupby("invocation").size()) == [4] * 4
    assert set(frame.request_id) == set(history.invocations.request_id)
    assert TRACE in set(frame.trace_id)


def test_nothing_of_anybody_else_is_kept(
    moto: str, failed: Callable[..., dd.History], tmp_path: Path
) -> None:
    """A sandbox works for one after the other: their lines stand in the same stream."""
    history = dd.load(failed("text"), logs=True, endpoint_url=moto)
    text = history.save(tmp_path / "order.json").read_text(encoding="utf-8")
    assert "calling for" in text
    assert STRANGER not in text and "secret" not in text


def test_types_of_the_columns(moto: str, failed: Callable[..., dd.History]) -> None:
    full = dd.load(failed("text"), logs=True, endpoint_url=moto).logs
    empty = dd.load(moved("payment_failed.json", "f", now=datetime.now(UTC)) | {"Logs": {"Events": []}}).logs
    assert len(full) == 40 and not len(empty)
    kinds = {
        "timestamp": "datetime64[us, UTC]",
        "invocation": "Int64",
        "attempt": "Int64",
        "platform": "bool",
    }
    for frame in (full, empty):
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
            name: kinds.get(name, "str") for name in frame.columns
        }
    assert full.timestamp.is_monotonic_increasing


def test_a_history_without_logs_says_so() -> None:
    history = dd.load(moved("payment_failed.json", "f", now=datetime.now(UTC)))
    assert history.log_events is None
    with pytest.raises(HistoryError, match="without its logs"):
        history.logs


def test_its_file_keeps_them(moto: str, failed: Callable[..., dd.History], tmp_path: Path) -> None:
    history = dd.load(failed("json"), logs=True, endpoint_url=moto)
    again = dd.load(history.save(tmp_path / "order.json"))
    assert again.log_events == history.log_events
    assert again == history
    assert dd.load(again, logs=True, endpoint_url="http://127.0.0.1:9") is again  # nothing is asked for
    (kept,) = dd.load(history.save(f"{tmp_path}/many/").parent)
    assert kept.log_events == history.log_events


def test_the_log_group_that_the_function_is_configured_for(
    moto: str, failed: Callable[..., dd.History]
) -> None:
    history = failed("text", "/shop/all")
    with pytest.raises(ExecutionNotFoundError, match=f"no log group /aws/lambda/{history.function_name}"):
        dd.load(history, logs=True, endpoint_url=moto)
    assert len(dd.load(history, logs="/shop/all", endpoint_url=moto).logs) == 40
    with pytest.raises(HistoryError, match="names no log group"):
        dd.load(history, logs=7, endpoint_url=moto)


def test_requests_that_the_history_does_not_name_are_found_by_the_execution(
    moto: str, failed: Callable[..., dd.History]
) -> None:
    """As of an invocation that still runs: the SDK's logger names the execution in each line."""
    document = {"DurableExecutionArn": (history := failed("json")).arn}
    events = [
        event
        for event in history.raw
        if event["EventId"] < 14 or (event["EventId"] in {14, 15, 16} and event["EventType"] != "StepFailed")
    ]
    running = dd.load({**document, "Events": [e for e in events if e["EventType"] != "ExecutionFailed"]})
    assert running.invocations.request_id.isna().sum() == 1
    frame = dd.load(running, logs=True, endpoint_url=moto).logs
    last = frame[frame.invocation == 4]
    assert "calling for charge-card, attempt 4" in set(last.message)
    assert last.request_id.nunique() == 1


# ---- none, or not all


def test_why_there_are_none_is_said(moto: str, failed: Callable[..., dd.History]) -> None:
    history = failed("text")
    client = aws("logs", moto)
    client.create_log_group(logGroupName="/empty")
    (said,) = dd.load(history, logs="/empty", endpoint_url=moto).warnings
    assert "/empty has no log events" in said
    client.put_retention_policy(logGroupName="/empty", retentionInDays=1)
    old = dd.load(moved("payment_failed.json", "payment", timedelta(days=3), now=datetime.now(UTC)))
    (said,) = dd.load(old, logs="/empty", endpoint_url=moto).warnings
    assert "keeps log events for 1 days" in said and "gone" in said
    new = dd.load(moved("payment_failed.json", "payment", timedelta(seconds=1), now=datetime.now(UTC)))
    (said,) = dd.load(new, logs="/empty", endpoint_url=moto).warnings
    assert "yet" in said


def test_of_very_many_the_last_are_kept(
    moto: str, failed: Callable[..., dd.History], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MOST_EVENTS", 7)
    history = dd.load(failed("text"), logs=True, endpoint_url=moto)
    assert 5 < len(history.logs) <= 7  # whose lines those before the first START are is not known any more
    assert history.logs.message.iloc[-1].startswith("REPORT")
    assert any("Of 40 log events, only the last 7" in said for said in history.warnings)


def test_what_a_line_names_is_told_from_text(moto: str, failed: Callable[..., dd.History]) -> None:
    """Hostile lines are text like others, whatever they look like."""
    history = failed("text")
    first = history.invocation(1)
    lines = [
        "{",
        "[]",
        '{"message": {"a": [1, "\\ud800"]}, "level": 7, "attempt": "many", "operationId": []}',
        '{"type": "platform.start", "record": "none"}',
        '{"type": "platform.report", "record": {"tracing": "none", "requestId": 5}}',
        "\x1b[2J<script>alert(1)</script>",
        "[" * 100_000,
        '{"a":' * 50_000,
        "",
    ]
    at = round(first.start.timestamp() * 1000) + 3
    events = [
        {
            "timestamp": at - 1,
            "logStreamName": "s",
            "message": f"START RequestId: {first.request_id} Version: 1",
        },
        *({"timestamp": at, "logStreamName": "s", "message": line} for line in lines),
        "no event",
        {"timestamp": "soon", "message": "x"},
        {"timestamp": 10**18, "message": "x"},
        {"timestamp": at},
    ]
    document = {"DurableExecutionArn": history.arn, "Events": list(history.raw), "Logs": {"Events": events}}
    shown = dd.load(document)
    assert len(shown.logs) == len(lines) + 1
    assert set(shown.logs.invocation) == {1}
    assert any("4 log events are left out" in said for said in shown.warnings)
    for nonsense in (5, [], {"Events": 5}, {"Events": [], "Remarks": 5, "LogGroup": []}):
        dd.load({**document, "Logs": nonsense})


# ---- redaction


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("redact", [True, "*email*"])
def test_redaction_leaves_nothing_of_what_was_written(form: str, redact: Any) -> None:
    history = dd.load(moved("payment_failed.json", "payment", now=datetime.now(UTC)))
    document = {
        "DurableExecutionArn": history.arn,
        "Events": list(history.raw),
        "Logs": logs_of(history, form),
    }
    before = dd.load(document).logs
    after = dd.redacted(dd.load(document), redact).logs
    same = ["timestamp", "level", "invocation", "position", "attempt", "joined", "platform", "request_id"]
    assert after[same].equals(before[same])
    ours = ~before.platform
    assert not after[ours].line.str.contains("calling|printed|cents|no answer|imported|Traceback").any()
    assert (before[ours].message.str.len() == after[ours].message.str.len()).all()


def test_logs_of_a_redacted_history_are_redacted(moto: str, failed: Callable[..., dd.History]) -> None:
    frame = dd.load(dd.redacted(failed("text")), logs=True, endpoint_url=moto).logs
    assert len(frame) == 40 and not frame.line.str.contains("calling").any()


# ---- many, with Logs Insights


def several(moto: str, failed: Callable[..., dd.History], group: str) -> list[dd.History]:
    """Executions with requests of their own, in one log group."""
    histories = []
    events: list[dict[str, Any]] = []
    for number in range(5):
        document = moved("payment_failed.json", "payment", timedelta(hours=1 + number), now=datetime.now(UTC))
        text = (
            json.dumps(document).replace("-4d87-", f"-4d8{number}-").replace("basket-77", f"basket-{number}")
        )
        for request in {e["InvocationCompletedDetails"]["RequestId"] for e in document["Events"] if "InvocationCompletedDetails" in e}:  # fmt: skip
            text = text.replace(request, f"{number}{request[1:]}")
        histories.append(dd.load(json.loads(text)))
        for event in written(histories[-1], "text"):
            events.append({**event, "stream": f"{number}/{event['stream']}"})
    put(moto, group, events)
    return histories


def test_many_are_searched_for_at_once(moto: str, failed: Callable[..., dd.History], tmp_path: Path) -> None:

    histories = several(moto, failed, "/many")
    fetcher = logs.LogFetcher(connection.connect(endpoint_url=moto, region=REGION), "/many")
    found = fetcher.given(histories)
    assert [len(each.logs) for each in found] == [40] * 5
    assert not any(each.warnings for each in found)
    alone = [fetcher.given([each])[0] for each in histories]
    assert [each.log_events for each in found] == [each.log_events for each in alone]
    queries = aws("logs", moto).describe_queries(logGroupName="/many")["queries"]
    assert 0 < len(queries) <= 2 * 4 * 5  # streams, and what they hold, for each spell of work


# ---- a server of our own


class Answering(ThreadingHTTPServer):
    """Answers each operation as it is told to."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], tuple[int, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        operation = self.headers.get("X-Amz-Target", self.path).rpartition(".")[2]
        self.server.asked.append((operation, body))
        status, answer = self.server.answer(operation, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Callable[..., Answering]]:
    running: list[tuple[Answering, threading.Thread]] = []

    def start(answer: Callable[[str, dict[str, Any]], tuple[int, Any]]) -> Answering:
        one = Answering(answer)
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((one, thread))
        return one

    yield start
    for one, thread in running:
        one.shutdown()
        thread.join()
        one.server_close()


def sample() -> dd.History:
    return dd.load(moved("payment_failed.json", "payment", now=datetime.now(UTC)))


def denied(operation: str) -> tuple[int, Any]:
    return 400, {"__type": "AccessDeniedException", "message": f"not authorized to perform: logs:{operation}"}


def test_a_permission_that_lacks_is_named(server: Callable[..., Answering]) -> None:
    there = server(lambda operation, _: denied(operation))
    with pytest.raises(AccessDeniedError, match="permission logs:FilterLogEvents for /aws/lambda/payment"):
        dd.load(sample(), logs=True, endpoint_url=there.url)
    with pytest.raises(AccessDeniedError, match="logs:FilterLogEvents"):
        fetcher(there).given([sample()] * 5)
    # Which group it writes to may be asked, and need not be.
    assert any("configuration" in operation for operation, _ in there.asked)
    assert "StartQuery" in {operation for operation, _ in there.asked}


def test_why_tells_the_rest_where_the_log_cannot_be_had(
    server: Callable[..., Answering], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = server(lambda operation, _: denied(operation))
    for name, value in {
        "ACCESS_KEY_ID": "AKIA",
        "SECRET_ACCESS_KEY": "secret",
        "ENDPOINT_URL": there.url,
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    told = dd.why(sample(), logs=True)
    assert "permission logs:FilterLogEvents" in told.no_log
    assert told.no_log[:40] in told.report() and "attempt 4: GatewayTimeout" in told.report()


def fetcher(there: Answering, group: str | None = None) -> logs.LogFetcher:

    return logs.LogFetcher(connection.connect(endpoint_url=there.url, region=REGION, rate=1000), group)


def test_the_configured_group_is_asked_for_once(server: Callable[..., Answering]) -> None:
    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        if "configuration" in operation:
            return 200, {
                "FunctionName": "payment",
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/shop"},
            }
        return 200, {"events": [], "logGroups": []}

    there = server(answer)
    ones = fetcher(there)
    ones.given([sample(), sample()])
    ones.given([sample()])
    assert sum("configuration" in operation for operation, _ in there.asked) == 1
    assert {body["logGroupName"] for _, body in there.asked if "logGroupName" in body} == {"/shop"}


def test_pages_most_of_them_empty(server: Callable[..., Answering]) -> None:
    history = sample()
    events = [
        {"timestamp": e["timestamp"], "logStreamName": e["stream"], "message": e["message"]}
        for e in written(history, "text")
    ]

    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        if operation != "FilterLogEvents":
            return 404, {}
        page = int(body.get("nextToken", 0))
        streams = body.get("logStreamNames")
        fit = [
            event
            for event in events
            if body["startTime"] <= event["timestamp"] <= body["endTime"]
            and (not streams or event["logStreamName"] in streams)
        ]
        some = fit[page // 2 * 5 : page // 2 * 5 + 5] if page % 2 else []
        done = page // 2 * 5 + 5 >= len(fit) and page % 2
        return 200, {"events": some, **({} if done else {"nextToken": str(page + 1)})}

    found = dd.load(history, logs=True, endpoint_url=server(answer).url)
    assert len(found.logs) == 40


def test_refused_for_a_while(server: Callable[..., Answering], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_LONGEST_PAUSE", 0.11)
    refused: Counter[str] = Counter()

    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        refused[operation] += 1
        if refused[operation] < 4:
            return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}
        return 200, {"events": [], "logGroups": []}

    found = dd.load(sample(), logs="/shop", endpoint_url=server(answer).url)
    assert len(found.logs) == 0 and refused["FilterLogEvents"] >= 4


def test_pages_in_circles(server: Callable[..., Answering]) -> None:
    there = server(lambda *_: (200, {"events": [], "nextToken": "again"}))
    with pytest.raises(HistoryError, match="same page of FilterLogEvents again and again"):
        dd.load(sample(), logs=True, endpoint_url=there.url)


def insights(events: list[dict[str, Any]], body: dict[str, Any], most: int) -> list[Any]:
    """Rows as Logs Insights writes them: texts, times without a zone."""
    fit = [e for e in events if body["startTime"] <= e["timestamp"] // 1000 <= body["endTime"]]
    return [
        [
            {"field": "@timestamp", "value": f"{datetime.fromtimestamp(e['timestamp'] / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]},
            {"field": "@message", "value": e["message"]},
            {"field": "@logStream", "value": e["stream"]},
            {"field": "@ptr", "value": "CmEK"},
        ]
        for e in sorted(fit, key=lambda e: e["timestamp"])[:most]
    ]  # fmt: skip


def test_a_query_whose_answer_is_full_is_asked_again_in_halves(
    server: Callable[..., Answering], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "_ROWS", 15)
    history = sample()
    events = written(history, "json")
    queries: dict[str, dict[str, Any]] = {}

    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        if operation == "StartQuery":
            queries[str(len(queries))] = body
            return 200, {"queryId": str(len(queries) - 1)}
        if operation == "GetQueryResults":
            if body["queryId"] == "0" and not queries["0"].setdefault("polled", 0):
                queries["0"]["polled"] = 1
                return 200, {"status": "Running", "results": []}
            return 200, {"status": "Complete", "results": insights(events, queries[body["queryId"]], 15)}
        return 404, {}

    (one, *others) = fetcher(server(answer)).given([history] * 4)
    assert len(one.logs) == 40
    assert all(other.log_events == one.log_events for other in others)
    texts = [body["queryString"] for body in queries.values()]
    assert any("@message like /" in text for text in texts) and any(
        "@logStream in [" in text for text in texts
    )
    assert all(len(text) < 10_000 for text in texts)


def test_a_query_that_fails_is_told(server: Callable[..., Answering]) -> None:
    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        return 200, {"StartQuery": {"queryId": "1"}, "GetQueryResults": {"status": "Failed", "results": []}}.get(operation, {})  # fmt: skip

    with pytest.raises(HistoryError, match="ended as Failed"):
        fetcher(server(answer)).given([sample()] * 4)


# ---- fetched into a folder


class Account:
    """An account of one function: the Lambda API, and CloudWatch, behind one URL."""

    def __init__(self, number: int) -> None:
        self.histories: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        for at in range(number):
            document = moved(
                "payment_failed.json", "payment", timedelta(minutes=5 + at), now=datetime.now(UTC)
            )
            text = json.dumps(document).replace("-4d87-", f"-4d8{at}-").replace("basket-77", f"basket-{at}")
            for request in {e["InvocationCompletedDetails"]["RequestId"] for e in document["Events"] if "InvocationCompletedDetails" in e}:  # fmt: skip
                text = text.replace(request, f"{at}{request[1:]}")
            one = json.loads(text)
            self.histories[one["DurableExecutionArn"]] = one
            self.events += [
                {"timestamp": e["timestamp"], "logStreamName": f"{at}/{e['stream']}", "message": e["message"]}
                for e in written(dd.load(one), "json")
            ]

    def __call__(self, operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        if operation == "FilterLogEvents":
            streams = body.get("logStreamNames")
            return 200, {
                "events": [
                    event
                    for event in self.events
                    if body["startTime"] <= event["timestamp"] <= body["endTime"]
                    and (not streams or event["logStreamName"] in streams)
                ]
            }
        if operation == "StartQuery":
            return denied(operation)
        path = unquote(operation)
        arn = next((arn for arn in self.histories if arn in path), None)
        if arn is None and "/functions/payment/" in path and "configuration" not in path:
            listed = [{"DurableExecutionArn": arn, "Status": "FAILED"} for arn in self.histories]
            return 200, {"DurableExecutions": listed}
        if arn is None:
            return 404, {}
        if "/history" in path:
            return 200, {"Events": [stamped(event) for event in self.histories[arn]["Events"]]}
        return 200, {"DurableExecutionArn": arn, "Status": "FAILED"}


def stamped(event: Any) -> Any:
    """Times as the API writes them."""
    if isinstance(event, dict):
        return {
            key: datetime.fromisoformat(value).timestamp() if key.endswith("Timestamp") else stamped(value)
            for key, value in event.items()
        }
    return event


def test_a_folder_keeps_the_logs_of_each(server: Callable[..., Answering], tmp_path: Path) -> None:
    there = server(Account(5))
    options = {"endpoint_url": there.url, "rate": 10_000, "progress": False}
    without = dd.fetch("payment", to=tmp_path / "all", **options)
    assert [each.log_events for each in without] == [None] * 5
    kept = dd.fetch("payment", to=tmp_path / "all", logs=True, **options)
    assert [len(each.logs) for each in kept] == [40] * 5
    assert len(list((tmp_path / "all").glob("*.json"))) == 5
    asked = len(there.asked)
    again = dd.fetch("payment", to=tmp_path / "all", logs=True, **options)
    assert [each.log_events for each in again] == [each.log_events for each in kept]
    assert len(there.asked) == asked + 1  # the list, and nothing else
    (one,) = dd.fetch("payment", limit=1, logs=True, **options)
    assert one.log_events == kept[one.arn].log_events
    assert one.refresh().log_events == one.log_events


def test_redacted_logs_in_a_folder(server: Callable[..., Answering], tmp_path: Path) -> None:
    there = server(Account(2))
    options = {"endpoint_url": there.url, "rate": 10_000, "progress": False}
    kept = dd.fetch("payment", to=tmp_path / "all", logs=True, redact=True, **options)
    assert [len(each.logs) for each in kept] == [40] * 2
    assert all("calling" not in file.read_text() for file in (tmp_path / "all").glob("*.json"))
    for one in dd.fetch("payment", logs=True, redact=True, **options):
        assert not one.logs.message.str.contains("calling").any()


# ---- in a terminal


def test_fetched_and_told_in_a_terminal(
    server: Callable[..., Answering], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = server(Account(2))
    folder = str(tmp_path / "all")
    arn = next(iter(there.answer.histories))
    assert main(["fetch", arn, "-o", folder, "--logs", "--endpoint-url", there.url]) == 0
    assert main(["why", f"{folder}#basket-0"]) == 0
    assert "calling for charge-card, attempt 4" in capsys.readouterr().out.partition("the log of")[2]


def test_a_file_s_log_is_looked_up_where_the_environment_says(
    moto: str,
    failed: Callable[..., dd.History],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where logs stand elsewhere than the Lambda API."""
    path = str(failed("text").save(tmp_path / "order.json"))
    for name, value in {
        "ACCESS_KEY_ID": "AKIAEXAMPLE",
        "SECRET_ACCESS_KEY": "secret",
        "ENDPOINT_URL": moto,
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    assert main(["why", path, "--logs"]) == 0
    assert "calling for charge-card, attempt 4" in capsys.readouterr().out
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", moto)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LOGS", moto)
    assert main(["show", path, "--logs"]) == 0
    assert capsys.readouterr().out.count("calling for charge-card") == 4
    assert main(["show", path, "--log-group", "/none"]) == 2
    assert "no log group /none" in capsys.readouterr().err
