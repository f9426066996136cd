"""What Lambda would do about a difference, as data; `reports.words` says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Effect", "Stop"]


@dataclass(frozen=True, slots=True)
class Stop:
    """How the execution ends under Lambda, or what it goes on to do.

    Attributes
    ----------
    how
        ``fails`` with the SDK's objection; ``ends`` with a `status`; ``retried``: its invocation has no output, and Lambda
        tries it again; ``suspended``; ``unknown``: it could not be followed; ``goes_on`` to a `deed`.
    caught
        Whether the handler catches the SDK's objection before.
    status
        That it ends with.
    detail
        The objection, the class of the error, why it could not be followed, or the deed.
    same
        Whether it ends, or stays suspended, as recorded.
    """

    how: Literal["fails", "ends", "retried", "suspended", "unknown", "goes_on"]
    detail: str = ""
    status: str = ""
    same: bool | None = None
    caught: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What Lambda would do about one change.

    Attributes
    ----------
    what
        ``nothing``: answered from a checkpoint, or in what does not run again; ``unnoticed``: it goes on from there, to
        `stop`; ``stops``: this is what the execution stops at; ``not_reached``: it stops before; ``repeats``: a side
        effect, at each replay; ``runs_again``: a body; ``raises``: the operation does, in the handler; ``swallowed``: the
        handler catches the objection; ``hangs``: until the time limit.
    why
        Which case of that.
    stop
        What comes of it.
    """

    what: Literal[
        "nothing",
        "unnoticed",
        "stops",
        "not_reached",
        "repeats",
        "runs_again",
        "raises",
        "swallowed",
        "hangs",
    ]
    why: str = ""
    stop: Stop | None = None
