"""For a user's own tests: recorded executions as regression tests.

>>> @pytest.mark.parametrize("history", histories("tests/histories"))  # doctest: +SKIP
... def test_replays(history):
...     assert_replays("orders.py:handler", history)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Never

from durable_debug.divergence import replay
from durable_debug.errors import DivergenceError, HistoryError
from durable_debug.options import NAMES, unknown_options
from durable_debug.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from durable_debug.divergence import Run

__all__ = ["assert_replays", "histories"]

_MOST_NAMED = 3


def assert_replays(  # noqa: PLR0913 - those of replay
    handler: object,
    history: object,
    *,
    invocation: int | None = None,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    timeout: float | None = 60.0,
    env: Mapping[str, str] | None = None,
    python: str | os.PathLike[str] | Literal[False] | None = None,
    sdk: str | None = None,
    **unknown: Never,
) -> Run:
    """Fail unless a handler does what a history says. Parameters are those of `replay`.

    Returns
    -------
    Run
        For further assertions: ``run.result``, ``run.operations`` …

    Raises
    ------
    DivergenceError
        It does something else; an AssertionError, with every divergence and its line of code in the message.
    HandlerError, HistoryError, OptionError
        One of them can't be used.
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    unknown_options("assert_replays", unknown, NAMES)
    found = replay(
        handler,
        history,
        invocation=invocation,
        enter=enter,
        run=run,
        allow=allow,
        timeout=timeout,
        env=env,
        python=python,
        sdk=sdk,
    )
    if not found.ok:  # raised here: a frame of ours below this one would be shown
        raise DivergenceError(f"{_headline(found)}\n{found.report()}")
    return found


def _headline(run: Run) -> str:
    """The first line of a failure, the only one that pytest's summary shows."""
    if not run.divergences:
        return f"no divergence, but the replay ended early: {run.stopped}"
    told = [
        one.kind + (f" at {Path(one.file).name}:{one.line}" if one.file else "")
        for one in run.divergences[:_MOST_NAMED]
    ]
    more = ["…"] if len(run.divergences) > _MOST_NAMED else []
    return f"{counted(len(run.divergences), 'divergence')}: {', '.join([*told, *more])}"


def histories(folder: str | os.PathLike[str], pattern: str = "**/*.json") -> list[Any]:
    """Give the history files of a folder as parameters of a test, each with the file's name for its id.

    Parameters
    ----------
    folder
        From the current folder, or from the file that calls this.
    pattern
        A glob pattern below it.

    Returns
    -------
    list
        A ``pytest.param`` each: the path (`pathlib.Path`), in the order of the names.

    Raises
    ------
    HistoryError
        There are none: a test without parameters would be skipped, and nobody would know.
    """
    import pytest

    root = Path(folder).expanduser()
    if not root.is_absolute() and not root.is_dir():
        root = Path(sys._getframe(1).f_globals.get("__file__", "")).parent / root  # noqa: SLF001 - the test's module
    found = sorted(path for path in root.glob(pattern) if path.is_file())
    if not found:
        raise HistoryError(
            f"There is no history ({pattern}) in {root}.", cure="Name the folder that has them."
        )
    return [pytest.param(path, id=path.relative_to(root).with_suffix("").as_posix()) for path in found]
