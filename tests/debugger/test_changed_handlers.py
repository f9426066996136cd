"""The debugger over handlers that were changed: it goes through to the end, past what Lambda would object to."""

from __future__ import annotations

import durable_debug as dd
import pytest

from tests.divergence.mutations import MUTATIONS
from tests.divergence.recorded import replayed

# Their passes were helped over what a held one ends at: a side effect, a payload that can't be read, a wait that goes on.
ENDS_EARLIER = {"calls_out", "writes_in_an_except", "map_serdes", "remove_in_an_open_child"}
CHANGED = {name: one for name, one in list(MUTATIONS.items())[::5] if name not in ENDS_EARLIER}


@pytest.mark.parametrize("mutation", CHANGED.values(), ids=CHANGED)
def test_each_operation_of_a_changed_handler_can_be_stood_at(mutation) -> None:
    run = replayed(mutation)
    with dd.Debugger(run) as dbg:
        places = [operation.place for operation in run.complete.operations]
        for index, place in enumerate(places):
            stop = dbg.goto(index=index)
            assert (stop.kind, stop.index, stop.source) == ("operation", index, place), run.report()
            assert dbg.stack, run.report()
        assert dbg.goto(index=-1).status == run.complete.outcome.status
        dbg.step_back()
        for index in reversed(range(len(places))):  # by the trace
            assert dbg.goto(index=index).source == places[index]
            assert dbg.evaluate("1 + 1") == 2
