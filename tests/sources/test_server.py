"""Against the local server of the SDK's testing library, in a process of its own, with plain boto3."""

from __future__ import annotations

import threading
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durable_debug.audits import audit
from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history import History
from durable_debug.sources import Histories, calling, connection, executions, fetch, keep, load
from durable_debug.sources.problems import (
    AccessDeniedError,
    CredentialsError,
    ExecutionNotFoundError,
    ServiceUnavailableError,
    ThrottledError,
)
from tests.patience import comes
from tests.sources.conftest import Proxy, Server, plain_client

FAULTS = ["429", "500", "502", "drop", "cut", "cut unnoticed", "empty"]
QUICK = {"rate": 1000, "progress": False}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between two tries are short."""
    monkeypatch.setattr(calling, "_LONGEST_PAUSE", 0.11)


def same(history: History, server: Server) -> bool:
    return history == load({"DurableExecutionArn": history.arn, "Events": server.histories[history.arn]})


def test_more_events_than_a_page_holds(server: Server, proxy: Proxy) -> None:
    arn = server.names["large"]
    history = load(arn, endpoint_url=proxy.url)
    assert len(history) > 1400
    assert same(history, server)
    pages = [path for path in proxy.answered if "/history?" in path]
    assert len(pages) == 2
    assert all("MaxItems=1000" in path and "IncludeExecutionData=true" in path for path in pages)
    history.require_replayable()


def test_what_the_executions_own_record_says(server: Server) -> None:
    history = load(server.names["failed"], endpoint_url=server.url)
    assert (history.status, history.version, history.input) == (
        "FAILED",
        "$LATEST",
        '{"steps": 2, "fail": true}',
    )
    assert history.error["ErrorMessage"] == "no such card"
    assert history.execution["DurableExecutionName"] == "failed"
    assert "ResponseMetadata" not in history.execution
    assert history.operation("3").attempts == 2


def test_ways_to_say_where(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    arn = server.names["order-1"]
    session = boto3.Session("AKIAEXAMPLE", "secret", region_name="eu-west-1")
    for where in (
        {"client": plain_client(server.url)},
        {"session": session, "endpoint_url": server.url},
        {"endpoint_url": server.url, "region": "eu-west-1"},
    ):
        assert same(load(arn, **where), server)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    assert same(load(arn, session=session), server)
    with pytest.raises(HistoryError, match="no AWS profile 'nobody'"):
        load(arn, profile="nobody")
    with pytest.raises(HistoryError, match="which AWS region"):
        load(arn, rate=5)
    with pytest.raises(HistoryError, match="requests a second"):
        load(arn, endpoint_url=server.url, rate=0)
    with pytest.raises(DurableDebugError, match="knows no durable executions"):
        load(arn, client=session.client("sts", endpoint_url=server.url))


def test_children_open_as_one_tree(server: Server, proxy: Proxy) -> None:
    parent = load(server.names["parent"], endpoint_url=proxy.url, children=True)
    asked = sum(proxy.answered.values())
    (position,) = parent.children
    assert parent.children[position].arn == server.children[parent.arn]
    assert same(parent.children[position], server)
    assert list(parent.family.path) == ["1", "2", "2/1"]
    assert list(parent.family.depth) == [0, 0, 1]
    assert list(parent.family.execution.unique()) == ["parent", parent.children["2"].name]
    assert sum(proxy.answered.values()) == asked  # all of it came at once
    later = load(server.names["parent"], endpoint_url=proxy.url)
    assert later.children["2"].result == '"reserved a"'
    assert load(server.names["order-1"], endpoint_url=proxy.url).children == {}


def test_the_list_to_choose_from(server: Server) -> None:
    frame = executions("orders", endpoint_url=server.url)
    assert set(frame.arn) == set(server.names.values()) - {server.names["child"]}
    assert frame.start.is_monotonic_decreasing
    assert frame.start.dt.tz is not None and (frame.duration_seconds > 0).all()
    assert set(frame.function_name) == {"orders"} and set(frame.version) == {"$LATEST"}
    assert list(executions("orders", status="failed", endpoint_url=server.url).name) == ["failed"]
    assert len(executions("orders", status=["FAILED", "SUCCEEDED"], limit=5, endpoint_url=server.url)) == 5
    assert executions("orders", limit=1, endpoint_url=server.url).name[0] == "order-11"
    assert executions("nothing", endpoint_url=server.url).empty
    for since in ("1h", timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1), "2020-01-01"):
        assert len(executions("orders", since=since, endpoint_url=server.url)) == len(frame)
    third = frame.start[2].to_pydatetime()
    assert len(executions("orders", since=third, endpoint_url=server.url)) == 3
    for wrong in ("yesterday", "2x", ""):
        with pytest.raises(HistoryError, match="is no time"):
            executions("orders", since=wrong, endpoint_url=server.url)
    with pytest.raises(HistoryError, match="no number of executions"):
        executions("orders", limit=0, endpoint_url=server.url)


def test_an_audit_fetches_what_was_listed(server: Server) -> None:
    frame = executions("orders", endpoint_url=server.url, rate=1000)
    chosen = frame[frame.name.str.startswith("order-")].head(4)
    handler = f"{Path(__file__).with_name('handlers.py')}:orders"
    report = audit(handler, chosen, n_jobs=1, progress=False)
    assert report.ok and [row.arn for row in report.rows] == list(chosen.arn), report.report()
    assert [row.name for row in report.rows] == list(chosen.name)


def test_fetched_as_they_come(server: Server, proxy: Proxy) -> None:
    found = list(fetch("orders", endpoint_url=proxy.url, **QUICK))
    assert [history.arn for history in found] == list(executions("orders", endpoint_url=server.url).arn)
    assert all(same(history, server) for history in found)
    assert set(proxy.histories().values()) == {1}
    assert 1 < proxy.most_at_once <= 8


def test_one_that_has_enough_leaves_nothing_behind(server: Server, proxy: Proxy) -> None:
    stream = fetch("orders", endpoint_url=proxy.url, rate=20, progress=False)
    first = next(stream)
    stream.close()
    assert comes(lambda: not [one for one in threading.enumerate() if "fetch" in one.name])
    asked = sum(proxy.answered.values())
    time.sleep(0.2)
    assert sum(proxy.answered.values()) == asked
    assert first.refresh() == first  # its source is not stopped


def test_never_faster_than_the_rate(server: Server, proxy: Proxy) -> None:
    begun = time.monotonic()
    assert len(list(fetch("orders", limit=8, endpoint_url=proxy.url, rate=10, progress=False))) == 8
    assert time.monotonic() - begun > 0.7


def test_kept_in_a_folder_and_never_fetched_twice(server: Server, proxy: Proxy, tmp_path: Path) -> None:
    folder = tmp_path / "histories"
    kept = fetch("orders", to=folder, endpoint_url=proxy.url, **QUICK)
    assert isinstance(kept, Histories) and len(kept) == 15
    assert list(kept.frame.arn) == list(executions("orders", endpoint_url=server.url).arn)
    assert all(same(history, server) for history in kept)
    assert set(proxy.histories().values()) == {1}
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    proxy.answered.clear()
    again = fetch("orders", to=folder, endpoint_url=proxy.url, **QUICK)
    assert proxy.histories() == {}
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert again.frame.equals(kept.frame)
    assert load(folder)["failed"].error == kept["failed"].error
    only = fetch("orders", status="FAILED", to=folder, endpoint_url=proxy.url, **QUICK)
    assert list(only.frame.name) == ["failed"]


def test_children_are_kept_too(server: Server, proxy: Proxy, tmp_path: Path) -> None:
    kept = keep(server.names["parent"], tmp_path, children=True, endpoint_url=proxy.url)
    assert len(kept) == 1
    assert len(load(tmp_path)) == 2
    assert kept[0].children["2"].arn == server.children[kept[0].arn]
    alone = keep(server.names["parent"], tmp_path / "alone", endpoint_url=proxy.url)
    with pytest.raises(HistoryError, match="holds no execution"):
        alone[0].children["2"]
    proxy.answered.clear()
    keep(server.names["parent"], tmp_path / "alone", children=True, endpoint_url=proxy.url)
    assert list(proxy.histories()) == [server.children[kept[0].arn]]


def test_an_interrupted_fetch_goes_on_where_it_stopped(server: Server, proxy: Proxy, tmp_path: Path) -> None:
    def interrupted() -> Any:
        while len(list(tmp_path.glob("*.json"))) < 4:
            time.sleep(0.005)
        proxy.always = (403, {"x-amzn-errortype": "ExpiredTokenException"}, b'{"message":"expired"}')

    thread = threading.Thread(target=interrupted)
    thread.start()
    with pytest.raises(CredentialsError, match="expired"):
        fetch("orders", to=tmp_path, endpoint_url=proxy.url, rate=40, progress=False)
    thread.join()
    there = set(load(tmp_path).frame.arn)
    assert 4 <= len(there) < 15
    (tmp_path / "index.ndjson").open("ab").write(b'{"file": "torn')  # as by a process that was killed
    proxy.always = None
    proxy.answered.clear()
    kept = fetch("orders", to=tmp_path, endpoint_url=proxy.url, **QUICK)
    assert len(kept) == 15
    assert there.isdisjoint(proxy.histories())
    assert all(same(history, server) for history in load(tmp_path))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_lost_nothing_doubled(server: Server, proxy: Proxy, fault: str) -> None:
    proxy.faults = [fault] * 3
    found = list(fetch("orders", client=plain_client(proxy.url), **QUICK))
    assert [history.arn for history in found] == list(executions("orders", endpoint_url=server.url).arn)
    assert all(same(history, server) for history in found)
    assert proxy.seen[fault] > 90  # each request met it three times


@pytest.mark.usefixtures("hasty")
def test_all_faults_at_once_with_our_own_client(server: Server, proxy: Proxy, tmp_path: Path) -> None:
    proxy.faults = FAULTS
    kept = fetch("orders", to=tmp_path, limit=4, endpoint_url=proxy.url, **QUICK)
    assert list(kept.frame.arn) == list(executions("orders", limit=4, endpoint_url=server.url).arn)
    assert all(same(history, server) for history in kept)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("429", ThrottledError, "too many requests"),
        ("500", ServiceUnavailableError, "500"),
        ("502", ServiceUnavailableError, "502"),
        ("drop", ServiceUnavailableError, "broke off"),
        ("cut", ServiceUnavailableError, "broken answer"),
        ("cut unnoticed", ServiceUnavailableError, "broken answer"),
        ("empty", ServiceUnavailableError, "empty or broken answer"),
    ],
)
def test_a_fault_for_ever_is_told(server: Server, proxy: Proxy, fault: str, error: type, words: str) -> None:
    proxy.for_ever = fault
    with pytest.raises(error, match=words) as raised:
        load(server.names["order-1"], client=plain_client(proxy.url), rate=1000)
    assert raised.value.cure
    assert raised.value.__cause__ is None and raised.value.__suppress_context__ | (
        raised.value.__context__ is None
    )
    assert proxy.seen[fault] == 8


@pytest.mark.parametrize(
    ("status", "code", "said", "error", "words"),
    [
        (
            403,
            "AccessDeniedException",
            "User: arn:aws:sts::1:x is not authorized to perform: lambda:GetDurableExecution on resource: y",
            AccessDeniedError,
            "lambda:GetDurableExecution .*User: arn:aws:sts",
        ),
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            CredentialsError,
            "expired.*sso login",
        ),
        (
            403,
            "InvalidSignatureException",
            "Signature expired: 2026 is now earlier than",
            CredentialsError,
            "expired",
        ),
        (
            403,
            "UnrecognizedClientException",
            "The security token is invalid",
            CredentialsError,
            "does not accept",
        ),
        (404, "ResourceNotFoundException", "", ExecutionNotFoundError, "no execution .*retention"),
        (
            400,
            "InvalidParameterValueException",
            "DurableExecutionArn: wrong",
            HistoryError,
            "refused: DurableExecutionArn: wrong",
        ),
        (403, "KMSAccessDeniedException", "no", AccessDeniedError, "kms:Decrypt"),
        (400, "KMSDisabledException", "it is disabled", HistoryError, "key .*disabled.* Enable"),
    ],
)
def test_refusals_as_lambda_words_them(
    server: Server, proxy: Proxy, status: int, code: str, said: str, error: type, words: str
) -> None:
    proxy.always = (status, {"x-amzn-errortype": code}, b'{"message":"%s"}' % said.encode())
    with pytest.raises(error, match=words) as raised:
        load(server.names["order-1"], endpoint_url=proxy.url)
    assert raised.value.cure
    assert proxy.seen[""] == 1  # not tried again


def test_unknown_and_unreachable(server: Server) -> None:
    with pytest.raises(ExecutionNotFoundError, match="no execution nothing/here"):
        load("nothing/here", endpoint_url=server.url)
    with pytest.raises(ServiceUnavailableError, match=r"Nothing answers at http://127.0.0.1:9"):
        load("nothing/here", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(HistoryError, match="endpoint"):
        load("nothing/here", endpoint_url="nonsense", region="eu-west-1")


def test_one_that_is_deleted_meanwhile_is_told_and_left_out(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = server.names["order-5"]
    real = connection.Connection.__call__

    def call(self: Any, arn: str, **options: Any) -> History:
        return real(self, "gone" if arn == gone else arn, **options)

    monkeypatch.setattr(connection.Connection, "__call__", call)
    with pytest.warns(UserWarning, match="deleted"):
        found = list(fetch("orders", endpoint_url=server.url, **QUICK))
    assert len(found) == 14


def test_a_running_one_and_the_rest_of_it(live: Any, tmp_path: Path) -> None:
    url, runner = live
    arn = runner.run_async('{"steps": 1, "callback": true}', function_name="orders", execution_name="waiting")
    callback = runner.wait_for_callback(arn, timeout=60)
    history = load(arn, endpoint_url=url)
    assert (history.status, history.result) == ("RUNNING", None)
    kept = fetch("orders", to=tmp_path, endpoint_url=url, **QUICK)
    assert list(kept.frame.status) == ["RUNNING"]
    runner.send_callback_success(callback, b'"yes"')
    runner.wait_for_result(arn, timeout=60)
    later = history.refresh()
    assert (history.status, later.status, later.result) == ("RUNNING", "SUCCEEDED", '{"ordered": 1}')
    assert list(later.raw[: len(history) - 1]) == list(history.raw[: len(history) - 1])
    kept = fetch("orders", to=tmp_path, endpoint_url=url, **QUICK)
    assert list(kept.frame.status) == ["SUCCEEDED"]
    assert len(list(tmp_path.glob("*.json"))) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kept[0] == later


def test_a_message_leads_to_its_execution(server: Server) -> None:
    arn = server.names["failed"]
    notice = {
        "detail-type": "Durable Execution Status Change",
        "detail": {"durableExecutionArn": arn, "status": "FAILED"},
    }
    for record in (notice, {"recordType": "WorkflowInsight", "executionArn": arn, "operations": []}):
        history = load(record, endpoint_url=server.url)
        assert same(history, server)
        history.require_replayable()


def test_redacted_on_the_way_in(server: Server, tmp_path: Path) -> None:
    fetch("orders", limit=2, to=tmp_path, redact="email", endpoint_url=server.url, **QUICK)
    assert b"@example.com" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert '"ordered"' in load(tmp_path)[0].result
    (streamed,) = fetch("orders", limit=1, redact=True, endpoint_url=server.url, **QUICK)
    assert "ann0" not in streamed.operation("1").result
    assert "ann0" not in streamed.refresh().operation("1").result


def test_values_that_are_in_the_folder_already_are_not_passed_over(server: Server, tmp_path: Path) -> None:
    fetch("orders", limit=2, to=tmp_path, endpoint_url=server.url, **QUICK)
    with pytest.raises(HistoryError, match="is there already, with its values.*another folder"):
        fetch("orders", limit=2, to=tmp_path, redact=True, endpoint_url=server.url, **QUICK)
    for _ in range(2):
        kept = fetch("orders", limit=2, to=tmp_path / "gone", redact=True, endpoint_url=server.url, **QUICK)
        assert all(history.redacted is not None for history in kept)
