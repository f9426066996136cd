"""What a file's source imports: files of its own project, and packages that are not installed."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.engine.naming import package_of
from durable_debug.engine.project import folder_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["not_installed", "sources"]

_MOST_FILES = 60


def sources(file: str | None) -> Iterator[tuple[str, str]]:
    """Give name and text of a file, and of those of its project that it imports."""
    left, seen = [file] if file else [], set(filter(None, [file]))
    while left and len(seen) <= _MOST_FILES:
        one = left.pop()
        text = "".join(linecache.getlines(one))
        if not text:
            continue
        yield one, text
        new = [path for path in _files(Path(one), text) if path not in seen]
        seen.update(new)
        left += new


def not_installed(path: Path) -> dict[str, str]:
    """Name the packages that a file, or what it imports of its project, needs and that can't be found; with the line of each.

    Imports in functions, in ``try`` and for type checkers may never be made: they are passed over.
    """
    found: dict[str, str] = {}
    for file, text in sources(str(path)):
        for node in _at_import(_tree(text).body):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if not node.level
                else []
            )
            for top in [name.partition(".")[0] for name in names if name]:
                if top not in found and not _is_there(top) and folder_with(top, Path(file)) is None:
                    found[top] = f"{os.path.basename(file)}:{node.lineno}"  # noqa: PTH119
    return found


def _is_there(top: str) -> bool:
    if top in sys.modules or top in sys.stdlib_module_names:
        return True
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _at_import(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Give the imports that are made whenever a module is."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _at_import([*node.body, *node.orelse])
        elif isinstance(node, ast.With | ast.ClassDef):
            yield from _at_import(node.body)


def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _files(file: Path, text: str) -> Iterator[str]:
    """Give the files near a file that it imports."""
    places = dict.fromkeys((file.parent, package_of(file)[0]))
    for node in ast.walk(_tree(text)):
        if isinstance(node, ast.Import):
            named = [(place, alias.name.split(".")) for place in places for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            paths = [parts, *([*parts, alias.name] for alias in node.names)]
            within = [*file.parents][node.level - 1 : node.level] if node.level else places
            named = [(place, path) for place in within for path in paths]
        else:
            continue
        for place, path in named:
            for candidate in (place.joinpath(*path).with_suffix(".py"), place.joinpath(*path, "__init__.py")):
                if path and candidate.is_file():
                    yield str(candidate)
