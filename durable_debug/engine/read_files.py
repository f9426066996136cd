"""The user's files that this process has run, and the packages beside them: what replays depend on."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.engine.taken_lines import Lines
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    import types

__all__ = ["CodeState", "ReadFiles", "digest_of", "note", "packages"]

_noted: set[str] = set()  # of modules that are not there any more


@dataclass(frozen=True, slots=True)
class CodeState:
    """What replays of one process depend on.

    Attributes
    ----------
    packages
        Stands for the interpreter and all that is installed beside the handler.
    files
        By file of the user's, what stands for its content.
    lines
        Which lines were taken, where that is counted.
    """

    packages: str
    files: dict[str, str]
    lines: Lines = field(default_factory=Lines)


def note(module: types.ModuleType) -> None:
    """Note a module that is taken away again."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        _noted.add(file)


def digest_of(file: str) -> str:
    """Give what stands for a file's content; empty where it cannot be read."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 - of a text
            return hashlib.blake2b(opened.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


class ReadFiles:
    """Tells of files as they come to be read."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._modules = 0

    def new(self) -> dict[str, str]:
        """Give the files that were read since this was asked for last."""
        if len(sys.modules) == self._modules and self._told >= _noted:
            return {}
        self._modules = len(sys.modules)
        files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
        found = {
            file
            for file in files | _noted
            if isinstance(file, str) and file not in self._told and is_users(file)
        }
        self._told |= found
        return {file: digest_of(file) for file in sorted(found)}


def packages() -> str:
    """Give what stands for the interpreter and all that is installed there."""
    found = {f"{sys.version} {sys.executable}"}
    for folder in sys.path:
        try:
            found.update(one for one in os.listdir(folder) if one.endswith((".dist-info", ".egg-info")))  # noqa: PTH208
        except OSError:
            continue
    return hashlib.blake2b("\n".join(sorted(found)).encode(), digest_size=16).hexdigest()
