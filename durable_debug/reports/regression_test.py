"""A run as a regression test: a history file and a test file that a user commits."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import DurableDebugError, HandlerError
from durable_debug.history.saving import write_whole
from durable_debug.wording import counted

if TYPE_CHECKING:
    from durable_debug.divergence.run import Run

__all__ = ["export_test"]

_MARK = "Written by durable_debug"

_TEST = '''"""{title}

{mark} from a recorded execution; write it again rather than change it.
"""

from pathlib import Path

from durable_debug.testing import assert_replays

HERE = Path(__file__).parent


def test_{name}_replays() -> None:
    assert_replays({handler}, HERE / {history}{options})
'''


def export_test(run: Run, path: str | os.PathLike[str]) -> Path:
    """Write a test that replays this run's history with its handler, and the history beside it.

    Parameters
    ----------
    path
        Of the test file, such as ``"tests/test_order_17.py"``; the history goes to ``tests/histories/order_17.json``.

    Returns
    -------
    Path
        The test file.

    Raises
    ------
    HandlerError
        The handler is of a notebook or inside a function, where a test can't find it.
    DurableDebugError
        There is another file in the way.
    """
    test = Path(path)
    if test.suffix != ".py" or not test.name.startswith("test_"):
        raise DurableDebugError(
            f"{test.name} is no name of a test file.", cure="Name it like 'tests/test_order_17.py'."
        )
    if test.exists() and _MARK not in test.read_text(encoding="utf-8", errors="replace"):
        raise DurableDebugError(f"{test} exists, and is not of this making.", cure="Name another file.")
    name = re.sub(r"\W", "_", test.stem.removeprefix("test_"))
    history = test.parent / "histories" / f"{name}.json"
    handler = _handler(run, test.parent)
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DurableDebugError(
            f"There can be no folder {history.parent}: {error.strerror}.",
            cure="Name a file in another folder.",
        ) from None
    run.history.save(history)
    return write_whole(
        test,
        _TEST.format(
            title=_title(run),
            mark=_MARK,
            name=name,
            handler=handler,
            history=_quoted(f"histories/{name}.json"),
            options=_options(run),
        ).encode(errors="backslashreplace"),
    )


def _title(run: Run) -> str:
    history = run.history
    what = f"{history.name or 'An execution'}" + (
        f" of {history.function_name}" if history.function_name else ""
    )
    told = f"{what}: {history.status}, {counted(len(history.tree()), 'operation')}. The handler must still do what it did."
    return re.sub(r'[\\"\x00-\x1f]', "?", told)[:300]


def _handler(run: Run, folder: Path) -> str:
    """How the test names the handler: by module where it can be imported, else by file, from the test's folder."""
    where, colon, name = run.recording.runner.name.rpartition(":")
    if colon and (where.endswith(".py") or os.sep in where):
        way = os.path.relpath(Path(where).expanduser().absolute(), folder.absolute())
        return f"str(HERE / {_quoted(Path(way).as_posix())}) + {_quoted(':' + name)}"
    if colon and "<locals>" not in name and _importable(where):
        return _quoted(f"{where}:{name}")
    raise HandlerError(
        f"A test can't find the handler {run.recording.runner.name}.",
        cure="Put it in a file, and replay 'path/to/app.py:handler'.",
    )


def _quoted(text: str) -> str:
    """Write a text as Python would be given it, in double quotes, and in ASCII: a path may hold what is no Unicode."""
    escaped = text.encode("unicode_escape").decode().replace('"', '\\"')
    return f'"{escaped}"'


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _options(run: Run) -> str:
    options = run.recording.options
    given = {"invocation": options.invocation, "run": options.run or None, "allow": options.allow or None}
    told = {name: value for name, value in given.items() if value is not None}
    if not options.enter:
        told["enter"] = False
    return "".join(f", {name}={value!r}" for name, value in told.items())
