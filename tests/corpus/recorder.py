"""Record a case: run it under the SDK's testing runner, and keep what it gave and what really happened."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import sys
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from unittest import mock

from aws_durable_execution_sdk_python import state
from recording import Recording as Recorded
from recording import RecordingRunner

from corpus.case import DEATHS, RAN, ROOT, Case

HERE = Path(__file__).parent
CACHE = ROOT / ".pytest_cache" / "corpus"


def record(case: Case, *, fresh: bool = False) -> Recorded:
    """The recording of a case: ``raw`` and ``history`` documents, ``store`` record, ``invocations`` as the handler
    really had them, ``status``, ``result``, ``error``, ``children``.

    A case is run once and kept on disk until its source, the recorder or an SDK changes. The list RAN is as it was
    before.

    Parameters
    ----------
    case
        One of CASES.
    fresh
        Run it again, whatever is kept.
    """
    path = CACHE / f"{case.name}-{_key(case.module)}.pickle"
    if not fresh and path.exists():
        return pickle.loads(path.read_bytes())  # our own file
    recorded = run(case)
    CACHE.mkdir(parents=True, exist_ok=True)
    for stale in CACHE.glob(f"{case.name}-{'?' * 16}.pickle"):
        stale.unlink(missing_ok=True)
    part = path.with_suffix(f".{os.getpid()}")  # two test runs at once must not read half a file
    part.write_bytes(pickle.dumps(recorded))
    part.replace(path)
    return recorded


def run(case: Case) -> Recorded:
    """Run a case now."""
    before, RAN[:] = RAN[:], []
    DEATHS[:] = case.deaths
    quiet = logging.root.manager.disable
    logging.disable()  # half of the corpus fails on purpose, and the SDK tells of it at length
    try:
        # The SDK looks for the end of an invocation ten times a second; a hundred times saves half of the minute.
        with (
            mock.patch.object(state, "_STOP_SIGNAL_POLL_SECONDS", 0.01),
            RecordingRunner(
                case.handler,
                answers=case.answers,
                look_after_seconds=case.look_after_seconds,
                lambda_like=not case.emulator_like,
                max_invocation_page_bytes=case.page_bytes,
                invocation_timeout=case.invocation_timeout,
            ) as runner,
        ):
            for name, function in case.durable.items():
                runner.register_durable_function(name, function, execution_timeout=case.child_timeout)
            for name, function in case.plain.items():
                runner.register_function(name, function)
            return runner.record(
                case.input,
                function_name=f"corpus-{case.group}",
                execution_name=case.name,
                execution_timeout=case.execution_timeout,
            )
    finally:
        logging.disable(quiet)
        RAN[:] = before
        DEATHS.clear()


@cache
def _key(module: str) -> str:
    """Changes with whatever a recording depends on."""
    source = Path(sys.modules[module].__file__ or "")
    digest = hashlib.sha256()
    for path in (
        source,
        HERE / "case.py",
        Path(__file__),
        *sorted((ROOT / "sample_histories").glob("[rv]*.py")),
    ):
        digest.update(path.read_bytes())
    for package in ("aws-durable-execution-sdk-python", "aws-durable-execution-sdk-python-testing"):
        digest.update(version(package).encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()[:16]


def main() -> None:
    """``python -m corpus.recorder [NAME ...]``, in tests/: run cases anew and say how long each took."""
    from corpus import CASES

    for name in sys.argv[1:] or CASES:
        start = time.perf_counter()
        recorded = record(CASES[name], fresh=True)
        seconds = time.perf_counter() - start
        expected = "" if recorded.status == CASES[name].status else f"  EXPECTED {CASES[name].status}"
        print(
            f"{seconds:6.2f} s  {name:44} {recorded.status:10} {len(recorded.raw['Events']):5} events "
            f"{len(recorded.invocations):3} invocations  {str(recorded.result or recorded.error)[:60]}{expected}"
        )


if __name__ == "__main__":
    main()
