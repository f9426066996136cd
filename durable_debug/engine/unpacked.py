"""Code that lies in an archive, or in another revision of the repository: put into a folder that this process removes."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from durable_debug.errors import HandlerError

__all__ = ["PREFIX", "new_folder", "of_archive", "of_revision"]

PREFIX = "durable-debug-"
"""Begins the names of the folders that code is unpacked to."""
_MOST_BYTES = 1 << 30  # unpacked: Lambda takes a quarter of that
_MOST_FILES = 100_000


def of_archive(archive: Path) -> Path:
    """Unpack a deployed zip; the same one once.

    Raises
    ------
    HandlerError
        There is none, it is none, or it would unpack to more than any function.
    """
    try:
        facts = archive.stat()
    except OSError:
        raise HandlerError(f"There is no file {archive}.", cure="Check the path.") from None
    return _unpacked(archive, facts.st_mtime_ns, facts.st_size)


@functools.lru_cache(maxsize=32)
def _unpacked(archive: Path, _changed: int, _size: int) -> Path:
    folder = new_folder()
    try:
        with zipfile.ZipFile(archive) as packed:
            members = packed.infolist()
            if sum(one.file_size for one in members) > _MOST_BYTES or len(members) > _MOST_FILES:
                raise HandlerError(
                    f"{archive} would unpack to more than Lambda takes.", cure="Name the deployed zip."
                )
            packed.extractall(folder)  # which keeps every member inside the folder
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise HandlerError(f"{archive} can't be unpacked: {error}.", cure="Name the deployed zip.") from None
    return folder


def new_folder() -> Path:
    """Make a folder that is removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def of_revision(revision: str) -> tuple[Path, Path]:
    """Give a worktree of a revision of the repository here, and the folder in it that the current one is.

    Raises
    ------
    HandlerError
        This is no repository, or it has no such revision.
    """
    root = Path(_git("rev-parse", "--show-toplevel"))
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", revision=revision)
    folder = _worktree(root, commit)
    return folder, folder / Path.cwd().resolve().relative_to(root.resolve())


@functools.lru_cache(maxsize=32)
def _worktree(root: Path, commit: str) -> Path:
    folder = new_folder() / "revision"
    _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    atexit.register(_removed, root, folder)
    return folder


def _removed(root: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):
        subprocess.run(  # noqa: S603
            ["git", "-C", str(root), "worktree", "remove", "--force", str(folder)],  # noqa: S607
            check=False,
            capture_output=True,
            env=_outside_of_hooks(),
        )


def _outside_of_hooks() -> dict[str, str]:
    """The environment without what git tells its hooks: a worktree that is made there would write its index over the commit's."""
    left_out = {"GIT_INDEX_FILE", "GIT_PREFIX"}
    if "GIT_WORK_TREE" not in os.environ:  # else somebody keeps a repository elsewhere
        left_out.add("GIT_DIR")
    return {name: value for name, value in os.environ.items() if name not in left_out}


def _git(*arguments: str, revision: str | None = None) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
            env=_outside_of_hooks(),
        )
    except OSError as error:
        raise HandlerError(
            f"git can't be run: {error.strerror}.", cure="Install it, or name a file."
        ) from None
    if done.returncode and revision is not None:
        raise HandlerError(
            f"The repository has no revision {revision!r:.200}.",
            cure="Fetch it: git fetch origin; or name another one: 'git:origin/main:path/to/app.py:handler'.",
        )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise HandlerError(
            f"git {arguments[0]} failed: {said[-1] if said else f'exit code {done.returncode}'}.",
            cure="Run this in the repository of the handler.",
        )
    return done.stdout.strip()
