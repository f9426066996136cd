"""What a side effect could reach: servers of our own on loopback, files, a database, a process. All of it can be read back."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.patience import comes


class _Http(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.request)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.got.append((self.command, self.path, self.headers.get("X-Amz-Target"), body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST

    def log_message(self, *args: object) -> None: ...


class _Sink(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.connections.append(self.request)
        with contextlib.suppress(OSError):
            while data := self.request.recv(4096):
                self.server.got.append(data)


class World:
    """Everything that a test's side effects may reach."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = contextlib.ExitStack()
        self.http = self._serve(http.server.ThreadingHTTPServer, _Http)
        self.sink = self._serve(socketserver.ThreadingTCPServer, _Sink)
        self.datagrams = self.kept(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.datagrams.bind(("127.0.0.1", 0))
        self.datagrams.setblocking(False)
        self.there = folder / "there"
        self.there.write_text("as it was")
        self.database = folder / "orders.db"
        with contextlib.closing(sqlite3.connect(self.database)) as made:
            made.execute("create table orders (id integer)")
            made.commit()

    def _serve(self, kind: type, handler: type) -> Any:
        kind.daemon_threads, kind.block_on_close = True, False
        server = kind(("127.0.0.1", 0), handler)
        server.got, server.connections = [], []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        self._stack.callback(self._hang_up, server)
        return server

    @staticmethod
    def _hang_up(server: Any) -> None:
        for connection in server.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def kept(self, what: Any) -> Any:
        """Close something when the test is over."""

        def close() -> None:
            with contextlib.suppress(Exception):
                what.close()

        self._stack.callback(close)
        return what

    def ends(self, function: Any, *args: Any) -> None:
        self._stack.callback(function, *args)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    @property
    def address(self) -> tuple[str, int]:
        return self.sink.server_address

    def client(self, service: str = "dynamodb") -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-west-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def connection(self) -> socket.socket:
        one = self.kept(socket.create_connection(self.address))
        one.sendall(b"hello")
        self.settled(lambda: self.sink.got)
        return one

    def listener(self) -> subprocess.Popen:
        """A process that writes what it is told into a file."""
        told = self.folder / "told"
        code = f"import sys\nfor line in sys.stdin: open({str(told)!r}, 'a').write(line)"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, text=True, bufsize=1)

        def end() -> None:
            process.kill()
            process.wait()
            with contextlib.suppress(OSError):
                process.stdin.close()

        self.ends(end)
        return process

    @staticmethod
    def settled(ready: Any) -> None:
        comes(ready)

    def seen(self) -> dict[str, Any]:
        """All that has arrived anywhere."""
        arrived = []
        with contextlib.suppress(BlockingIOError):
            while True:
                arrived.append(self.datagrams.recv(4096))
        files = {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else "no file"
            for path in sorted(self.folder.rglob("*"))
            if "__pycache__" not in path.parts and path != self.database and "orders.db-" not in path.name
        }
        with contextlib.closing(sqlite3.connect(self.database)) as looked:
            rows = looked.execute("select * from orders").fetchall()
        return {
            "requests": list(self.http.got),
            "bytes": b"".join(self.sink.got),
            "datagrams": arrived,
            "files": files,
            "rows": rows,
        }

    def close(self) -> None:
        self._stack.close()
