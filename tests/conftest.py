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


def patchable() -> dict[str, object]:
    """What a replay might have patched: guarded names of the standard library, and all of the SDK, classes included."""
    found = {
        f"{owner.__name__}.{name}": getattr(owner, name, None) for owner, names in GUARDED for name in names
    }
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] != SDK:
            continue
        for key, value in vars(module).items():
            found[f"{module_name}.{key}"] = value
            if isinstance(value, type) and value.__module__ == module_name:
                found |= {f"{module_name}.{key}.{name}": member for name, member in vars(value).items()}
    return found


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

    Threads have two seconds to end: the SDK's own look at their stop flag ten times a second.
    """
    threads, hooks_before, patchable_before = set(threading.enumerate()), hooks(), patchable()
    yield
    assert hooks() == hooks_before
    now = patchable()
    assert [name for name, was in patchable_before.items() if now.get(name) is not was] == []
    give_up = time.monotonic() + 2
    while new_threads(threads) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert new_threads(threads) == []
