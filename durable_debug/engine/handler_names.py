"""The many ways to name a handler, and the one that everything else knows: ``"path/app.py:name"`` or ``"package.module:name"``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["WAYS", "Named", "found"]

WAYS = (
    "'path/to/app.py:handler', 'path/to/app.py' with one durable function, 'package.module:handler', Lambda's own 'app.handler', "
    "'template.yaml#LogicalId', 'code.zip:app.handler' or 'git:REVISION:path/to/app.py:handler'"
)
_TEMPLATES = (".yaml", ".yml", ".json", ".template")


@dataclass(frozen=True, slots=True)
class Named:
    """A handler, as it is known from here on.

    Attributes
    ----------
    text
        ``"path/app.py:name"`` or ``"package.module:name"``; without a name it is the file's one durable function.
    env
        What its template says of its environment.
    """

    text: str
    env: Mapping[str, str] = field(default_factory=dict)


def found(handler: str) -> Named:
    """Find what a handler's name means; see `WAYS`.

    Raises
    ------
    HandlerError
        It means nothing, or there is no such thing.
    """
    if handler.startswith("git:"):
        return _in_revision(handler)
    before, hash_, logical_id = handler.partition("#")
    if Path(before).suffix.lower() in _TEMPLATES:
        from durable_debug.engine.templates import function_of

        folder, name, env = function_of(Path(before).expanduser(), logical_id if hash_ else None)
        return Named(_as_lambda_names_it(name, folder), env)
    archive, zip_, name = handler.partition(".zip")
    if zip_ and (not name or name.startswith(":")):
        return _in_archive(Path(f"{archive}.zip").expanduser(), name.removeprefix(":"))
    where, colon, name = handler.rpartition(":")
    if handler.endswith(".py:"):
        return Named(handler)  # as it was found before
    if colon and where and name and not (len(where) == 1 and name[:1] in "\\/"):
        return Named(handler)
    if handler.endswith(".py") and not colon:
        return Named(f"{handler}:")
    if colon or not _could_be_lambdas(handler):
        raise HandlerError(f"{handler!r:.200} does not name a handler.", cure=f"Write {WAYS}.")
    return Named(_as_lambda_names_it(handler, None))


def _could_be_lambdas(text: str) -> bool:
    """Whether it is like ``src/app.handler``: a file or module, and a name behind the last dot."""
    module, dot, name = text.rpartition(".")
    return (
        bool(dot and module) and name.isidentifier() and Path(text).suffix == f".{name}" and " " not in text
    )


def _as_lambda_names_it(text: str, folder: Path | None) -> str:
    """Give the file that Lambda's own handler string means; where there is none, the module."""
    module, _, name = text.rpartition(".")
    parts = module.replace("\\", "/").split("/")
    places = [folder] if folder is not None else [Path(), Path("src")]
    for place in places:
        for path in (
            place.joinpath(*parts[:-1], f"{parts[-1]}.py"),
            place.joinpath(*module.replace("/", ".").split(".")).with_suffix(".py"),
        ):
            if path.is_file():
                return f"{path if path.parent != Path() else Path(os.curdir, path)}:{name}"
    if folder is not None:
        raise HandlerError(
            f"There is no {'/'.join(parts)}.py in {folder}, where {text!r} would be.",
            cure="Name the file: 'path/to/app.py:handler'.",
        )
    return f"{module.replace('/', '.')}:{name}"


def _in_archive(archive: Path, name: str) -> Named:
    from durable_debug.engine.unpacked import of_archive

    folder = of_archive(archive)
    if not name:
        raise HandlerError(
            f"{archive} is named without its handler.", cure=f"Write '{archive}:app.handler', as on Lambda."
        )
    path, colon, function = name.rpartition(":")
    if colon:
        return Named(f"{folder / path}:{function}")
    if name.endswith(".py"):
        return Named(f"{folder / name}:")
    return Named(_as_lambda_names_it(name, folder))


def _in_revision(handler: str) -> Named:
    from durable_debug.engine.unpacked import of_revision

    _, revision, rest = (*handler.split(":", 2), "", "")[:3]
    if not revision or not rest:
        raise HandlerError(
            f"{handler!r:.200} does not name a handler in a revision.",
            cure="Write 'git:origin/main:path/to/app.py:handler'.",
        )
    root, here = of_revision(revision)
    path, colon, name = rest.rpartition(":")
    if not colon:
        path, name = rest, ""
    inside = next((one for one in (here / path, root / path) if one.is_file()), None)
    if inside is None and not colon and _could_be_lambdas(rest):
        return Named(_as_lambda_names_it(rest, here if here.is_dir() else root))
    if inside is None:
        raise HandlerError(
            f"There is no {path} in {revision}.",
            cure="Give its path from here, or from the repository's root.",
        )
    return Named(f"{inside}:{name}")
