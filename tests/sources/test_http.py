"""Histories behind http and https, without a package for them."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Iterator

import pytest

from durable_debug.errors import HistoryError
from durable_debug.sources import Histories, load, reading
from tests.sources.test_archives import packed


class Web(ThreadingHTTPServer):
    """Serves what stands in `pages`: a status, and a body or what it is to do."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, tuple[int, Any]] = {}
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        status, body = self.server.pages.get(self.path.partition("?")[0], (404, b"no"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
            body = b""
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body is not None:
            self.wfile.write(body)
        while body is None and not self.server.over.wait(0.05):  # a byte now and then
            self.wfile.write(b" ")
            self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def web(samples: Path) -> Iterator[Web]:
    with Web() as server:
        history = (samples / "payment_failed.json").read_bytes()
        server.pages = {
            "/payment.json": (200, history),
            "/moved.json": (302, "/payment.json"),
            "/to-a-file": (302, "file:///etc/hostname"),
            "/all.tgz": (200, packed(samples, "w:gz")),
            "/secret.json": (403, b"<Error>AccessDenied</Error>"),
            "/broken.json": (500, b"oh"),
            "/login": (200, b"<!DOCTYPE html><title>Sign in</title>"),
            "/slow.json": (200, None),
        }
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_files_and_archives(web: Web, samples: Path) -> None:
    there = load(samples / "payment_failed.json")
    assert load(f"{web.url}/payment.json") == load(f"{web.url}/moved.json?a=b") == there
    found = load(f"{web.url}/all.tgz")
    assert isinstance(found, Histories) and len(found) == 2
    assert load(f"{web.url}/all.tgz#payment_failed.json") == there


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/none.json", "There is nothing at"),
        ("/secret.json?X-Amz-Signature=abc", "may not be read: 403"),
        ("/broken.json", "cannot be read: 500"),
        ("/login?token=abc", "It is not JSON.*DOCTYPE"),
        ("/to-a-file", "cannot be read"),
    ],
)
def test_what_can_not_be_had(web: Web, path: str, told: str) -> None:
    with pytest.raises(HistoryError, match=told) as error:
        load(web.url + path)
    assert web.url in str(error.value) and "abc" not in str(error.value) and error.value.cure


def test_nobody_answers() -> None:
    with pytest.raises(HistoryError, match="cannot be read.*network"):
        load("http://127.0.0.1:9/order.json")
    with pytest.raises(HistoryError, match="cannot be read"):
        load("http://[::1/order.json")


def test_one_that_never_ends(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SECONDS", 0.5)
    with pytest.raises(HistoryError, match="did not come within"):
        load(f"{web.url}/slow.json")


def test_one_that_is_too_large(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1_000)
    with pytest.raises(HistoryError, match="more than 1,000 bytes"):
        load(f"{web.url}/payment.json")


def test_no_package_is_needed(web: Web) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('fsspec', 'aiohttp', 'requests')))\n"
        f"import durable_debug as dd; print(dd.load({web.url + '/payment.json'!r}).name)\n"
        "try: dd.load('s3://bucket/order.json')\n"
        "except dd.DurableDebugError as error: print(error.cure)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    name, cure = done.stdout.splitlines()
    assert name == "basket-77" and "durable_debug[files]" in cure
