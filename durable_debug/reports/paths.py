"""Paths of the user's code: from the current folder for people, from the repository's root for code hosts."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from durable_debug.audits.repository import root_of, store_of

__all__ = ["base", "inside", "relative", "uri"]


def relative(path: str | None) -> str:
    """Give a path from the current folder, where it is below that; else as it is."""
    if path is None:
        return ""
    try:
        found = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if found.startswith("..") else found


def base() -> Path:
    """Give the root of the repository that the current folder is in; the current folder where it is in none."""
    here = Path.cwd().resolve()
    return root_of(here) or here


def inside(path: str) -> str | None:
    """Give a path from `base`, with slashes, as a URI has it; None where it is not below that.

    A file of another worktree of the same repository (``git:REVISION:app.py``) is meant as the one at its path.
    """
    if path.startswith("<"):  # no file: a cell or ``exec``
        return None
    found, root = Path(path).resolve(), base()
    own = root if found.is_relative_to(root) else root_of(found.parent)
    if own is None or (own != root and store_of(own) != store_of(root)):
        return None
    return quote(found.relative_to(own).as_posix())


def uri(path: str) -> str:
    """Give a path as a URI: relative where it is below `base`."""
    found = inside(path)
    if found is not None:
        return found
    return quote(path) if path.startswith("<") else Path(path).resolve().as_uri()
