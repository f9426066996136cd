"""Operation ids turned back into logical positions."""

from __future__ import annotations

import hashlib
import time

from aws_durable_execution_sdk_python.identifier import OperationIdNamespace
from hypothesis import given
from hypothesis import strategies as st

from durable_debug.history import identity, operation_id
from durable_debug.history.identity import recover_positions


def chain(*numbers: int) -> str:
    """Id of the operation at a position."""
    found = None
    for n in numbers:
        found = operation_id(found, n)
    return found or ""


def javascript(position: str) -> str:
    return hashlib.md5(position.encode()).hexdigest()[:16]


@given(st.one_of(st.none(), st.text(min_size=1)), st.integers(0, 10_000))
def test_ids_are_the_sdk_s(prefix: str | None, n: int) -> None:
    assert operation_id(prefix, n) == OperationIdNamespace(prefix).create_id_for_step(n)


def fresh(parents: dict[str, str | None]) -> dict[str, str]:
    """Without what earlier histories taught."""
    identity._KNOWN.clear()
    found = recover_positions(parents)
    assert recover_positions(parents) == found, "what was learned is the same"
    return found


def test_contexts_count_from_one_and_branches_from_zero() -> None:
    parents = {chain(1): None, chain(2): None, chain(2, 0): chain(2), chain(2, 1): chain(2)}
    parents |= {chain(2, 0, 1): chain(2, 0), chain(2, 1, 1): chain(2, 1), chain(3): None}
    assert list(fresh(parents).values()) == ["1", "2", "2-0", "2-1", "2-0-1", "2-1-1", "3"]


def test_operations_of_flat_branches_are_found_at_their_branch() -> None:
    top = chain(1)
    parents = {top: None} | {chain(1, branch, n): top for branch in range(200) for n in (1, 2)}
    assert fresh(parents)[chain(1, 150, 2)] == "1-150-2"
    assert not any("?" in position for position in fresh(parents).values())


def test_virtual_contexts_inside_virtual_contexts() -> None:
    # A child context inside a virtual one inside a FLAT branch: its parent is the map, its children's parent is itself.
    parents = {chain(1): None, chain(1, 3, 2, 1): chain(1), chain(1, 3, 2, 1, 1): chain(1, 3, 2, 1)}
    assert list(fresh(parents).values()) == ["1", "1-3-2-1", "1-3-2-1-1"]


def test_out_of_order_and_with_gaps() -> None:
    parents = {chain(n): None for n in (7, 2, 40, 3)}
    assert fresh(parents) == {chain(n): str(n) for n in (7, 2, 40, 3)}


def test_javascript_ids() -> None:
    parents = {
        javascript("1"): None,
        javascript("1-1"): javascript("1"),
        javascript("1-1-2"): javascript("1-1"),
    }
    assert set(fresh(parents).values()) == {"1", "1-1", "1-1-2"}


def test_ids_that_are_no_hashes_are_shortened() -> None:
    assert fresh({"order-42-and-more": None, "": None, "x" * 64: "y" * 64}) == {
        "order-42-and-more": "?order-42",
        "": "?",
        "x" * 64: "?xxxxxxxx",
    }


def test_children_of_unknown_parents_keep_their_number() -> None:
    assert fresh({operation_id("a" * 64, 4): "a" * 64}) == {operation_id("a" * 64, 4): "?aaaaaaaa-4"}


def test_a_history_of_made_up_ids_does_not_take_for_ever() -> None:
    made_up = {hashlib.sha256(str(n).encode()).hexdigest(): f"{n:064}" for n in range(3_000)}
    start = time.process_time()
    assert all(position.startswith("?") for position in fresh(made_up).values())
    assert time.process_time() - start < 10


def test_parents_in_a_circle() -> None:
    assert set(fresh({"a" * 64: "b" * 64, "b" * 64: "a" * 64}).values()) == {"?aaaaaaaa", "?bbbbbbbb"}
    assert set(fresh({javascript("x"): javascript("y"), javascript("y"): javascript("x")}).values())


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10)),
        min_size=1,
        max_size=40,
        unique=True,
    )
)
def test_whatever_was_recorded_is_found(places: list[tuple[int, int, int]]) -> None:
    parents: dict[str, str | None] = {}
    for place in places:
        for depth in range(1, len(place) + 1):
            parents.setdefault(chain(*place[:depth]), chain(*place[: depth - 1]) or None)
    found = fresh(parents)
    for place in places:
        assert found[chain(*place)] == "-".join(map(str, place))
