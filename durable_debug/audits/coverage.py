"""Coverage by executions: the lines and branches of a handler that replays of recorded histories took, and those that none did."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
import types
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import DurableDebugError, OptionError
from durable_debug.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pandas as pd

    from durable_debug.engine.taken_lines import Lines

__all__ = ["Coverage", "require_coverage", "require_writable"]

_REPLAYED, _ON_LAMBDA = "replay", "not measured"  # contexts in the file


class Coverage:
    """What executions took of the user's code, line by line, as coverage.py counts it.

    A replay runs no body of a step, submitter or condition. Where the operation is on record, its body did run on Lambda;
    which of its lines, nobody knows. Such lines, and those of the functions that they can reach, are ``not measured``, and
    count as taken in a file that is saved, under a context of that name: they are not what no execution ever took. So are
    the lines of a module that was not imported for the audit, as of a function that was handed over.

    Parameters
    ----------
    lines
        What was taken.

    Attributes
    ----------
    lines
        As given, before multi-line statements are put together.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row a statement, in the order of files and lines.

        Columns: ``file`` (str), ``line`` (int64), ``state`` (str: ``taken``, ``not measured``, ``missed``), ``branches`` and
        ``branches_taken`` (Int64: ways on from the line, missing where there is but one), ``source`` (str).

        Raises
        ------
        DurableDebugError
            coverage.py is not installed.

        Examples
        --------
        >>> report.coverage.frame.query("state == 'missed'")  # doctest: +SKIP
        """
        import pandas as pd

        rows = list(self._rows())
        names = ("file", "line", "state", "branches", "branches_taken", "source")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
        dtypes = ("str", "int64", "str", "Int64", "Int64", "str")
        return pd.DataFrame(
            {
                name: pd.Series(list(columns[name]), dtype=dtype)
                for name, dtype in zip(names, dtypes, strict=True)
            }
        )

    @property
    def summary(self) -> str:
        """How many statements no execution took, in a sentence."""
        states = self.frame["state"]
        missed, unknown = int((states == "missed").sum()), int((states == "not measured").sum())
        told = f"{counted(missed, 'statement')} of {len(states):,} never taken"
        return f"{told}, {unknown:,} in bodies that are not measured." if unknown else f"{told}."

    def save(self, path: str | os.PathLike[str] = ".coverage") -> Path:
        """Write it as coverage.py's data, so that ``coverage html``, ``coverage xml`` and editors show it.

        Lines that replays took are under the context ``replay``, those that are not measured under ``not measured``.

        Parameters
        ----------
        path
            A file of coverage data there is replaced; any other is left as it is.

        Raises
        ------
        DurableDebugError
            coverage.py is not installed.
        OptionError
            The file is something else, or can't be written.
        """
        path = Path(path).expanduser()
        require_writable(path)
        self._write(path, _REPLAYED, _ON_LAMBDA)
        return path

    def _write(self, path: Path, *contexts: str) -> None:
        data = require_coverage().CoverageData(basename=str(path))
        data.erase()
        for context in contexts:
            arcs = self.lines.arcs if context == _REPLAYED else self._unmeasured
            data.set_context(context)
            data.add_arcs({file: found for file, found in arcs.items() if found})
        data.write()

    @functools.cached_property
    def _unmeasured(self) -> dict[str, set[tuple[int, int]]]:
        """Ways through bodies that may have been taken on Lambda, and that no replay took."""
        from coverage.parser import PythonParser

        found = {}
        for file in sorted({*self.lines.bodies, *self.lines.arcs}):
            arcs = self.lines.arcs.get(file, set())
            lines = set(self.lines.bodies.get(file, ()))
            text = _text(file)
            if text is None:
                continue
            if not any(one == -1 for one, _ in arcs):
                lines |= _of_module(text, file)
            if lines:
                parser = PythonParser(text=text, filename=file)
                parser.parse_source()
                firsts = parser.first_lines(lines)
                found[file] = {
                    arc for arc in parser.arcs() if arc[0] in firsts or (arc[0] < 0 and arc[1] in firsts)
                } - parser.translate_arcs(arcs)
        return found

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        with tempfile.TemporaryDirectory() as folder:
            measured, whole = (
                self._analysis(Path(folder, str(len(contexts))), *contexts)
                for contexts in ((_REPLAYED,), (_REPLAYED, _ON_LAMBDA))
            )
            for file in sorted({*self.lines.arcs, *self.lines.bodies}):
                text = _text(file)
                if text is None:
                    continue
                _, statements, _, not_replayed, _ = measured.analysis2(file)
                missed = set(whole.analysis2(file)[3])
                unknown = set(not_replayed) - missed
                branches = whole.branch_stats(file)
                source = text.splitlines()
                for line in statements:
                    state = "missed" if line in missed else "not measured" if line in unknown else "taken"
                    yield file, line, state, *branches.get(line, (None, None)), source[line - 1].strip()

    def _analysis(self, path: Path, *contexts: str) -> Any:
        self._write(path, *contexts)
        found = require_coverage().Coverage(data_file=str(path), branch=True)
        found.load()
        return found

    def __repr__(self) -> str:
        return f"<Coverage of {counted(len(self.lines.arcs), 'file')}: {self.summary}>"

    def _repr_html_(self) -> str:
        return str(self.frame[self.frame["state"] == "missed"].head(100).to_html(border=0))


def require_coverage() -> Any:
    """Give coverage.py.

    Raises
    ------
    DurableDebugError
        It is not installed, or too old.
    """
    try:
        import coverage
    except ImportError:
        raise DurableDebugError(
            "To measure coverage, coverage.py is needed.",
            cure="Install it with: pip install 'coverage>=7.7'.",
        ) from None
    if not hasattr(coverage.Coverage, "branch_stats"):
        raise DurableDebugError(
            f"coverage.py {coverage.__version__} is too old.",
            cure="Update it: pip install -U 'coverage>=7.7'.",
        )
    return coverage


def require_writable(path: Path) -> None:
    """Refuse a file that is there and holds something else than coverage data.

    Raises
    ------
    OptionError
        It does, or its folder is not there.
    """
    if not path.parent.is_dir():
        raise OptionError(f"There is no folder {path.parent}.", cure="Name another file for the coverage.")
    if not path.exists() or (path.is_file() and not path.stat().st_size):
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.execute("SELECT version FROM coverage_schema")
    except sqlite3.Error:
        raise OptionError(
            f"{path} is there, and holds no coverage data.", cure="Name another file for the coverage."
        ) from None


def _text(file: str) -> str | None:
    """Give the source as Python reads it; None where there is none any more."""
    import tokenize

    try:
        with tokenize.open(file) as opened:
            return opened.read()
    except (OSError, SyntaxError, UnicodeError):
        return None


def _of_module(text: str, file: str) -> set[int]:
    """The lines that run when a module is imported: of itself, and of classes."""
    try:
        pending = [compile(text, file, "exec")]
    except SyntaxError:
        return set()
    found: set[int] = set()
    while pending:
        code = pending.pop()
        found.update(line for _, _, line in code.co_lines() if line)
        pending += [one for one in code.co_consts if _is_class(one)]
    return found


def _is_class(const: object) -> bool:
    optimised = 1  # a function's locals are
    return isinstance(const, types.CodeType) and not const.co_flags & optimised
