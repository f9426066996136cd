"""What all commands take alike: what is piped in, where an ARN is looked up, and what may have been meant."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from durable_debug.cli import _Main

HANDLERS = ("why", "replay", "debug", "audit", "deploy-check")


def run(*arguments: object, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "durable_debug", *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env={**{key: value for key, value in os.environ.items() if not key.startswith("AWS_")}, **env},
    )


def test_a_history_is_piped_into_every_command(
    call, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (samples / "payment_failed.json").read_bytes()
    assert b"basket-77" in run("show", "-", stdin=content).stdout
    handler = f"{samples}/apps/payment.py:handler"
    for command, told in {
        ("show", "-"): "basket-77",
        ("why", "-", handler): "raise PaymentFailed",
        ("replay", handler, "-"): "as recorded",
        ("audit", handler, "-"): "1 of 1 history clean",
        ("redact", "-", "-o", tmp_path / "shared.json"): "shared.json",
    }.items():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        done = call(*command)
        assert done.code == 0 and told in done.out, (command, done.err)
    assert b"basket-77" in (tmp_path / "shared.json").read_bytes()


def test_one_of_many_that_are_piped_in(call, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"\n".join(
        (samples / f"{name}.json").read_bytes().replace(b"\n", b" ") for name in ("payment_failed", "nested")
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert call("show", "-#trip-lisbon").out.startswith("trip-lisbon")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    many = call("show", "-")
    assert many.code == 2 and "-#NAME" in many.err


def test_what_a_shell_substitutes(samples: Path) -> None:
    script = f'"$0" -m durable_debug show <(cat "{samples}/payment_failed.json")'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, text=True)
    assert done.returncode == 0 and "basket-77" in done.stdout, done.stderr


def test_nothing_is_piped_in() -> None:
    done = run("show", "-", stdin=b"")
    assert done.returncode == 2 and b"It is empty" in done.stderr
    closed = f'"{sys.executable}" -m durable_debug show - <&-'
    done = subprocess.run(["sh", "-c", closed], capture_output=True)
    assert done.returncode == 2 and b"Nothing is piped in" in done.stderr


def test_an_arn_is_looked_up_alike_in_every_command(call, samples: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:payment:1/durable-execution/a/b"
    handler = f"{samples}/apps/payment.py:handler"
    for command in (
        ("show", arn),
        ("why", arn, handler),
        ("replay", handler, arn),
        ("debug", handler, arn),
        ("audit", handler, arn),
        ("deploy-check", handler, handler, arn),
        ("redact", arn, "-o", "x"),
        ("fetch", arn, "-o", "x"),
        ("ls", "payment"),
        ("callback", arn),
    ):
        done = call(*command, "--region", "eu-west-1", "--profile", "nobody")
        assert done.code == 2 and "no AWS profile 'nobody'" in done.err, (command, done.err)


def test_cures_name_switches(call, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    assert "Give --region eu-west-1" in call("ls", "orders").err
    assert "Check --endpoint-url" in call("ls", "orders", "--endpoint-url", "http://127.0.0.1:9").err


def test_cures_name_switches_in_the_processes_of_an_audit(samples: Path, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(
        "import os\nfrom aws_durable_execution_sdk_python import durable_execution\n"
        "TABLES = int(os.environ['TABLES'])\n\n@durable_execution\ndef handler(event, context):\n    return TABLES\n"
    )
    done = run("audit", app, samples / "payment_failed.json")
    assert b"--env TABLES=" in done.stdout + done.stderr and b"env={" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("shwo", "x"), "'show'"),
        (("deploy_check",), "'deploy-check'"),
        (("show", "x", "--regoin", "eu"), "'--region'"),
        (("show", "x", "--regoin=eu"), "'--region'"),
        (("audit", "a", "b", "--format", "sarf"), "'sarif'"),
        (("show", "x", "--color", "alwys"), "'always'"),
        (("order.json",), "durable-debug show order.json"),
        (("arn:aws:lambda:x",), "durable-debug show arn:"),
    ],
)
def test_what_may_have_been_meant(call, typed: tuple[str, ...], meant: str) -> None:
    code, out, err = call(*typed)
    assert (code, out) == (2, "") and meant in err and err.startswith("usage: durable-debug")


def test_every_command_has_the_options_that_it_shares() -> None:
    commands = _Main().commands.choices
    options = {
        name: {o for a in parser._actions for o in a.option_strings} for name, parser in commands.items()
    }
    for name in commands:
        assert "--color" in options[name]
    for name in HANDLERS:
        assert {"--env", "--env-file", "--python", "--sdk", "--allow", "--timeout", "--profile"} <= options[
            name
        ]
