"""An unchanged handler replays clean: the whole corpus, as Lambda and as the emulator write it, whole and by invocation."""

from __future__ import annotations

from typing import Iterator

import durable_debug as dd
import pytest
from corpus import CASES, GROUPS, RAN, Case
from corpus.recorder import record


@pytest.mark.parametrize("group", GROUPS)
def test_no_false_alarm(group: str) -> None:
    """By groups: a test of its own for each of 388 handlers would take longer than all their replays."""
    alarms = [alarm for case in CASES.values() if case.group == group for alarm in alarms_of(case)]
    assert alarms == []


def alarms_of(case: Case) -> Iterator[str]:
    recorded = record(case)
    RAN.clear()
    for form in ("history", "raw"):
        history = dd.load(getattr(recorded, form))
        run = dd.replay(case.handler, history)
        if not run.ok or run.divergences:
            yield f"{case.name}, {form}: {run.report()}"
        for k in range(1, len(history.invocations) + 1):
            part = dd.replay(case.handler, history, invocation=k)
            if not part.ok or part.divergences:
                yield f"{case.name}, {form}, invocation {k}: {part.report()}"
        if RAN:
            yield f"{case.name}, {form}: {RAN} ran"
