"""Other versions of the SDK, kept in a cache: the handler's own environment with another SDK before it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from durable_debug.errors import OptionError
from durable_debug.spelling import option

__all__ = ["sdk_folder"]

_PACKAGE = "aws-durable-execution-sdk-python"
_VERSION = re.compile(r"\d+(\.\d+){0,2}")
_PATIENCE_SECONDS = 300


def sdk_folder(version: str, python: str) -> Path:
    """Give a folder that has the SDK of a version, and nothing else; downloaded where it is not there yet.

    Parameters
    ----------
    version
        ``"2.1.0"``; or a line, ``"2.1"`` or ``"1"``, for the newest of it when it was first asked for.
    python
        The interpreter that is to use it.

    Raises
    ------
    OptionError
        There is none, or it can't be had.
    """
    if not _VERSION.fullmatch(version):
        raise OptionError(
            f"{option('sdk', version)} is no version.",
            cure=f"Write {option('sdk', '2.1')}, or {option('sdk', '2.1.0')}.",
        )
    folder = _cache() / version
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    wanted = f"{_PACKAGE}=={version}" if version.count(".") == 2 else f"{_PACKAGE}=={version}.*"
    into = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{version}-"))
    try:
        _install(wanted, into, python)
        try:
            into.rename(folder)
        except OSError:  # somebody else was quicker
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(into, ignore_errors=True)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "durable_debug" / "sdk"


def _install(wanted: str, into: Path, python: str) -> None:
    """Install by the interpreter's own pip, or by this one's where it has none."""
    told = ""
    for program in dict.fromkeys((python, sys.executable)):
        command = [program, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(into), wanted]
        try:
            done = subprocess.run(  # noqa: S603 - an interpreter that the user named, or this one
                command,
                check=False,
                capture_output=True,
                text=True,
                timeout=_PATIENCE_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            told = str(error)
            continue
        if done.returncode == 0:
            return
        told = (done.stderr.strip().splitlines() or [""])[-1]
    raise OptionError(
        f"{wanted} can't be had: {told[:300]}",
        cure="Look whether there is such a version, and whether pip reaches its index; or name an environment that has it: "
        f"{option('python', '.venv')}.",
    )
