"""Open callbacks of a suspended execution, answered through the SDK's own server."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from durable_debug.cli import main
from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources import heartbeat, load, send_failure, send_success

ACCOUNT = "123456789012"


@pytest.fixture
def suspended(live: Any) -> Callable[[], tuple[History, Any]]:
    url, runner = live

    def start() -> tuple[History, Any]:
        arn = runner.run_async('{"steps": 1, "callback": true}', execution_name="waiting")
        runner.wait_for_callback(arn, timeout=60)
        return load(arn, endpoint_url=url), lambda: runner.wait_for_result(arn, timeout=60)

    return start


def test_success(suspended: Any) -> None:
    history, ended = suspended()
    (row,) = history.callbacks.to_dict("records")
    assert (row["name"], row["position"]) == ("acceptance", "2") and row["callback_id"]
    heartbeat(history, "2", confirm=ACCOUNT)
    assert history.refresh().status == "RUNNING"
    send_success(history, "acceptance", {"ok": True}, confirm=ACCOUNT)
    ended()
    after = history.refresh()
    assert (after.status, after.operation("2").result) == ("SUCCEEDED", '{"ok": true}')
    assert after.callbacks.empty
    with pytest.raises(HistoryError, match="no open callback"):
        send_success(after, "acceptance", confirm=ACCOUNT)
    with pytest.raises(HistoryError):
        send_success(history, "acceptance", confirm=ACCOUNT)  # of the old history: the server refuses it


def test_failure(suspended: Any) -> None:
    history, ended = suspended()
    send_failure(history, history.callbacks.callback_id[0], "out of stock", confirm=ACCOUNT)
    ended()
    assert history.refresh().error["ErrorMessage"] == "out of stock"


def test_nothing_is_sent_unless_the_account_is_named(suspended: Any) -> None:
    history, _ = suspended()
    for confirm in ("", "210987654321", "yes"):
        with pytest.raises(
            HistoryError, match=f"in account {ACCOUNT}.*is not that account.*give confirm='{ACCOUNT}'"
        ):
            send_success(history, "acceptance", confirm=confirm)
    with pytest.raises(HistoryError, match=r"no open callback 'other'. Open are: acceptance"):
        send_success(history, "other", confirm=ACCOUNT)
    with pytest.raises(HistoryError, match="as JSON"):
        send_success(history, "acceptance", object(), confirm=ACCOUNT)
    assert history.refresh() == history


def test_in_the_terminal(suspended: Any, live: Any, capsys: pytest.CaptureFixture[str]) -> None:
    history, ended = suspended()
    where = ["--endpoint-url", live[0]]
    assert main(["callback", history.arn, *where]) == 0
    assert capsys.readouterr().out.startswith("2  acceptance  since ")
    assert main(["callback", history.arn, "acceptance", "--success", "yes", *where]) == 2
    assert f"--confirm {ACCOUNT}" in capsys.readouterr().err
    assert main(["callback", history.arn, "--heartbeat", *where]) == 2
    assert (
        main(["callback", history.arn, "acceptance", "--success", "yes", "--confirm", ACCOUNT, *where]) == 0
    )
    ended()
    assert history.refresh().operation("2").result == "yes"
