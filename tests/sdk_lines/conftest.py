"""Other lines of the SDK, each in a folder of its own, which is put first on the path of a Python like this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".pytest_cache" / "sdk_lines"
NAME = "aws-durable-execution-sdk-python"
VERSIONS = ("1.7.0", "2.0.1", "2.1.0")


def installed(version: str) -> Path:
    """The folder of a version, fetched once by pip."""
    folder = CACHE / version
    if not folder.exists():
        part = folder.with_suffix(f".{os.getpid()}")  # two test runs at once must not read half a package
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(part)]
        done = subprocess.run([*pip, f"{NAME}=={version}"], capture_output=True, text=True, timeout=120)
        if done.returncode:
            if os.environ.get("CI"):
                pytest.fail(f"{NAME} {version} can't be installed: {done.stderr}")
            pytest.skip(f"{NAME} {version} can't be installed here")
        try:
            part.rename(folder)
        except OSError:  # another run was first
            pass
    return folder


def subject(version: str, folder: Path) -> dict[str, Any]:
    """What `subject` found under a version."""
    path = os.pathsep.join(map(str, (installed(version), ROOT, ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-m", "tests.sdk_lines.subject", str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By version, what `subject` found; all at once, for each waits more than it works."""
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda version: subject(version, tmp_path_factory.mktemp("line")), VERSIONS)
        return dict(zip(VERSIONS, answers, strict=True))
