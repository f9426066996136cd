"""Histories from files, and from what is already in memory."""

from __future__ import annotations

import contextlib
import difflib
import gc
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from durable_debug.errors import HistoryError
from durable_debug.history import History
from durable_debug.sources.documents import from_document

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["load"]

_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def load(source: Any, *, format: str | None = None) -> History:  # noqa: A002
    """Load the history of one durable execution.

    Parameters
    ----------
    source
        - path of a JSON file (str or path-like);
        - a ``GetDurableExecutionHistory`` response (dict): of the AWS CLI, of boto3, of SAM, of a local server;
        - the list of its pages, as boto3's paginator gives them;
        - a list of events, as the JavaScript testing library gives them, or one event from the Lambda console (dict);
        - JSON as bytes, or an open file;
        - a `History`, which is returned as it is.
    format
        What it is, where it should not be told by looking: ``"history"``, ``"pages"``, ``"events"`` or ``"event"``.

    Returns
    -------
    History
        What is wrong with the record but does not prevent loading it is in its ``warnings``.

    Raises
    ------
    HistoryError
        There is no such file, or it holds no history. The message says what it looks like and what to do.

    Examples
    --------
    >>> history = load("order.json")  # doctest: +SKIP
    """
    if isinstance(source, History):
        return source
    if isinstance(source, dict | list | tuple):
        return from_document(list(source) if isinstance(source, tuple) else source, format=format)
    if isinstance(source, bytes | bytearray | memoryview):
        return from_document(_parse(bytes(source)), format=format)
    if callable(getattr(source, "read", None)):
        content = source.read()
        raw = content.encode() if isinstance(content, str) else bytes(content)
        return from_document(_parse(raw), format=format)
    if isinstance(source, str | os.PathLike):
        return _from_path(source, format)
    raise HistoryError(
        f"A {type(source).__name__} is no source of a history.",
        cure="Give the path of a JSON file, a response of GetDurableExecutionHistory (dict) or a list of events.",
    )


def _from_path(source: str | os.PathLike[str], format: str | None) -> History:  # noqa: A002
    if isinstance(source, str):
        _refuse_text(source)
    path = Path(source).expanduser()
    try:
        raw = path.read_bytes()
    except IsADirectoryError:
        raise HistoryError(
            f"{path} is a directory.", cure=f"Give one file of it{_listed('; it has', _files(path))}."
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        near = difflib.get_close_matches(path.name, _files(path.parent), n=3, cutoff=0.5)
        raise HistoryError(
            f"There is no file {path}.",
            cure=f"Did you mean{_listed('', near)}?" if near else f"The working directory is {Path.cwd()}.",
        ) from None
    except (OSError, ValueError) as error:
        raise HistoryError(f"{str(path)!r:.200} cannot be read: {error}.", cure="Check the path.") from None
    try:
        return from_document(_parse(raw), format=format)
    except HistoryError as error:
        raise type(error)(f"{path.name}: {error.message}", cure=error.cure) from None


def _refuse_text(source: str) -> None:
    start = source.lstrip()[:1]
    if start in {"{", "["}:
        raise HistoryError(
            "This is JSON text, not a path.", cure="Give the parsed document: `dd.load(json.loads(text))`."
        )
    if source.startswith("arn:"):
        raise HistoryError(
            "This is an ARN, not a file.",
            cure="Save its history first: `aws lambda get-durable-execution-history --durable-execution-arn "
            f"{source} --include-execution-data > history.json`.",
        )
    if source.startswith(("https://", "http://", "s3://")):
        raise HistoryError("This is a URL, not a file.", cure="Download it and give the path of the file.")
    if not source.strip():
        raise HistoryError("The path is empty.", cure="Give the path of a JSON file.")


def _parse(raw: bytes) -> Any:
    """Parse JSON, or one JSON document on each line."""
    if not raw.strip():
        raise HistoryError(
            "It is empty.", cure="Write it again, and look at what the command that wrote it says."
        )
    for mark, encoding in _BOMS.items():
        if raw.startswith(mark):  # PowerShell's `>` writes UTF-16
            with contextlib.suppress(UnicodeError):
                raw = raw.decode(encoding).encode()
            break
    try:
        with _no_collection():
            return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        return json.loads(raw)  # lone surrogates, that the faster parser refuses
    except (ValueError, RecursionError):
        pass
    try:
        return [orjson.loads(line) for line in raw.splitlines() if line.strip()]
    except orjson.JSONDecodeError:
        raise HistoryError(
            f"It is not JSON ({reason:.120}); it begins with {raw[:40].decode(errors='replace')!r}.",
            cure="Ask the AWS CLI for `--output json`, and check that the file is whole.",
        ) from None


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Parsing makes thousands of containers, none of them garbage: looking for some takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _files(directory: Path) -> list[str]:
    try:
        return sorted(each.name for each in directory.iterdir() if each.is_file())
    except OSError:
        return []


def _listed(before: str, names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"{before} {shown}"
