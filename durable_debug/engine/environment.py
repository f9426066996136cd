"""The environment of a Lambda function, for its code alone: other threads of the process see their own.

What a thread of the handler's reads of `os.environ` is what Lambda sets (region, name, version …: from the execution's
ARN), what the user gives, and else what the process has. Nothing of it is put into the process's environment: the
notebook beside keeps its region and its credentials.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any

from durable_debug.engine.users_code import is_users
from durable_debug.engine.watch import here
from durable_debug.errors import HandlerError
from durable_debug.spelling import option, read_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from durable_debug.engine.arn import ArnParts

__all__ = ["Environment", "fences", "listed_variables", "missing_variable", "named_by", "not_set"]

_GONE = object()  # in an overlay: taken out by the handler
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_CREDENTIAL_FILES = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")
_EXECUTION_ENV = "AWS_Lambda_python{}.{}".format(*sys.version_info)
# No keys that anybody ever had: clients are made with them, and reach nobody.
_NOBODY = {"AWS_ACCESS_KEY_ID": "durable-debug", "AWS_SECRET_ACCESS_KEY": "durable-debug"}


class Environment(dict[str, Any]):
    """Variables that the handler's code finds, before those of the process."""

    @classmethod
    def of(cls, arn: ArnParts | None, given: Mapping[str, str] | None = None) -> Environment:
        """Give what Lambda sets for an execution's function, and what the user gives.

        Source: AWS Lambda developer guide, "Defined runtime environment variables".
        """
        region = (arn.region if arn is not None else None) or _own_region() or "us-east-1"
        found = cls(
            AWS_REGION=region,
            AWS_DEFAULT_REGION=region,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_EXECUTION_ENV=_EXECUTION_ENV,
        )
        if arn is not None and arn.region is not None:  # else nobody knows which function it is
            found.update(
                AWS_LAMBDA_FUNCTION_NAME=arn.function_name,
                AWS_LAMBDA_FUNCTION_VERSION=arn.version,
                AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128",
                AWS_LAMBDA_INITIALIZATION_TYPE="on-demand",
                AWS_LAMBDA_LOG_GROUP_NAME=f"/aws/lambda/{arn.function_name}",
                AWS_LAMBDA_LOG_STREAM_NAME="replay",
            )
        if not _has_credentials():
            found.update(_NOBODY)
        found.update(given or {})
        return found

    @property
    def import_path(self) -> list[str]:
        """Folders that the function's ``PYTHONPATH`` names, where Lambda imports from behind the code: its layers', say."""
        given = self.get("PYTHONPATH")
        return [one for one in given.split(os.pathsep) if one] if isinstance(given, str) else []

    @property
    def key(self) -> tuple[tuple[str, Any], ...]:
        """What tells it from others."""
        return tuple(sorted(self.items()))


def _own_region() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _has_credentials() -> bool:
    value = os.environ.get
    if any(map(value, _CREDENTIALS)):
        return True
    return any(map(os.path.exists, _credential_files(value("HOME"), *map(value, _CREDENTIAL_FILES))))


@functools.lru_cache(maxsize=8)  # for every pass: to make up the paths would take longer than to look
def _credential_files(_home: str | None, *named: str | None) -> tuple[str, ...]:
    paths = (*filter(None, named), "~/.aws/credentials", "~/.aws/config")
    return tuple(map(os.path.expanduser, paths))


def missing_variable(error: BaseException | None) -> tuple[str, str] | None:
    """Give the name of a variable that is not there, and where it is read, if that is what an error says."""
    if not isinstance(error, KeyError) or not error.args or not isinstance(error.args[0], str):
        return None
    last, where = "", ""
    trace = error.__traceback__
    while trace is not None:
        last = trace.tb_frame.f_code.co_filename
        if is_users(last):
            where = f"{os.path.basename(last)}:{trace.tb_lineno}"  # noqa: PTH119
        trace = trace.tb_next
    return (error.args[0], where) if last in {os.__file__, "<frozen os>", __file__} else None


def listed_variables(missing: Mapping[str, str]) -> str:
    """Name variables, each with where it is read."""
    return ", ".join(f"{name} (read at {where})" if where else name for name, where in missing.items())


def not_set(handler: str, missing: Mapping[str, str], error: BaseException) -> HandlerError:
    """Say which variables a handler's modules can't do without."""
    return _lacking(handler, missing, f"without, its import ends with {type(error).__name__}: {error}")


def named_by(handler: str, missing: Mapping[str, str]) -> HandlerError:
    """Say by which variables a handler may name its operations."""
    return _lacking(handler, missing, "an operation is named by what it reads there")


def _lacking(handler: str, missing: Mapping[str, str], why: str) -> HandlerError:
    one, first = len(missing) == 1, next(iter(missing))
    which = "an environment variable that is" if one else "environment variables that are"
    return HandlerError(
        f"{handler} needs {which} not set: {listed_variables(missing)}; {why}.",
        cure=f"Give {'it' if one else 'them'} as the function's configuration does: "
        f"{option('env', {first: '…'})}{read_by(python='', terminal=', or --env-file FILE')}.",
    )


# ------------------------------------------------------------------------------------ as the code reads it


def fences() -> list[tuple[Any, str, Callable[[Any], Any]]]:
    """Functions of `os.environ` that are stood in for while a thread is watched."""
    kind = type(os.environ)
    return [(kind, name, make) for name, make in _MAKERS.items()]


def _mine(environ: Any) -> dict[str, Any] | None:
    return here.environment if environ is os.environ else None


@functools.cache
def _getting(original: Callable[..., Any]) -> Callable[..., Any]:
    def __getitem__(environ: Any, key: Any) -> Any:  # noqa: N807
        mine = _mine(environ)
        if mine is None or not isinstance(key, str):
            return original(environ, key)
        value = mine.get(key)
        if value is _GONE:
            raise KeyError(key)
        if value is not None:
            return value
        return original(environ, key)

    return __getitem__


@functools.cache
def _setting(original: Callable[..., Any]) -> Callable[..., Any]:
    def __setitem__(environ: Any, key: Any, value: Any) -> None:  # noqa: N807
        original(environ, key, value)
        mine = _mine(environ)
        if mine is not None:
            mine.pop(key, None)

    return __setitem__


@functools.cache
def _deleting(original: Callable[..., Any]) -> Callable[..., Any]:
    def __delitem__(environ: Any, key: Any) -> None:  # noqa: N807
        mine = _mine(environ)
        if mine is None or key not in mine or mine[key] is _GONE:
            original(environ, key)
            return
        mine[key] = _GONE

    return __delitem__


@functools.cache
def _listing(original: Callable[..., Any]) -> Callable[..., Any]:
    def __iter__(environ: Any) -> Iterator[Any]:  # noqa: N807
        mine = _mine(environ)
        if mine is None:
            yield from original(environ)
            return
        yield from (key for key in original(environ) if key not in mine)
        yield from (key for key, value in list(mine.items()) if value is not _GONE)

    return __iter__


@functools.cache
def _counting(original: Callable[..., Any]) -> Callable[..., Any]:
    def __len__(environ: Any) -> int:  # noqa: N807
        return original(environ) if _mine(environ) is None else sum(1 for _ in environ)

    return __len__


_MAKERS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "__getitem__": _getting,
    "__setitem__": _setting,
    "__delitem__": _deleting,
    "__iter__": _listing,
    "__len__": _counting,
}
