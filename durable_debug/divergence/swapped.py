"""A history that is given where a handler belongs, and the other way round."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from durable_debug.errors import OptionError
from durable_debug.history import History
from durable_debug.sources import Histories

__all__ = ["refuse_swapped"]

_DOCUMENTS = (".json", ".jsonl", ".ndjson", ".db", ".gz", ".zst", ".bz2", ".xz")


def refuse_swapped(handler: object, history: object, verb: str) -> None:
    """Refuse a history in the place of the handler, with a handler in the place of the history.

    Parameters
    ----------
    verb
        What they are given to: ``"why"`` takes the history first, all others the handler.

    Raises
    ------
    OptionError
        They are swapped.
    """
    if isinstance(history, list | tuple) and history:
        history = history[0]
    if not (_is_history(handler) and _is_handler(history)):
        return
    handler, history = history, handler
    first, last = (history, handler) if verb == "why" else (handler, history)
    raise OptionError(
        f"The two are swapped: {_called(history)} is a history, and {_called(handler)} a handler.",
        cure=f"{verb} takes the {'history' if verb == 'why' else 'handler'} first: {_called(first)}, {_called(last)}.",
    )


def _is_history(given: Any) -> bool:
    if isinstance(given, History | Histories | dict):
        return True
    if isinstance(given, list | tuple):
        return bool(given) and (isinstance(given[0], dict) or _is_history(given[0]))
    if not isinstance(given, str | os.PathLike):
        return False
    text = os.fspath(given)
    if text.startswith("arn:"):
        return "/durable-execution/" in text
    return Path(text.partition("#")[0]).suffix.lower() in _DOCUMENTS or Path(text).expanduser().is_dir()


def _is_handler(given: Any) -> bool:
    if isinstance(given, History | Histories | dict | bytes) or hasattr(given, "read"):
        return False
    if not isinstance(given, str | os.PathLike):
        return callable(given)
    text = os.fspath(given)
    if text.startswith("arn:"):
        return ":function:" in text and "/durable-execution/" not in text
    if text.startswith("git:") or text.endswith(".py") or ".py:" in text or ".zip:" in text:
        return True
    if Path(text.partition("#")[0]).suffix.lower() in {".yaml", ".yml"}:
        return True
    named = text.replace(":", ".").replace("/", ".")
    return "." in named and all(part.isidentifier() for part in named.split(".")) and not Path(text).exists()


def _called(given: Any) -> str:
    if isinstance(given, str | os.PathLike):
        return f"{os.fspath(given)!r:.200}"
    return f"a {type(given).__name__}"
