"""What the base installation does not have: packages that notebooks draw with, which come with an extra."""

from __future__ import annotations

import importlib.util

from durable_debug.errors import MissingExtraError
from durable_debug.wording import listed

__all__ = ["require", "require_panel"]


def require(*packages: str) -> None:
    """Look that packages of the extra ``notebook`` are there.

    Raises
    ------
    MissingExtraError
        One of them is not.
    """
    missing = [name for name in packages if not _is_there(name)]
    if missing:
        raise MissingExtraError(
            f"This is drawn with {listed(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            cure="Install what notebooks show: pip install 'durable_debug[notebook]'",
        )


def require_panel() -> None:
    """Look that what the debugger's panel is made with is there.

    Raises
    ------
    MissingExtraError
        It is not.
    """
    require("anywidget", "ipywidgets", "matplotlib", "networkx")


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # of a finder, or of what somebody put into sys.modules
        return False
