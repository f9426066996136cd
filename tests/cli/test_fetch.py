"""ls, fetch and redact, against the SDK's own server."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.web.server import WebServer, WebServiceConfig

from durable_debug.sources import load
from tests.sources import handlers


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    root = logging.getLogger()
    kept = root.level, root.handlers[:]
    with DurableFunctionTestRunner(handlers.orders, poll_interval=0.01) as runner:
        runner.register_durable_function("stock", handlers.stock)
        with WebServer(WebServiceConfig("127.0.0.1", 0, logging.CRITICAL), runner._executor) as web:
            root.setLevel(kept[0])
            root.handlers[:] = kept[1]
            for name, given in (("good", {"steps": 2, "invoke": True}), ("bad", {"steps": 1, "fail": True})):
                runner.run(json.dumps(given), function_name="orders", execution_name=name)
            thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            yield f"http://127.0.0.1:{web.server_address[1]}"
            web.shutdown()
            thread.join()


def test_ls(call: Callable[..., Any], url: str) -> None:
    answer = call("ls", "orders", "--endpoint-url", url)
    assert answer.code == 0
    header, bad, good = answer.out.splitlines()
    assert header.split() == ["NAME", "STATUS", "STARTED", "(UTC)", "TOOK", "ARN"]
    assert bad.startswith("✗  bad   failed") and good.startswith("✓  good  succeeded")
    only = call("ls", "orders", "--status", "failed", "--since", "1h", "--json", "--endpoint-url", url)
    (row,) = map(json.loads, only.out.splitlines())
    assert (row["name"], row["status"], row["function_name"]) == ("bad", "FAILED", "orders")
    assert call("ls", "orders", "--endpoint-url", "http://127.0.0.1:9").code == 2


def test_fetch_show_and_ls_of_the_folder(call: Callable[..., Any], url: str, tmp_path: Path) -> None:
    folder = tmp_path / "histories"
    answer = call("fetch", "orders", "-o", folder, "--children", "--rate", "100", "--endpoint-url", url)
    assert (answer.code, answer.out) == (0, f"2 executions in {folder}\n")
    assert len(load(folder)) == 3
    listed = call("ls", folder)
    assert [line.split()[1] for line in listed.out.splitlines()[1:]].count("good") == 1
    assert call("ls", folder, "--status", "FAILED").out.count("\n") == 2
    shown = call("show", f"{folder}#good")
    assert shown.code == 0 and "step-1" in shown.out
    many = call("show", folder)
    assert many.code == 2 and "holds 3 executions" in many.err and "#NAME" in many.err


def test_fetch_one_by_its_arn(call: Callable[..., Any], url: str, tmp_path: Path) -> None:
    arn = json.loads(call("ls", "orders", "--limit", "1", "--json", "--endpoint-url", url).out)["arn"]
    answer = call("fetch", arn, "-o", tmp_path, "--redact", "--endpoint-url", url)
    assert (answer.code, answer.out) == (0, f"1 execution in {tmp_path}\n")
    (history,) = load(tmp_path)
    assert history.name == "bad" and history.error["ErrorMessage"] != "no such card"
    missing = call("fetch", "no/such", "-o", tmp_path, "--endpoint-url", url)
    assert missing.code == 2 and "no execution no/such" in missing.err


def test_redact(call: Callable[..., Any], url: str, tmp_path: Path, samples: Path) -> None:
    one = tmp_path / "shared.json"
    assert call("redact", samples / "espresso_completed.json", "-o", one).code == 0
    assert load(one).result != load(samples / "espresso_completed.json").result
    call("fetch", "orders", "-o", tmp_path / "all", "--endpoint-url", url)
    answer = call("redact", tmp_path / "all", "-o", tmp_path / "some", "--key", "*mail*")
    assert answer.code == 0
    before, after = load(tmp_path / "all")["good"], load(tmp_path / "some")["good"]
    assert "ann0@example.com" in before.operation("1").result
    assert "ann0@example.com" not in after.operation("1").result
    assert json.loads(after.result) == {"ordered": 2}
    wrong = call("redact", tmp_path / "all", "-o", tmp_path / "none", "--path", "card")
    assert wrong.code == 2 and "begins with $" in wrong.err


def test_redact_says_what_it_did(call: Callable[..., Any], tmp_path: Path, samples: Path) -> None:
    source = samples / "espresso_completed.json"
    answer = call("redact", source, "-o", tmp_path / "one.json", "--key", "*a*", "--path", "$..drink")
    assert answer.code in {0, 2}
    answer = call("redact", source, "-o", tmp_path / "one.json")
    path, count = answer.out.splitlines()
    assert (
        path == str(tmp_path / "one.json")
        and count.startswith("  every value: ")
        and count.endswith(" values replaced")
    )
    shown = call("show", tmp_path / "one.json").out
    assert "redacted" in shown and "by every value" in shown
    assert json.loads(call("show", tmp_path / "one.json", "--json").out)["redacted"]
    assert "redacted" not in call("show", source).out


def test_redact_says_what_it_kept(call: Callable[..., Any], tmp_path: Path, samples: Path) -> None:
    source, one = samples / "payment_failed.json", tmp_path / "one.json"
    answer = call("redact", source, "-o", one, "--keep", "numbers, enums", "--keep", "$.order['a,b']")
    assert answer.code == 0
    assert [line.partition(":")[0].strip() for line in answer.out.splitlines()[1:]] == [
        "every value",
        "numbers",
        "enums",
        "$.order['a,b']",
    ]
    assert all(line.endswith((" kept", " replaced")) for line in answer.out.splitlines()[1:])
    assert "kept: " in call("show", one).out
    assert json.loads(call("show", one, "--json").out)["kept"]["numbers"] > 0
    wrong = call("redact", source, "-o", one, "--keep", "$.order[")
    assert wrong.code == 2 and "cannot be read" in wrong.err


def test_one_secret_makes_equal_values_equal_in_each_call(
    call: Callable[..., Any], tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, secret = samples / "payment_failed.json", tmp_path / "redaction.secret"
    secret.write_text("drawn by chance, of course")

    def inputs(*more: Any) -> set[str]:
        found = set()
        for name in ("one.json", "two.json"):
            assert call("redact", source, "-o", tmp_path / name, *more).code == 0
            found.add(load(tmp_path / name).input)
        return found

    assert len(inputs()) == 2
    given = inputs("--secret", secret)
    assert len(given) == 1
    monkeypatch.setenv("DURABLE_DEBUG_SECRET", str(secret))
    assert inputs() == given
    gone = call("redact", source, "-o", tmp_path / "one.json", "--secret", tmp_path / "none")
    assert gone.code == 2 and "can't be read" in gone.err and "/dev/urandom" in gone.err


def test_what_is_fetched_is_kept_as_asked(call: Callable[..., Any], url: str, tmp_path: Path) -> None:
    more = ("--endpoint-url", url)
    assert call("fetch", "orders", "-o", tmp_path / "all", "--redact", "--keep", "numbers", *more).code == 0
    assert any(history.kept["numbers"] for history in load(tmp_path / "all"))
    answer = call("fetch", "orders", "-o", tmp_path / "x", "--keep", "numbers", *more)
    assert answer.code == 2 and "Give --redact, too" in answer.err


def test_redact_writes_nothing_where_nothing_is_replaced(
    call: Callable[..., Any], tmp_path: Path, samples: Path
) -> None:
    for rules in (["--key", "no-such-key"], ["--key", "*", "--key", "no-such-key"], ["--path", "$.no.such"]):
        answer = call("redact", samples / "poll_job.json", "-o", tmp_path / "one.json", *rules)
        assert answer.code == 2 and "Nothing was replaced by" in answer.err and "no" in answer.err
        assert list(tmp_path.iterdir()) == []


def test_redact_never_writes_over_the_originals(
    call: Callable[..., Any], tmp_path: Path, samples: Path
) -> None:
    folder = tmp_path / "originals"
    path = load(samples / "poll_job.json").save(f"{folder}/")
    (tmp_path / "link.json").symlink_to(path)
    before = {each: each.read_bytes() for each in folder.iterdir()}
    tries = [
        (path, path),
        (path, tmp_path / "link.json"),
        (path, folder),
        (folder, folder),
        (f"{folder}#{path.name}", folder),
    ]
    for source, output in [*tries, (folder, tmp_path / "x" / ".." / "originals")]:
        (tmp_path / "x").mkdir(exist_ok=True)
        answer = call("redact", source, "-o", output)
        assert answer.code == 2 and "where the originals are" in answer.err, (source, output)
    assert {each: each.read_bytes() for each in folder.iterdir()} == before


def test_ls_of_a_folder_chooses(call: Callable[..., Any], tmp_path: Path, samples: Path) -> None:
    for name in ("espresso_completed", "payment_failed"):
        load(samples / f"{name}.json").save(f"{tmp_path}/kept/")
    folder = tmp_path / "kept"
    assert call("ls", folder, "--since", "1999-01-01").out.count("\n") == 3
    assert call("ls", folder, "--since", "2199-01-01").out.count("\n") == 1
    assert call("ls", folder, "--status", "failed", "--since", "1999-01-01").out.count("\n") == 2
    assert call("ls", folder, "--limit", "1").out.count("\n") == 2
    for wrong in (("--status", "FALED"), ("--since", "yesterdy"), ("--limit", "0"), ("--status", "banana")):
        answer = call("ls", folder, *wrong)
        assert answer.code == 2 and "no " in answer.err


def test_show_why_and_the_next_command_keep_where_an_arn_is_looked_up(
    call: Callable[..., Any], url: str
) -> None:
    arn = json.loads(call("ls", "orders", "--status", "FAILED", "--json", "--endpoint-url", url).out)["arn"]
    assert call("show", arn, "--endpoint-url", url).out.startswith("bad ✗ failed")
    told = call("why", arn, "--endpoint-url", url)
    assert told.code == 0 and "no such card" in told.out
    assert f"durable-debug why {arn} --endpoint-url {url} HANDLER" in told.out
    wide = call("ls", "orders", "--endpoint-url", url).out.splitlines()
    assert wide[0].endswith("ARN") and wide[1].endswith(arn)


def test_ls_tells_of_what_it_could_not_read(call: Callable[..., Any], tmp_path: Path, samples: Path) -> None:
    (tmp_path / "good.json").write_bytes((samples / "nested.json").read_bytes())
    (tmp_path / "broken.json").write_text("{")
    told = call("ls", tmp_path)
    assert told.code == 0 and told.out.splitlines()[1].endswith("good.json") and "broken.json" in told.err
