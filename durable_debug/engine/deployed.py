"""The code of a function version that is deployed: fetched through the API, for this process alone.

It is put into a folder that the process removes at its end, with its layers, and is what ``order.zip:app.handler`` would be.
The function's variables are its handler's environment; nothing here prints them.
"""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from durable_debug.engine.layers import import_path
from durable_debug.engine.unpacked import new_folder, of_archive
from durable_debug.errors import HandlerError
from durable_debug.sources.connection import Connection, LookUp, connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["function_of"]

_ARN = re.compile(r"arn:[^:]+:lambda:[^:]+:[^:]*:function:[^:/]+(?::[^:/]+)?")
_MOST_BYTES = 512 << 20  # of an archive: Lambda takes 250 MB unpacked
_PATIENCE = 300.0  # seconds for one archive
_SLICE = 1 << 20
_known: dict[str, Path] = {}  # what was unpacked, by the digest of its archive


def function_of(arn: str, source: object = None) -> tuple[Path, str, dict[str, str]]:
    """Give a deployed function's folder, its handler string, and its variables.

    Parameters
    ----------
    arn
        ``arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION``; without a version, of the newest code.
    source
        Where the history comes from: asked there, if that is a connection; else with the credentials that boto3 finds.

    Raises
    ------
    HandlerError
        It is no function's ARN, or its code can't be replayed here.
    HistoryError
        The account does not let you; the message names the permission.
    """
    if "/durable-execution/" in arn:
        function = arn.partition("/durable-execution/")[0]
        raise HandlerError(
            f"{arn:.300} is an execution, not a function.",
            cure=f"Give its function as the handler: '{function:.200}'.",
        )
    if not _ARN.fullmatch(arn):
        raise HandlerError(
            f"{arn:.300} is no ARN of a function.",
            cure="Write 'arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION'.",
        )
    connection = source.connection(arn) if isinstance(source, LookUp) else source
    if not isinstance(connection, Connection):
        connection = connect(subject=arn)
    answer = connection.ask("GetFunction", arn, FunctionName=arn)
    facts, code = _mapping(answer.get("Configuration")), _mapping(answer.get("Code"))
    runtime = str(facts.get("Runtime") or "")
    if facts.get("PackageType") == "Image" or not runtime.startswith("python"):
        what = "a container image" if facts.get("PackageType") == "Image" else runtime or "no runtime"
        raise HandlerError(
            f"{arn} is of {what}: its code can't be fetched to be replayed.",
            cure="Name the file of a Python handler: 'path/to/app.py:handler', or 'git:REVISION:path/to/app.py:handler'.",
        )
    folder = _fetched(code.get("Location"), str(facts.get("CodeSha256") or ""), arn)
    layers = [_layer(connection, layer) for layer in facts.get("Layers") or ()]
    given = _mapping(_mapping(facts.get("Environment")).get("Variables"))
    variables = {str(name): str(value) for name, value in given.items()}
    path = import_path(folder, layers, variables.pop("PYTHONPATH", None))
    return folder, str(facts.get("Handler") or ""), variables | ({"PYTHONPATH": path} if path else {})


def _layer(connection: Connection, layer: object) -> Path:
    arn = str(_mapping(layer).get("Arn"))
    content = _mapping(connection.ask("GetLayerVersionByArn", arn, Arn=arn).get("Content"))
    return _fetched(content.get("Location"), str(content.get("CodeSha256") or ""), arn)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _fetched(location: object, digest: str, subject: str) -> Path:
    """Give the folder that an archive is unpacked to; the same one once a process."""
    if digest not in _known or not digest:
        if not isinstance(location, str) or not location.startswith(("https://", "http://")):
            raise HandlerError(
                f"The answer about {subject} does not say where its code is.",
                cure="Name the file: 'path/to/app.py:handler'.",
            )
        archive = new_folder() / "code.zip"
        _download(location, archive, subject)
        folder = of_archive(archive)
        archive.unlink(missing_ok=True)
        if not digest:
            return folder
        _known[digest] = folder
    return _known[digest]


def _download(location: str, archive: Path, subject: str) -> None:
    """Write what lies there into a file. The address is signed: it is shown nowhere."""
    late = time.monotonic() + _PATIENCE
    size = 0
    try:
        with urllib.request.urlopen(location, timeout=30) as answer, archive.open("wb") as file:  # noqa: S310
            while part := answer.read(_SLICE):
                size += len(part)
                if size > _MOST_BYTES or time.monotonic() > late:
                    raise HandlerError(
                        f"The code of {subject} is more than {_MOST_BYTES >> 20} MB, or takes more than {_PATIENCE:g} s to come.",
                        cure="Fetch it yourself, and name it: 'code.zip:app.handler'.",
                    )
                file.write(part)
    except (OSError, ValueError, urllib.error.URLError) as error:
        why = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise HandlerError(
            f"The code of {subject} could not be downloaded ({why}).",
            cure="Check the network, and try again.",
        ) from None
