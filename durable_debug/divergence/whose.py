"""Whose history it is: whether what is recorded can be the handler's at all, before anybody blames its code."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import OtherFunction
from durable_debug.divergence.mentions import mentions_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.divergence import Divergence
    from durable_debug.engine.recording import Recording
    from durable_debug.history import History

__all__ = ["other_function"]

_MOST_NAMES = 100  # of each side, to look for names that are alike
_ALIKE = 0.6


def other_function(
    history: History, complete: Recording, divergences: Sequence[Divergence]
) -> OtherFunction | None:
    """Say that a history seems to be of another function than the handler; None where nothing speaks for it.

    What speaks for it is that the handler asks for operations, and none of them is called like one of the several that are
    recorded, nor nearly so. Where it ends before its second operation, as on another function's input, none of the recorded
    names may be in its source either: else it may have ended by what was changed in it.

    Parameters
    ----------
    complete
        The pass that went through to the end.
    """
    if not divergences or [one.kind for one in divergences] == ["renamed"]:  # which is one change
        return None
    recorded = [operation.name for operation in history.tree() if operation.name]
    names = list(dict.fromkeys(recorded))
    asked = {operation.name for operation in complete.operations if operation.name}
    if len(names) < 2 or any(name in asked for name in names):
        return None
    some = list(asked)[:_MOST_NAMES]
    if any(difflib.get_close_matches(name, some, n=1, cutoff=_ALIKE) for name in names[:_MOST_NAMES]):
        return None
    if len(asked) < 2 and mentions_any(complete.runner.file, names[:_MOST_NAMES]) is not False:
        return None
    ended = complete.raised.type if complete.raised is not None and not asked else None
    return OtherFunction(history.function_name, complete.runner.name, len(recorded), tuple(names[:3]), ended)
