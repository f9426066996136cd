"""The code of the version that ran, by its function's ARN: from a server that answers as Lambda's API does."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import durable_debug as dd
import pytest
from durable_debug.cli import main
from durable_debug.sources.connection import connect

SAMPLES = Path(__file__).parents[2] / "sample_histories"
HISTORY = SAMPLES / "payment_failed.json"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:payment"
LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:labels:3"
SECRET = "not-to-be-printed-4711"


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return packed.getvalue()


SOURCE = (SAMPLES / "apps" / "payment.py").read_text()
CODE = SOURCE.replace('name="charge-card"', "name=labels.CHARGE_CARD").replace(
    "\nimport ", f"\nimport os, labels\nassert os.environ['TOKEN'] == {SECRET!r}\nimport ", 1
)


class Account(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.facts = {
            "Runtime": "python3.13",
            "Handler": "shop.app.handler",
            "PackageType": "Zip",
            "CodeSha256": "",
            "Environment": {"Variables": {"TOKEN": SECRET}},
            "Layers": [{"Arn": LAYER, "CodeSize": 1}],
        }
        self.files = {
            "/code": zipped(shop__app=CODE),
            "/layer": zipped(python__labels="CHARGE_CARD = 'charge-card'\n"),
        }
        self.denied = ""
        self.asked: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    server: Account

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(unquote(self.path))
        if path in self.server.files:
            return self.send(200, self.server.files[path], "application/zip")
        if self.server.denied and self.server.denied in path:
            message = {"Message": "User is not authorized to perform it"}
            return self.send(403, json.dumps(message).encode(), error="AccessDeniedException")
        if "/layers" in path:
            return self.send(200, json.dumps({"Content": {"Location": f"{self.server.url}/layer"}}).encode())
        if "/functions/" in path and "payment" in path:
            code = {"Location": f"{self.server.url}/code?X-Amz-Signature={SECRET}"}
            return self.send(200, json.dumps({"Configuration": self.server.facts, "Code": code}).encode())
        return self.send(404, b'{"Message": "Function not found"}', error="ResourceNotFoundException")

    def send(self, status: int, body: bytes, kind: str = "application/json", error: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def nothing_stays_imported():
    """Helper modules of these handlers have names that other tests give theirs, too."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(tempfile.gettempdir()):
            del sys.modules[name]


@pytest.fixture
def account(monkeypatch):
    server = Account()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_function_versions_arn_is_a_handler(account, capsys) -> None:
    told = dd.why(str(HISTORY), f"{FUNCTION}:1")
    assert told.run.ok and told.place.source.startswith("raise PaymentFailed")
    assert any("payment:1" in path for path in account.asked)
    assert told.report().splitlines()[-1].startswith(f"next: durable-debug replay {FUNCTION}:1 ")
    assert dd.audit(f"{FUNCTION}:1", str(HISTORY), progress=False).ok
    assert main(["why", str(HISTORY), f"{FUNCTION}:1"]) == 0
    assert main(["replay", f"{FUNCTION}:1", str(HISTORY), "--json"]) == 0
    shown = "".join(capsys.readouterr())
    assert "raise PaymentFailed" in shown and SECRET not in shown + told.report() + repr(told.run)
    by_hand = dd.replay(f"{FUNCTION}:1", HISTORY, env={"TOKEN": SECRET, "MORE": "1"})
    assert by_hand.ok


def test_it_is_asked_where_the_history_comes_from(account, monkeypatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA")
    known = dd.load(HISTORY)
    source = connect(endpoint_url=account.url)
    history = known.rewritten(known.raw, execution=known.execution, source=source)
    assert dd.replay(f"{FUNCTION}:1", history).ok


def test_a_history_from_a_file_may_say_where_to_ask(account, monkeypatch, capsys) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_LAMBDA")
    where = ["--endpoint-url", account.url]
    assert main(["why", str(HISTORY), f"{FUNCTION}:1", *where]) == 0
    assert main(["replay", f"{FUNCTION}:1", str(HISTORY), *where]) == 0
    assert "raise PaymentFailed" in capsys.readouterr().out
    assert dd.replay(f"{FUNCTION}:1", dd.load(HISTORY, endpoint_url=account.url)).ok


def test_code_that_is_known_by_its_digest_is_fetched_once(account) -> None:
    account.facts["CodeSha256"] = "of-this-test-only"
    for _ in range(2):
        assert dd.replay(f"{FUNCTION}:1", HISTORY).ok
    assert len([path for path in account.asked if path.startswith("/code")]) == 1


def test_a_permission_that_is_missing_is_named(account) -> None:
    account.denied = "/functions/"
    with pytest.raises(dd.HistoryError, match=r"lambda:GetFunction.* IAM policy"):
        dd.replay(f"{FUNCTION}:1", HISTORY)
    account.denied = "/layers"
    with pytest.raises(dd.HistoryError, match=r"lambda:GetLayerVersion for "):
        dd.replay(f"{FUNCTION}:1", HISTORY)


def test_what_cant_be_had_is_told(account) -> None:
    def refused(arn: str) -> str:
        with pytest.raises(dd.DurableDebugError) as error:
            dd.replay(arn, HISTORY)
        assert SECRET not in str(error.value)
        return str(error.value)

    assert "no function" in refused("arn:aws:lambda:eu-west-1:123456789012:function:nobody:1")
    assert "is an execution" in refused(dd.load(HISTORY).arn)
    assert "no ARN of a function" in refused("arn:aws:s3:::bucket")
    assert "no ARN of a function" in refused(f"{FUNCTION}:1:2")
    account.files["/code"] = b"no archive"
    assert "can't be unpacked" in refused(f"{FUNCTION}:1")
    account.files["/code"] = zipped(other="")
    assert "shop.app.handler" in refused(f"{FUNCTION}:1")
    del account.files["/code"]
    assert "could not be downloaded (HTTP 404)" in refused(f"{FUNCTION}:1")
    account.facts["Runtime"] = "nodejs22.x"
    assert "nodejs22.x" in refused(f"{FUNCTION}:1")
    account.facts.update(PackageType="Image", Runtime=None)
    assert "container image" in refused(f"{FUNCTION}:1")


def test_without_a_handler_the_next_command_offers_the_code_that_ran() -> None:
    history = dd.load(HISTORY)
    told = dd.why(history)
    import dataclasses

    of_an_arn = dataclasses.replace(told, source_of_history=history.arn)
    assert f"durable-debug why {history.arn} {FUNCTION}:1 " in of_an_arn.next_command


def test_nothing_of_it_is_left(account, tmp_path) -> None:
    code = f"import durable_debug as dd; assert dd.replay({FUNCTION + ':1'!r}, {str(HISTORY)!r}).ok"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert list(tmp_path.glob("durable-debug-*")) == []
