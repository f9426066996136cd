"""The project that a handler's file lies in: how far it goes, and in which of its folders a module is."""

from __future__ import annotations

import os
from pathlib import Path

from durable_debug.engine.unpacked import PREFIX

__all__ = ["ENVIRONMENTS", "environment_near", "folder_with", "has_sdk", "project_of"]

ENVIRONMENTS = (".venv", "venv", "env")
"""What projects call the environments of their own."""

_MARKS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "template.yaml",
    "template.yml",
    "samconfig.toml",
)
_SDK = "aws_durable_execution_sdk_python"
_MOST_ABOVE = 8
_DEEPEST = 4  # folders that a package may be in, without a module in each


def project_of(path: Path) -> Path:
    """Give the topmost folder of a file's project.

    It is the repository's, or what an archive was unpacked to; where there is none, the topmost that has a project's file, or the current folder; else the one
    above the file's own.
    """
    above = _above(path)
    for folder in above:
        if (folder / ".git").exists() or folder.name.startswith(PREFIX):
            return folder
    marked = [
        folder for folder in above if folder == Path.cwd() or any((folder / name).exists() for name in _MARKS)
    ]
    return marked[-1] if marked else above[min(1, len(above) - 1)]


def folder_with(module: str, path: Path) -> Path | None:
    """Give the folder of a file's project from which a module can be imported; None where there is none.

    Folders above the file are looked at, the nearest first, and the ``src`` in each.
    """
    top, *rest = module.split(".")
    last = project_of(path)
    for folder in _above(path):
        for place in (folder, folder / "src"):
            found = place / top
            if found.with_name(f"{top}.py").is_file() or _is_package(found, rest):
                return place
        if folder == last:
            return None
    return None


def environment_near(path: Path) -> str | None:
    """Give the environment that a file's project has of its own, with the SDK or without; None where it has none."""
    last = project_of(path)
    for folder in _above(path):
        for name in ENVIRONMENTS:
            if (folder / name / "pyvenv.cfg").is_file():
                found = os.path.relpath(folder / name)
                return str(folder / name) if found.startswith("..") else found
        if folder == last:
            return None
    return None


def has_sdk(environment: str) -> bool:
    """Whether a folder is an environment of Python with the SDK in it."""
    return os.path.isfile(os.path.join(environment, "pyvenv.cfg")) and any(  # noqa: PTH113, PTH118
        Path(environment).glob(f"lib/python*/site-packages/{_SDK}")
    )


def _is_package(folder: Path, rest: list[str]) -> bool:
    if not folder.is_dir():
        return False
    if rest:
        inner = folder.joinpath(*rest)
        return inner.is_dir() or inner.with_suffix(".py").is_file()
    return any(any(folder.glob(f"{'*/' * depth}*.py")) for depth in range(_DEEPEST))


def _above(path: Path) -> list[Path]:
    """Folders that a file is in, the nearest first; those of all users, and a person's home, are nobody's project."""
    found: list[Path] = []
    for folder in list(path.parents)[:_MOST_ABOVE]:
        if folder in {Path.home(), Path(folder.anchor)} and found:
            break
        found.append(folder)
    return found
