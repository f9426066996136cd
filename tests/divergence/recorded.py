"""A base's history, and a mutation as a file that is replayed over it."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path

import durable_debug as dd
from corpus.case import Case
from corpus.recorder import run
from durable_debug.engine.handlers import resolve

from tests.divergence.bases import BASES
from tests.divergence.mutations import Mutation

FOLDER = Path(tempfile.mkdtemp(prefix="mutations-"))
IMPATIENT = 0.4  # seconds after which a handler that asks for nothing more is ended: one that runs for ever
PATIENT = 60.0  # on a busy machine any other may take its time


def written(name: str, source: str) -> str:
    """Write a handler's source; gives how to name the handler."""
    path = FOLDER / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        path.write_text(source)
    return f"{path}:handler"


@cache
def history_of(base: str) -> dd.History:
    """The history of a base's execution, run by the SDK's testing runner."""
    wanted = BASES[base]
    resolve(written(f"base_{base}", wanted.source))
    module = sys.modules[f"base_{base}"]
    case = Case(
        handler=module.handler,
        name=base.replace("_", "-"),
        input=wanted.input,
        status=wanted.status,
        answers=wanted.answers,
        plain=wanted.plain,
        look_after_seconds=wanted.look_after_seconds,
        module="tests.mutations",
    )
    recording = run(case)
    assert recording.status == wanted.status, (base, recording.status, recording.error)
    module.RAN.clear()
    return dd.load(recording.history)


@cache
def replayed(mutation: Mutation) -> dd.Run:
    """A changed handler over the history of the unchanged one."""
    found = dd.replay(
        written(f"changed_{mutation.name}", mutation.source),
        history_of(mutation.base),
        timeout=IMPATIENT if "for_ever" in mutation.name else PATIENT,
    )
    assert found.divergences is not None  # compared while nothing else runs
    return found
