"""From what the user names to a file, and to a name in its module."""

from __future__ import annotations

import ast
import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    import types

__all__ = ["existing_file", "imports_relatively", "is_path", "named", "package_of"]

_JAVASCRIPT = (
    "Handlers in TypeScript and JavaScript can be looked at (load, show, plots), and not replayed yet."
)
# What people name besides Python files, and what to do then.
_NO_PYTHON = {
    ".ipynb": "In a notebook give the function itself: dd.replay(handler, history).",
    ".zip": "Unpack it, and name the file: 'path/to/app.py:handler'.",
    ".yaml": "Name the file that the template's Handler is in: 'path/to/app.py:handler'.",
    ".yml": "Name the file that the template's Handler is in: 'path/to/app.py:handler'.",
    **dict.fromkeys((".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"), _JAVASCRIPT),
}


def is_path(where: str) -> bool:
    """Whether it is a file that is named, and not a module."""
    return os.sep in where or Path(where).suffix.lower() in {".py", *_NO_PYTHON}


def existing_file(path: Path) -> Path:
    """Give the file's own path.

    Raises
    ------
    HandlerError
        It is none, or none of Python's.
    """
    path = Path(os.path.realpath(path.expanduser()))
    if path.is_file():
        if path.suffix != ".py":
            raise HandlerError(
                f"{path} is no Python file.",
                cure=_NO_PYTHON.get(
                    path.suffix.lower(), "A handler is a function in a file that ends with .py."
                ),
            )
        return path
    if path.is_dir():
        raise HandlerError(f"{path} is a folder.", cure="Name the file in it: 'path/to/app.py:handler'.")
    near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.py")], n=3)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else "Check the path; it is taken from the current folder."
    )
    raise HandlerError(f"There is no file {path}.", cure=hint)


def package_of(path: Path) -> tuple[Path, str]:
    """Give the folder that a file's package is in, and the module's name from there.

    It is above the topmost ``__init__.py``; of a package that has none, as far up as the file's relative imports go.
    """
    folder, name = path.parent, path.stem
    levels = 0 if (folder / "__init__.py").is_file() else _levels(path)
    while folder.name.isidentifier() and (levels > 0 or (folder / "__init__.py").is_file()):
        folder, name, levels = folder.parent, f"{folder.name}.{name}", levels - 1
    return folder, name.removesuffix(".__init__")


def imports_relatively(path: Path) -> bool:
    """Whether a file has relative imports: it must be imported as a part of its package, then."""
    return _levels(path) > 0


def _levels(path: Path) -> int:
    """How many folders up a file's relative imports go."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return 0
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


def named(main: types.ModuleType, where: str, name: str) -> Any:
    """Find a name in a handler's module.

    Raises
    ------
    HandlerError
        It is not there.
    """
    target: Any = main
    for part in name.split("."):
        if not hasattr(target, part):
            near = difflib.get_close_matches(part, [n for n in dir(target) if not n.startswith("_")], n=3)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Check the spelling."
            raise HandlerError(f"There is no {name!r} in {where}.", cure=hint)
        target = getattr(target, part)
    return target
