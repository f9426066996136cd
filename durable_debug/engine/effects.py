"""What a side effect is, who had it, and what the user allows."""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "Place",
    "SideEffect",
    "allows",
    "asked_by_sdk",
    "described",
    "done_by_library",
    "users_place",
    "whose",
]

Place = tuple[str, int]  # file and line


@dataclass(frozen=True, slots=True)
class SideEffect:
    """Something that the handler did, or tried to do, outside a step.

    Attributes
    ----------
    kind
        ``"network"``, ``"process"``, ``"file"``, ``"input"``, ``"sleep"`` or ``"thread"``.
    detail
        What it was, for people: ``"dynamodb PutItem: send to ('127.0.0.1', 8000)"``.
    refused
        Whether it was prevented. Threads, and sleeps of up to a minute, are only noted (sleeps where CPython
        reports them: from 3.13 on).
    file, line
        Where in the user's code.
    looked
        Whether it was in the body of an ended context, which is run only to look into it.
    call
        The call of a client library that it was part of, where that is known: ``"dynamodb PutItem"``.
    compared
        Whether it was a codec's that was asked only so that values could be compared: Lambda does not ask it.
    """

    kind: str
    detail: str
    refused: bool
    file: str | None
    line: int | None
    looked: bool = False
    call: str | None = None
    compared: bool = False


# To write to what is open already is the same permission as to open it.
_SAME = (
    ("send to ", ("connect {}",)),
    ("write to ", ("open {}", "open {} for writing", "sqlite3.connect {}")),
)


def allows(patterns: tuple[str, ...], effect: SideEffect) -> bool:
    """Whether the user allowed it: by kind (``"network"``), or by a glob on its detail or on the call."""
    if not patterns:
        return False
    what = effect.detail.removeprefix(f"{effect.call}: ") if effect.call else effect.detail
    names = {effect.detail, what, effect.call or what}
    for begun, others in _SAME:
        if what.startswith(begun):
            names |= {other.format(what.removeprefix(begun)) for other in others}
    return any(p == effect.kind or any(fnmatchcase(name, p) for name in names) for p in patterns)


def described(kind: str, what: str, *, refused: bool = True, place: Place | None = None) -> SideEffect:
    """Describe what this thread is about to do.

    Parameters
    ----------
    place
        Where it was handed to this thread: told where no line of the user's is on its stack.
    """
    file, line = users_place() or place or (None, None)
    call = _call() if kind == "network" else None
    return SideEffect(kind, f"{call}: {what}" if call else what, refused, file, line, call=call)


# ----------------------------------------------------------------------------------------- whose code it is

_REPLAY = str(Path(__file__).parent) + os.sep
_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_STDLIB = str(Path(os.__file__).parent) + os.sep
_SDK = "aws_durable_execution_sdk_python"
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def whose(file: str) -> str:
    """Say whose a file is: ``"ours"``, ``"sdk"``, ``"python"``, ``"library"`` or ``"user"``."""
    return "user" if is_users(file) else _owner(file)


@functools.lru_cache(maxsize=4096)
def _owner(file: str) -> str:
    if file.startswith(_PACKAGE):
        return "ours"
    if f"{os.sep}{_SDK}{os.sep}" in file:
        return "sdk"
    if any(part in file for part in _INSTALLED):
        return "library"
    return "python" if file.startswith((_STDLIB, "<frozen")) else "library"


def users_place() -> Place | None:
    """File and line of the nearest frame of the user's own code on this thread's stack.

    A handler that is itself installed looks like a library: then it is the outermost one's, just inside the SDK.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    outermost: Place | None = None
    within = True
    while frame is not None:
        match whose(frame.f_code.co_filename):
            case "user":
                return frame.f_code.co_filename, frame.f_lineno
            case "library" if within:
                outermost = (frame.f_code.co_filename, frame.f_lineno)
            case "sdk":
                within = outermost is None
        frame = frame.f_back
    return outermost


def done_by_library() -> bool:
    """Whether it is a library that does this by itself, not the user's code or Python at its bidding."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        owner = whose(frame.f_code.co_filename)
        if owner not in {"ours", "python"}:
            return owner in {"library", "sdk"}
        frame = frame.f_back
    return False


def asked_by_sdk() -> bool:
    """Whether it is the SDK that does this, not the user's code through it."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None:
        owner = whose(frame.f_code.co_filename)
        if owner not in {"ours", "python"}:
            return owner == "sdk"
        frame = frame.f_back
    return False


_REQUESTS = {("_send_request", "http"), ("request", "urllib3")}  # functions, and the package that they are in


def _call() -> str | None:
    """Name the call of a client library that is on this thread's stack: the service's operation, or the request."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    request: str | None = None
    while frame is not None:
        code = frame.f_code
        if code.co_name == "_make_api_call" and code.co_filename.endswith(f"botocore{os.sep}client.py"):
            return _aws_call(frame.f_locals) or request
        if (code.co_name, os.path.basename(os.path.dirname(code.co_filename))) in _REQUESTS:  # noqa: PTH119, PTH120
            request = request or _request(frame.f_locals)
        frame = frame.f_back
    return request


def _aws_call(found: dict[str, Any]) -> str | None:
    try:
        service = found["self"].meta.service_model.service_name
    except (AttributeError, KeyError):
        return None
    return f"{service} {found.get('operation_name')}"


def _request(found: dict[str, Any]) -> str | None:
    connection, url = found.get("self"), str(found.get("url"))
    host, port = getattr(connection, "host", None), getattr(connection, "port", None)
    if host is None:
        return None
    if "://" not in url:
        scheme = "https" if getattr(connection, "default_port", 80) == 443 else "http"
        url = f"{scheme}://{host}{'' if port in {80, 443, None} else f':{port}'}{url}"
    text = f"{found.get('method')} {url.partition('?')[0]}"  # what is behind the question mark may be secret
    return text if len(text) <= 200 else text[:199] + "…"
