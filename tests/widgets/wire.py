"""The wire between a widget in Python and its front end, cut open: what either side sends can be looked at and passed on."""

from __future__ import annotations

import json
import time
from typing import Any, Callable

import comm
from comm.base_comm import BaseComm
from tests.patience import PATIENCE, comes


class Wire(BaseComm):
    """A comm whose other end is the test."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        # As JSON, like the kernel does it: what can't be written fails here too.
        self.sent.append(
            {"type": msg_type, "size": len(json.dumps(data)), "data": json.loads(json.dumps(data))}
        )

    def say(self, content: dict[str, Any]) -> None:
        """What the front end sends as a custom message."""
        self.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})

    def custom(self) -> list[dict[str, Any]]:
        """Custom messages from Python, oldest first."""
        return [each["data"]["content"] for each in self.sent if each["data"].get("method") == "custom"]

    def updates(self) -> list[dict[str, Any]]:
        """Trait updates from Python, oldest first."""
        return [each["data"]["state"] for each in self.sent if each["data"].get("method") == "update"]

    def call(self, kind: str, timeout: float = PATIENCE, **keys: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        number = 1_000_000 + len(self.sent)
        self.say({"id": number, "kind": kind, **keys})
        return until(lambda: next((one for one in self.custom() if one["id"] == number), None), timeout)


def until(look: Callable[[], Any], timeout: float = PATIENCE) -> Any:
    """Wait for `look` to give something."""
    found = comes(look, timeout)
    assert found, "nothing came"
    return found


def open_wires(monkeypatch: Any) -> list[Wire]:
    """From now on every widget that is made gets a `Wire`; they are in the list that is returned."""
    wires: list[Wire] = []

    def create(*args: Any, **kwargs: Any) -> Wire:
        wires.append(Wire(*args, **kwargs))
        return wires[-1]

    monkeypatch.setattr(comm, "create_comm", create)
    return wires


class Bridge:
    """A panel in a page, joined to its Python side: `pump` carries messages both ways."""

    def __init__(self, shown: Any, panel: Any, wire: Wire) -> None:
        self.shown, self.page, self.panel, self.wire = shown, shown.page, panel, wire
        self.read, self.heard = len(wire.sent), 0
        self.open: dict[int, str] = {}  # requests without an answer
        self.moves = 0  # verbs whose outcome has not come

    def pump(self) -> bool:
        """Carry what there is; whether there was anything."""
        said = self.page.evaluate("from => window.model.sent.slice(from)", self.heard)
        self.heard += len(said)
        for content in said:
            if "id" in content:
                self.open[content["id"]] = content["kind"]
            self.moves += content["kind"] in {"verb", "goto"}
            self.wire.say(content)
        told = self.wire.sent[self.read :]
        self.read += len(told)
        for message in told:
            data = message["data"]
            if data.get("method") == "update":
                self.moves = max(0, self.moves - 1)
                self.shown.set(**data["state"])
            elif data.get("method") == "custom":
                answer = data["content"]
                if self.open.pop(answer["id"], None) in {"verb", "goto"} and not answer["ok"]:
                    self.moves = max(0, self.moves - 1)
                self.shown.message(answer)
        return bool(said or told)

    def until(self, look: Callable[[], Any], timeout: float = PATIENCE) -> Any:
        """Carry messages until `look` gives something."""

        def carried() -> Any:
            self.pump()
            return look()

        return until(carried, timeout)

    def settle(self, quiet: float = 0.05, timeout: float = PATIENCE) -> None:
        """Carry messages until all that was asked is answered, all verbs are done, and nothing more comes."""
        begin = last = time.monotonic()
        while self.open or self.moves or time.monotonic() - last < quiet:
            assert time.monotonic() - begin < timeout, f"unanswered: {self.open}, moves: {self.moves}"
            if self.pump():
                last = time.monotonic()
            time.sleep(0.005)

    def headline(self, *parts: str) -> str:
        """Wait until the status line says all of this."""
        line = self.page.locator(".dd-headline")
        return self.until(
            lambda: (text := line.inner_text()) and all(part in text for part in parts) and text
        )
