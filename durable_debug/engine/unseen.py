"""Libraries of the user's whose doing can't be seen: connections and files of their own in C, or threads of their own."""

from __future__ import annotations

import functools
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any

from durable_debug.engine.effects import whose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["unseen_libraries"]

_UNSEEN = frozenset(
    {
        "MySQLdb",
        "_mysql_connector",
        "adbc_driver_manager",
        "aerospike",
        "awscrt",
        "cassandra",
        "cffi",
        "confluent_kafka",
        "couchbase",
        "ctypes",
        "curl_cffi",
        "cx_Oracle",
        "dbm",
        "deltalake",
        "duckdb",
        "gevent",
        "google.cloud",
        "grpc",
        "h5py",
        "ibm_db",
        "lmdb",
        "mariadb",
        "mmap",
        "netCDF4",
        "oracledb",
        "polars",
        "psycopg",
        "psycopg2",
        "pulsar",
        "pyarrow",
        "pycurl",
        "pymssql",
        "pyodbc",
        "ray",
        "shelve",
        "tables",
        "torch",
        "uvloop",
        "zmq",
    }
)
_MOST_MODULES = 50


def unseen_libraries(function: Callable[..., Any]) -> list[str]:
    """Name those that a handler's module, and the user's modules that it uses, refer to.

    What only libraries use of each other is passed over: it would name half of every notebook.
    """
    if not isinstance(function, types.FunctionType):
        return []
    known = _known.get(function)
    if known is None or known[0] != len(sys.modules):
        known = _known[function] = (len(sys.modules), _found(function.__globals__))
    return known[1]


# By handler: how many modules were loaded then, and what was found. Histories are many, handlers few.
_known: weakref.WeakKeyDictionary[types.FunctionType, tuple[int, list[str]]] = weakref.WeakKeyDictionary()


def _found(namespace: dict[str, Any]) -> list[str]:
    found: set[str] = set()
    for module in _modules(namespace):
        for value in list(module.values()):
            if isinstance(value, types.FunctionType):
                found.update(name for name in _imported_in(value.__code__) if name in sys.modules)
            name = _library(value)
            if name is not None:
                found.add(name)
    return sorted(found)


def _modules(namespace: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The names of a module, and of the user's modules that are reached from it."""
    pending, seen = [namespace], {id(namespace)}
    while pending and len(seen) < _MOST_MODULES:
        current = pending.pop()
        yield current
        for value in list(current.values()):
            if isinstance(value, types.ModuleType):
                module: types.ModuleType | None = value
            else:
                module = sys.modules.get(_home(value))
            if module is None or id(vars(module)) in seen:
                continue
            if whose(getattr(module, "__file__", None) or "<frozen>") == "user":
                seen.add(id(vars(module)))
                pending.append(vars(module))


def _home(value: Any) -> str:
    """Name the module that a class or function is defined in, or the class of an object."""
    if isinstance(value, type):
        home = vars(value).get("__module__")
    elif isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        home = value.__module__
    else:
        home = type(value).__module__  # an attribute of its own might do anything
    return home if isinstance(home, str) else ""


def _library(value: Any) -> str | None:
    name = value.__name__ if isinstance(value, types.ModuleType) else _home(value)
    first, _, rest = name.partition(".")
    second = f"{first}.{rest.partition('.')[0]}"
    return next((known for known in (first, second) if known in _UNSEEN), None)


@functools.lru_cache(maxsize=4096)
def _imported_in(code: types.CodeType) -> tuple[str, ...]:
    """Names that a function imports, or reaches a module by."""
    inner = [
        name for const in code.co_consts if isinstance(const, types.CodeType) for name in _imported_in(const)
    ]
    return (*(name for name in code.co_names if name in _UNSEEN), *inner)
