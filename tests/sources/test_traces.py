"""X-Ray's segments: a server of our own answers with documents as X-Ray has them (moto keeps none)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Callable

import pytest

import durable_debug as dd
from durable_debug.cli import main
from durable_debug.errors import HistoryError
from durable_debug.sources.problems import AccessDeniedError
from tests.sources.lambda_logs import TRACE, logs_of, moved
from tests.sources.test_logs import Answering, quick, server

HEADER = {"XAmznTraceId": f"Root={TRACE};Parent=0123456789abcdef;Sampled=1"}


def documents(history: dd.History) -> list[dict[str, Any]]:
    """Two segments of Lambda for each invocation, with what it called inside."""
    found = []
    for row in history.invocations.itertuples():
        start, end = row.start.timestamp(), row.end.timestamp()
        service, function, call = (f"{row.invocation:015x}{kind}" for kind in "abc")
        common = {"trace_id": TRACE, "name": "payment", "start_time": start, "end_time": end}
        found.append(
            {
                **common,
                "id": function,
                "parent_id": service,
                "origin": "AWS::Lambda::Function",
                "fault": True,
                "cause": {
                    "exceptions": [
                        {"id": "1", "type": "GatewayTimeout", "message": "no answer for ann@example.com"}
                    ]
                },
                "subsegments": [
                    {
                        "id": call,
                        "name": "DynamoDB",
                        "namespace": "aws",
                        "start_time": start + 0.002,
                        "end_time": start + 0.012,
                        "aws": {
                            "operation": "PutItem",
                            "request_id": "OF-DYNAMODB",
                            "table_name": "customers",
                        },
                        "http": {"response": {"status": 400}},
                        "error": True,
                        "metadata": {"customer": "ann@example.com"},
                    },
                    "no segment",
                ],
            }
        )
        found.append(
            {
                **common,
                "id": service,
                "origin": "AWS::Lambda",
                "aws": {"request_id": row.request_id},
                "http": {"response": {"status": 200}},
            }
        )
    return found


def traced(header: dict[str, Any] | None = HEADER) -> dd.History:
    document = moved("payment_failed.json", "payment", now=datetime.now(UTC))
    return dd.load({**document, **({"Execution": {"TraceHeader": header}} if header else {})})


def answering(found: list[Any]) -> Callable[[str, dict[str, Any]], tuple[int, Any]]:
    """Pages of three documents a trace."""

    def answer(operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        if operation != "/Traces":
            return 404, {}
        start = int(body.get("NextToken", 0))
        segments = [{"Id": "1", "Document": json.dumps(each)} for each in found[start : start + 3]]
        more = {"NextToken": str(start + 3)} if start + 3 < len(found) else {}
        return 200, {"Traces": [{"Id": TRACE, "Segments": segments}], "UnprocessedTraceIds": [], **more}

    return answer


@pytest.fixture
def history(server: Callable[..., Answering]) -> dd.History:
    plain = traced()
    return dd.load(plain, trace=True, endpoint_url=server(answering(documents(plain))).url)


def test_segments_stand_below_each_other_with_their_invocation(history: dd.History) -> None:
    frame = history.segments
    assert not history.warnings
    assert list(frame.depth) == [0, 1, 2] * 4
    assert list(frame.invocation) == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    assert list(frame.origin[:3]) == ["AWS::Lambda", "AWS::Lambda::Function", "aws"]
    assert set(frame.trace_id) == {TRACE}
    call = frame[frame.name == "DynamoDB"].iloc[0]
    assert (call.operation, call.wrong, call.http_status) == ("PutItem", "error", 400)
    assert abs(call.duration_seconds - 0.01) < 1e-4
    assert frame.error_type[1] == "GatewayTimeout" and frame.wrong[1] == "fault"
    kinds = {"start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]", "duration_seconds": "float64"}
    kinds |= {"http_status": "Int64", "invocation": "Int64", "depth": "int64"}
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        name: kinds.get(name, "str") for name in frame.columns
    }


def test_the_file_keeps_them(history: dd.History, tmp_path: Path) -> None:
    again = dd.load(history.save(tmp_path / "order.json"))
    assert again.trace_segments == history.trace_segments
    assert dd.load(again, trace=True) is again


def test_of_a_redacted_history_structure_stays(history: dd.History, tmp_path: Path) -> None:
    redacted = dd.redacted(history)
    assert "ann@" not in redacted.save(tmp_path / "order.json").read_text()
    same = [
        "name",
        "origin",
        "operation",
        "start",
        "end",
        "wrong",
        "http_status",
        "invocation",
        "depth",
        "error_type",
    ]
    assert redacted.segments[same].equals(history.segments[same])


def test_traces_that_only_the_log_names(server: Callable[..., Answering]) -> None:
    plain = traced(header=None)
    there = server(answering(documents(plain)))
    (said,) = dd.load(plain, trace=True, endpoint_url=there.url).warnings
    assert "names a trace" in said and not there.asked
    document = {"DurableExecutionArn": plain.arn, "Events": list(plain.raw), "Logs": logs_of(plain)}
    assert len(dd.load(dd.load(document), trace=True, endpoint_url=there.url).segments) == 12


@pytest.mark.parametrize(("sampled", "said"), [("0", "not sampled"), ("1", "30 days")])
def test_why_there_are_none_is_said(server: Callable[..., Answering], sampled: str, said: str) -> None:
    there = server(lambda *_: (200, {"Traces": [], "UnprocessedTraceIds": [TRACE]}))
    header = {"XAmznTraceId": f"Root={TRACE};Sampled={sampled}"}
    found = dd.load(traced(header), trace=True, endpoint_url=there.url)
    assert len(found.segments) == 0 and said in found.warnings[-1]


def test_a_permission_that_lacks_is_named(server: Callable[..., Answering]) -> None:
    there = server(lambda *_: (403, {"__type": "AccessDeniedException", "message": "no"}))
    with pytest.raises(AccessDeniedError, match="xray:BatchGetTraces"):
        dd.load(traced(), trace=True, endpoint_url=there.url)
    with pytest.raises(HistoryError, match="without its trace"):
        traced().segments


def test_documents_of_any_shape(server: Callable[..., Answering], tmp_path: Path) -> None:
    deep: dict[str, Any] = {"id": "deep", "name": "deep"}
    for _ in range(200):
        deep = {"id": "deep", "name": "deep", "subsegments": [deep]}
    odd = [
        {"id": "a", "parent_id": "b", "name": "circle"},
        {"id": "b", "parent_id": "a", "name": "circle"},
        {"id": 5, "name": ["x"], "start_time": "soon", "end_time": True, "aws": [], "cause": "x", "http": 7},
        {"start_time": 1e300, "subsegments": {"a": 1}, "fault": "yes"},
        deep,
    ]
    plain = traced()
    found = dd.load(plain, trace=True, endpoint_url=server(answering(odd)).url)
    assert len(found.segments) < 60
    assert len(dd.redacted(found).segments) == len(found.segments)
    for nonsense in (5, [], {"Segments": 5}, {"Segments": [5, None], "Remarks": 5}):
        dd.load({"Events": list(plain.raw), "Trace": nonsense})


def test_show_draws_them(history: dd.History, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(history.save(tmp_path / "order.json"))
    assert main(["show", path, "--trace"]) == 0
    shown = capsys.readouterr().out.partition("trace of invocation 1")[2]
    assert "payment (AWS::Lambda::Function)  fault GatewayTimeout" in shown
    assert "    DynamoDB PutItem  error 400" in shown
    assert main(["show", path, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["segments"]) == 12
