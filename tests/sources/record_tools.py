"""Record what each tool really prints of one execution on the SDK's local server, into ``recorded/``.

    python tests/sources/record_tools.py [--sam sam] [--aws aws]

The execution: three steps, an invoke, a step that fails twice. Recorded with AWS CLI 1.45.11, SAM CLI 1.170.0 and the testing SDK
1.4.0. (aws-durable-execution-sdk-python-insight 0.0.1 does not run with SDK 3.0.0: no record of it.)
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from unittest import mock
from urllib.parse import quote

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent.parent / "sample_histories")]

from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner  # noqa: E402
from aws_durable_execution_sdk_python_testing.stores.filesystem import FileSystemExecutionStore  # noqa: E402
from aws_durable_execution_sdk_python_testing.stores.sqlite import SQLiteExecutionStore  # noqa: E402
from aws_durable_execution_sdk_python_testing.web.server import WebServer, WebServiceConfig  # noqa: E402

from aws_durable_execution_sdk_python_testing.execution import Execution  # noqa: E402
from recording import _new_execution  # noqa: E402

from tests.sources import handlers  # noqa: E402

GIVEN = {"steps": 3, "invoke": True, "fail": True}


def main() -> None:
    parser = argparse.ArgumentParser()
    for tool in ("sam", "aws"):
        parser.add_argument(f"--{tool}")
    tools = parser.parse_args()
    logging.disable(logging.CRITICAL)
    into = HERE / "recorded"
    into.mkdir(exist_ok=True)
    # sam asks for ARNs of Lambda's form, which the emulator does not make by itself.
    lambda_like = mock.patch.object(Execution, "new", _new_execution)
    with lambda_like, DurableFunctionTestRunner(handlers.orders, poll_interval=0.01) as runner:
        runner.register_durable_function("stock", handlers.stock)
        arn = runner.run_async(json.dumps(GIVEN), function_name="orders", execution_name="order-1")
        runner.wait_for_result(arn)
        with WebServer(WebServiceConfig("127.0.0.1", 0, logging.CRITICAL), runner._executor) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                record(f"http://127.0.0.1:{server.server_address[1]}", arn, into, tools)
            finally:
                server.shutdown()
                thread.join()
        stores(runner, into)


def record(url: str, arn: str, into: Path, tools: argparse.Namespace) -> None:
    path = f"{url}/2025-12-01/durable-executions/{quote(arn, safe='')}/history?IncludeExecutionData=true&MaxItems=1000"
    (into / "http.json").write_bytes(urllib.request.urlopen(path).read())
    env = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_ENDPOINT_URL_LAMBDA": url,
        "AWS_DEX_LOCAL_RUNNER_ENDPOINT": url,
        "DURABLE_EXECUTIONS_EXTERNAL_EMULATOR_PORT": url.rsplit(":", 1)[1],
        "SAM_CLI_TELEMETRY": "0",
        "PYTHONPATH": "",
    }

    def told(*command: str, **more: str) -> bytes:
        done = subprocess.run(command, env=env | more, capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command[0]}: {done.stderr.decode()}")
        return done.stdout

    cli = "aws_durable_execution_sdk_python_testing.cli"
    runner = told(sys.executable, "-m", cli, "get-durable-execution-history", "--durable-execution-arn", arn)
    (into / "dex-local-runner.json").write_bytes(runner)
    if tools.aws:
        asked = (
            tools.aws,
            "lambda",
            "get-durable-execution-history",
            "--durable-execution-arn",
            arn,
            "--output",
            "json",
        )
        (into / "aws-cli.json").write_bytes(told(*asked, "--include-execution-data"))
        (into / "aws-cli-max-items.json").write_bytes(
            told(*asked, "--include-execution-data", "--max-items", "4")
        )
        (into / "aws-cli-no-paginate.json").write_bytes(
            told(*asked, "--include-execution-data", "--no-paginate")
        )
        (into / "aws-cli-without-data.json").write_bytes(told(*asked))
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "config"
            config.write_text("[default]\ncli_timestamp_format = iso8601\n")
            iso = told(*asked, "--include-execution-data", AWS_CONFIG_FILE=str(config))
            (into / "aws-cli-iso8601.json").write_bytes(iso)
    if tools.sam:
        for where in ("remote", "local"):
            said = told(tools.sam, where, "execution", "history", arn, "--format", "json")
            (into / f"sam-{where}.json").write_bytes(said)


def stores(runner: DurableFunctionTestRunner, into: Path) -> None:
    for kept in (into / "durable_executions", into / "durable-executions.db"):
        shutil.rmtree(kept, ignore_errors=True) if kept.is_dir() else kept.unlink(missing_ok=True)
    files = FileSystemExecutionStore.create(into / "durable_executions")
    database = SQLiteExecutionStore.create_and_initialize(into / "durable-executions.db")
    for execution in runner._store.list_all():
        files.save(execution)
        database.save(execution)
    with database._connection() as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file


if __name__ == "__main__":
    main()
