"""Whose code a file is: the user's, a library's, or part of the machinery of a replay.

Lines, stacks and state are shown and looked after for the user's code only. A library that calls the handler, or that
the handler calls, is never "the line".
"""

from __future__ import annotations

import functools
import os
import site
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["claim", "is_machinery", "is_users", "is_users_module", "nearest"]

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_PACKAGE = str(Path(__file__).parent.parent) + os.sep


def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {str(Path(os.__file__).parent), str(Path(threading.__file__).parent)}
    found |= {*site.getsitepackages(), site.getusersitepackages()}
    found |= {os.path.realpath(folder) for folder in found}
    return tuple(folder + os.sep for folder in found)


_LIBRARIES = _library_folders()
_SDK = "aws_durable_execution_sdk_python"
_DEEPEST = 8  # folders between a file and where its package was installed
_claimed: set[str] = set()  # folders among the libraries that hold a handler: a wheel of the user's own


def claim(file: str | None) -> None:
    """Take the package of a handler for the user's code, though it is installed like a library."""
    if file is None or file.startswith("<") or _is_elsewhere(file):
        return
    for mark in _INSTALLED:
        root, found, rest = file.rpartition(mark)
        package = rest.partition(os.sep)[0]
        if found and not file.startswith(_PACKAGE):
            _claim(root + mark + package + (os.sep if package != rest else ""))
            return
    if file.startswith(_PACKAGE):  # an example that was installed with this package
        _claim(str(Path(file).parent) + os.sep)


def _claim(folder: str) -> None:
    if folder not in _claimed:
        _claimed.add(folder)
        is_users.cache_clear()


def _is_elsewhere(file: str) -> bool:
    return not file.startswith((*_LIBRARIES, _PACKAGE)) and not any(mark in file for mark in _INSTALLED)


@functools.cache
def is_machinery(file: str) -> bool:
    """Whether a file is the SDK's or this package's."""
    return file.startswith(_PACKAGE) or f"{os.sep}{_SDK}{os.sep}" in file


def nearest(frame: FrameType | None) -> FrameType | None:
    """Give the nearest frame of the user's code, from `frame` outwards."""
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@functools.cache
def is_users(file: str) -> bool:
    """Whether a file (or the name of a notebook's cell) holds code of the user's."""
    if file.startswith("<frozen") or f"{os.sep}{_SDK}{os.sep}" in file:
        return False
    if _claimed and file.startswith(tuple(_claimed)):
        return True
    return _is_elsewhere(file) and not _is_vendored(file)


def _is_vendored(file: str) -> bool:
    """Whether a library was installed beside the handler, as ``sam build`` and ``pip install --target`` do."""
    path = Path(file)
    for folder in list(path.parents)[:_DEEPEST]:
        names = _installed_in(str(folder))
        if names:
            return path.relative_to(folder).parts[0] in names
    return False


@functools.cache
def _installed_in(folder: str) -> frozenset[str]:
    """Names of what pip has installed in a folder, by its own records."""
    found: set[str] = set()
    try:
        records = [one for one in os.scandir(folder) if one.name.endswith(".dist-info")]
        for record in records:
            with open(os.path.join(record.path, "RECORD"), encoding="utf-8", errors="replace") as lines:  # noqa: PTH118, PTH123
                found |= {line.split(",", 1)[0].split("/", 1)[0] for line in lines}
    except OSError:
        pass
    return frozenset(found)


def is_users_module(module: object) -> bool:
    """Whether a module was made from a file of the user's."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and is_users(file)
