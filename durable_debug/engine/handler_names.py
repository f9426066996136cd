"""The many ways to name a handler, and the one that everything else knows: ``"path/app.py:name"`` or ``"package.module:name"``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import HandlerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["WAYS", "Named", "found"]

WAYS = (
    "'path/to/app.py:handler', 'path/to/app.py' with one durable function, 'package.module:handler', Lambda's own 'app.handler', "
    "'template.yaml#LogicalId', 'code.zip:app.handler', 'git:REVISION:path/to/app.py:handler' or a function version's ARN"
)
_MOST_LISTED = 4
_MOST_FOLDERS = 5_000  # of a project, to look for a handler
_NO_PROJECT = {"node_modules", "venv", "env", "build", "dist", "site-packages"}
_TEMPLATES = (".yaml", ".yml", ".json", ".template")


@dataclass(frozen=True, slots=True)
class Named:
    """A handler, as it is known from here on.

    Attributes
    ----------
    text
        ``"path/app.py:name"`` or ``"package.module:name"``; without a name it is the file's one durable function.
    env
        What its template, or its configuration on Lambda, says of its environment.
    """

    text: str
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def found(handler: str, source: object = None) -> Named:
    """Find what a handler's name means; see `WAYS`.

    Parameters
    ----------
    source
        Where the history comes from: a function's code is asked for there, too.

    Raises
    ------
    HandlerError
        It means nothing, or there is no such thing.
    """
    if handler.startswith("git:"):
        return _in_revision(handler)
    if handler.startswith("arn:"):
        from durable_debug.engine.deployed import function_of

        folder, name, env = function_of(handler, source)
        return Named(_as_lambda_names_it(name, folder), env)
    before, hash_, logical_id = handler.partition("#")
    if Path(before).suffix.lower() in _TEMPLATES:
        return _in_template(Path(before).expanduser(), logical_id if hash_ else None)
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


def _in_template(template: Path, logical_id: str | None) -> Named:
    from durable_debug.engine.templates import function_of

    folder, name, env = function_of(template, logical_id)
    return Named(_as_lambda_names_it(name, folder), env)


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
    found = _files([_in_place(place, module) for place in places])
    if not found and folder is None:
        found = _files(_below(module))  # one of many in a monorepo
    if len(found) > 1:
        listed = (
            " and ".join(map(str, found)) if len(found) == 2 else ", ".join(map(str, found[:_MOST_LISTED]))
        )
        more = f" and {len(found) - _MOST_LISTED:,} more" if len(found) > _MOST_LISTED else ""
        raise HandlerError(
            f"{text!r} fits several files: {listed}{more}.", cure=f"Name one: '{found[0]}:{name}'."
        )
    if found:
        return f"{found[0] if found[0].parent != Path() else Path(os.curdir, found[0])}:{name}"
    if folder is not None:
        raise HandlerError(
            f"There is no {'/'.join(parts)}.py in {folder}, where {text!r} would be.",
            cure="Name the file: 'path/to/app.py:handler'.",
        )
    return f"{module.replace('/', '.')}:{name}"


def _in_place(place: Path, module: str) -> Path | None:
    """Give the file that a module is, from a folder on."""
    parts = module.replace("\\", "/").split("/")
    for path in (
        place.joinpath(*parts[:-1], f"{parts[-1]}.py"),
        place.joinpath(*module.replace("/", ".").split(".")).with_suffix(".py"),
    ):
        if path.is_file():
            return path
    return None


def _below(module: str) -> Iterator[Path | None]:
    """Look for it from each folder below the current one, as far as that is a project's."""
    for looked, (folder, folders, _) in enumerate(os.walk(os.curdir)):
        folders[:] = sorted(one for one in folders if one[:1] not in "._" and one not in _NO_PROJECT)
        if looked >= _MOST_FOLDERS:
            return
        yield _in_place(Path(folder), module)


def _files(given: Iterable[Path | None]) -> list[Path]:
    """Leave out what is not there, and the same file under another path."""
    found = {os.path.realpath(path): path for path in reversed([path for path in given if path is not None])}
    return list(reversed(found.values()))


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
    if Path(rest.partition("#")[0]).suffix.lower() in _TEMPLATES:
        template, _, logical_id = rest.partition("#")
        places = [one for one in (here / template, root / template) if one.is_file()]
        return _in_template(places[0] if places else here / template, logical_id or None)
    inside = next((one for one in (here / path, root / path) if one.is_file()), None)
    if inside is None and not colon and _could_be_lambdas(rest):
        return Named(_as_lambda_names_it(rest, here if here.is_dir() else root))
    if inside is None:
        raise HandlerError(
            f"There is no {path} in {revision}.",
            cure="Give its path from here, or from the repository's root.",
        )
    return Named(f"{inside}:{name}")
