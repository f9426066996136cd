"""How much each kind of divergence counts in a project: its levels, in `pyproject.toml`.

.. code-block:: toml

    [tool.durable_debug.levels]
    wait_duration = "note"     # error, warning, note or off
    finished = "warning"       # the most that counts what no running execution shows
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES
from durable_debug.audits.repository import home_of, root_of
from durable_debug.divergence.facts import KINDS
from durable_debug.errors import OptionError
from durable_debug.options import meant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from durable_debug.divergence.divergence import Divergence

__all__ = ["FINISHED", "Levels"]

FINISHED = "finished"
_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED"})
_KNOWN = (*KINDS, *OBSTACLES, FINISHED)
_RANKS = ("off", "info", "warning", "error")
# As they are written -> as a divergence has it; "note" is SARIF's word.
_WORDS = {"error": "error", "warning": "warning", "note": "info", "info": "info", "off": "off"}


@dataclass(frozen=True, slots=True)
class Levels:
    """What counts how much.

    Attributes
    ----------
    by_kind
        ``"error"``, ``"warning"``, ``"info"`` or ``"off"``, by kind of divergence.
    origin
        Where that is written; empty where it is nowhere.
    """

    by_kind: Mapping[str, str]
    origin: str = ""

    @classmethod
    def of(cls, given: object, handler: object) -> Levels:
        """Take what was given; None: what the nearest `pyproject.toml` says that has such a table.

        Raises
        ------
        OptionError
            It names no kind or no level, or the file can't be read.
        """
        if given is None:
            return _of_project(home_of(handler))
        return cls(_checked(given, "levels="), "levels=")

    def of_cause(self, one: Divergence, statuses: Iterable[str | None]) -> str:
        """How much a cause counts.

        Parameters
        ----------
        one
            What it is.
        statuses
            Of the executions that show it, as recorded.
        """
        level = self.by_kind.get(one.kind, one.severity)
        most = self.by_kind.get(FINISHED)
        if most is not None and all(status in _ENDED for status in statuses):
            return min(level, most, key=_RANKS.index)
        return level


def _of_project(home: Path) -> Levels:
    top = root_of(home)
    for folder in (home, *home.parents):
        path = folder / "pyproject.toml"
        try:
            table = _table(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            table = None
        except (OSError, ValueError) as error:
            raise OptionError(
                f"{path} can't be read: {error!s:.200}.", cure="It may hold [tool.durable_debug.levels]."
            ) from None
        if table is not None:
            return Levels(_checked(table, str(path)), str(path))
        if folder == top:
            break
    return Levels({})


def _table(document: object) -> object | None:
    """Give what stands where the levels belong; None where nothing does."""
    for name in ("tool", "durable_debug", "levels"):
        if not isinstance(document, Mapping):
            return document
        if name not in document:
            return None
        document = document[name]
    return document


def _checked(given: object, origin: str) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise OptionError(
            f"{origin} has no table of levels.",
            cure='Write [tool.durable_debug.levels] and a line each, such as wait_duration = "note".',
        )
    for kind, level in given.items():
        if kind not in _KNOWN:
            raise OptionError(
                f"{origin} sets the level of {kind!r:.80}, which is no kind of divergence.",
                cure=meant(str(kind), _KNOWN) or f"Kinds are {', '.join(_KNOWN)}.",
            )
        if level not in _WORDS:
            raise OptionError(
                f"{origin} sets {kind} to {level!r:.80}, which is no level.",
                cure=meant(str(level), _WORDS) or "Levels are error, warning, note and off.",
            )
    return {kind: _WORDS[level] for kind, level in given.items()}
