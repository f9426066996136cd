"""What every test shares: no account to reach by accident, and nothing of a replay left behind."""

from __future__ import annotations

import asyncio
import builtins
import concurrent.futures
import http.client
import io
import logging
import marshal
import multiprocessing.connection
import multiprocessing.pool
import multiprocessing.queues
import operator
import os
import pickle
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import _posixsubprocess
import _thread
from pathlib import Path
from typing import Iterator

import aws_durable_execution_sdk_python.execution  # noqa: F401  before any test, so that its modules are seen unpatched
import hypothesis
import pytest

ROOT = Path(__file__).parent.parent
SDK = "aws_durable_execution_sdk_python"

# A test that would reach an account must fail, and not depend on whose machine it is.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["MPLBACKEND"] = "agg"

hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def samples() -> Path:
    """The folder of recorded histories and the handlers that produced them."""
    return ROOT / "sample_histories"


# Threads that other libraries keep for the life of the process.
LASTING_THREADS = ("asyncio_", "tqdm", "IPython", "IOPub", "Heartbeat", "pydevd", "Tornado", "ZMQ", "jupyter")

LINGERING = 15.0  # seconds for a thread to end: the machine may be busy

# What a guard against side effects might patch, and must put back.
SENDING = ("send", "sendall", "sendto", "sendmsg", "sendmsg_afalg", "sendfile")
WRITING = (
    "write",
    "writev",
    "pwrite",
    "pwritev",
    "sendfile",
    "splice",
    "copy_file_range",
    "mkfifo",
    "mknod",
    "killpg",
    "abort",
)
GUARDED = (
    (_posixsubprocess, ("fork_exec",)),
    (_thread, ("start_new_thread", "start_new", "start_joinable_thread")),
    (asyncio.BaseEventLoop, ("call_soon_threadsafe",)),
    (builtins, ("open", "print", "input", "__import__", "exec")),
    (concurrent.futures.ProcessPoolExecutor, ("submit",)),
    (concurrent.futures.ThreadPoolExecutor, ("submit",)),
    (http.client.HTTPConnection, ("request", "putrequest", "send")),
    (io, ("open",)),
    (marshal, ("dump",)),
    (multiprocessing.connection._ConnectionBase, ("send", "send_bytes")),
    (multiprocessing.pool.Pool, ("apply_async", "_map_async", "imap", "imap_unordered")),
    (multiprocessing.queues.Queue, ("put",)),
    (os, ("open", "system", "fork", "remove", "_exit", *WRITING)),
    (pickle, ("dump",)),
    (queue.Queue, ("put",)),
    (signal, ("raise_signal", "pidfd_send_signal")),
    (socket, ("socket", "create_connection", "getaddrinfo")),
    (socket.socket, ("connect", *SENDING)),
    (ssl.SSLSocket, ("write", *SENDING)),
    (subprocess, ("Popen", "run")),
    (subprocess.Popen, ("__init__",)),
    (sys, ("exit", "excepthook", "displayhook")),
    (threading, ("Thread", "excepthook", "_start_new_thread", "_start_joinable_thread")),
    (threading.Thread, ("start",)),
    (time, ("sleep", "time", "monotonic", "perf_counter")),
)


class Names:
    """The names of a module or class as they were. Told unchanged in C: the SDK has 3,500 of them, looked at twice a test."""

    def __init__(self, owner: object) -> None:
        names = vars(owner)
        self.owner, self.keys, self.values = owner, tuple(names), tuple(names.values())

    def unchanged(self) -> bool:
        names = vars(self.owner)
        return (
            len(names) == len(self.keys)
            and all(map(operator.is_, names.values(), self.values))
            and all(map(operator.eq, names, self.keys))
        )

    def changed(self) -> list[str]:
        """The names that are gone or stand for something else; new ones do not count."""
        names = vars(self.owner)
        return [key for key, was in zip(self.keys, self.values) if names.get(key, Names) is not was]


class SdkNames:
    """All that a replay might have patched in the SDK, its classes included. Only what has changed is read anew."""

    def __init__(self) -> None:
        self.modules: dict[str, tuple[Names, list[Names]]] = {}

    def look(self) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == SDK]:
            module, known = sys.modules[name], self.modules.get(name)
            if known is None or known[0].owner is not module or not known[0].unchanged():
                own = [
                    one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name
                ]
                self.modules[name] = Names(module), [Names(one) for one in dict.fromkeys(own)]
            else:
                classes = known[1]
                classes[:] = [one if one.unchanged() else Names(one.owner) for one in classes]

    def changed(self) -> list[str]:
        """What is something else than at the last look."""
        found: list[str] = []
        for name, (module, classes) in self.modules.items():
            if sys.modules.get(name) is not module.owner:
                found.append(name)
            for one in (module, *classes):
                if not one.unchanged():
                    label = name if one is module else f"{name}.{one.owner.__name__}"
                    found += [f"{label}.{key}" for key in one.changed()]
        return found


sdk_names = SdkNames()


def guarded() -> list[object]:
    """What the names of the standard library that a guard might patch stand for."""
    return [getattr(owner, name, None) for owner, names in GUARDED for name in names]


def hooks() -> dict[str, object]:
    """The interpreter's hooks that a debugger may set, and what else of the process a replay may stand in for."""
    found = {"trace": sys.gettrace(), "threads' trace": threading.gettrace(), "profile": sys.getprofile()}
    found["level of the SDK's log"] = logging.getLogger(SDK).level
    ours = [type(one) for one in (sys.stdout, sys.stderr, *logging.root.handlers)]
    found["streams and log handlers of ours"] = [
        one for one in ours if one.__module__.startswith("durable_debug")
    ]
    if sys.version_info >= (3, 12):
        found |= {f"monitoring tool {i}": sys.monitoring.get_tool(i) for i in range(6)}
    return found


def new_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.name.startswith(LASTING_THREADS)
    ]


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No thread, no trace hook and no patched module stays after a test.

    Threads have a while to end: the SDK's own look at their stop flag ten times a second, and the machine may be busy.
    """
    threads, hooks_before, guarded_before = set(threading.enumerate()), hooks(), guarded()
    sdk_names.look()
    yield
    for thread in new_threads(threads):
        thread.join(LINGERING)
    assert hooks() == hooks_before
    labels = [f"{owner.__name__}.{name}" for owner, names in GUARDED for name in names]
    patched = [label for label, was, now in zip(labels, guarded_before, guarded()) if now is not was]
    assert patched + sdk_names.changed() == []
    assert new_threads(threads) == []
