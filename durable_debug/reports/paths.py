"""Paths of the user's code, as people and pull requests want them: from the current folder."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

__all__ = ["relative", "uri"]


def relative(path: str | None) -> str:
    """Give a path from the current folder, where it is below that; else as it is."""
    if path is None:
        return ""
    try:
        found = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if found.startswith("..") else found


def uri(path: str) -> str:
    """Give a path as a URI: relative where it is below the current folder."""
    found = relative(path)
    if found.startswith("<"):  # no file: a cell or ``exec``
        return quote(found)
    if Path(found).is_absolute():
        return Path(found).as_uri()
    return quote(found.replace(os.sep, "/"))
