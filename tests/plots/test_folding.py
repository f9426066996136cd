"""What is shown together, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from durable_debug.history import History
from durable_debug.plots.folding import family_names, fold, in_order
from durable_debug.sources import load
from tests.plots.made import a_map, histories, steps


def shown(history: History, *args, **options) -> list[tuple[str, int]]:
    return [(group.name, group.count) for group in in_order(fold(history, *args, **options))]


def test_runs_of_alike_steps_are_one():
    history = steps("first", *(f"send-{n}" for n in range(10)), "last")
    assert shown(history) == [("first", 1), ("send-*", 10), ("last", 1)]
    assert len(shown(history, False)) == 12
    assert len(shown(history, 11)) == 12
    assert shown(history, 10) == shown(history)


def test_what_failed_stands_by_itself():
    history = steps(*(f"send-{n}" for n in range(1, 12)), failed=(6,))
    assert shown(history) == [("send-*", 5), ("send-6", 1), ("send-*", 5)]


def test_blocks_that_repeat_fold_too():
    history = steps(*(f"{word}-{n}" for n in range(6) for word in ("reserve", "charge")), "report")
    groups = list(in_order(fold(history)))
    assert [(group.name, group.count, group.block) for group in groups] == [
        ("reserve-*", 6, 2),
        ("charge-*", 6, 1),
        ("report", 1, 1),
    ]


def test_few_are_not_folded():
    assert len(shown(steps("a-1", "a-2", "a-3"))) == 3


def test_items_of_a_map_fold_whatever_their_names_but_not_whatever_became_of_them():
    history = a_map(8, failed=(3, 5), name="{}")
    assert shown(history) == [
        ("all", 1),
        ("*", 6),
        ("read", 6),
        ("write", 6),
        ("3", 1),
        ("read", 1),
        ("write", 1),
        ("5", 1),
        ("read", 1),
        ("write", 1),
        ("report", 1),
    ]


def test_items_of_a_flat_map_fold_step_by_step():
    groups = fold(a_map(8, flat=True))
    assert [[(group.name, group.count) for group in strand] for strand in groups[0].strands] == [
        [("read", 8), ("write", 8)]
    ]


def test_names_have_stars_only_where_they_differ():
    history = steps(*(f"eu-1/send-{n}" for n in range(5)))
    assert shown(history) == [("eu-1/send-*", 5)]


@pytest.mark.parametrize("unfold", [["1-3"], ["item-3"], "1-3"])
def test_one_can_be_taken_out(unfold):
    assert shown(a_map(8), unfold=unfold) == [
        ("all", 1),
        ("item-*", 7),
        ("read", 7),
        ("write", 7),
        ("item-3", 1),
        ("read", 1),
        ("write", 1),
        ("report", 1),
    ]


def test_what_is_inside_brings_out_what_it_lies_in():
    found = shown(a_map(8), unfold=["1-3-2"])
    assert ("item-3", 1) in found
    assert found.count(("write", 1)) == 1


def test_a_glob_unfolds_all_within():
    assert len(shown(a_map(8), unfold=["1-*"])) == 1 + 8 * 3 + 1
    assert len(shown(a_map(8), unfold=["write"])) == len(shown(a_map(8), False))


def test_the_large_sample_is_a_handful(samples):
    assert shown(load(samples / "large_2900.json")) == [
        ("list-regions", 1),
        ("region-*", 20),
        ("make-*", 1440),
        ("send-*", 1440),
        ("mail-limit-*", 4),
        ("report", 1),
    ]


@settings(max_examples=100)
@given(histories(), st.sampled_from([True, False, 2, 3]), st.sampled_from([[], ["b-*"], ["1"], ["2-*"]]))
def test_every_operation_is_shown_once_and_depths_are_those_of_the_tree(history, how, unfold):
    groups = list(in_order(fold(history, how, unfold)))
    ids = [operation.id for group in groups for operation in group.operations]
    assert sorted(ids) == sorted(operation.id for operation in history.tree())
    assert all(group.depth == operation.depth for group in groups for operation in group.operations)
    assert all(len({operation.status for operation in group.operations}) == 1 for group in groups)
    if how is False:
        assert len(groups) == len(ids)


def test_names_of_families():
    history = steps("a-1", "b", "a-2", "c-7")
    assert family_names(history.tree()) == ["a-*", "b", "a-*", "c-7"]
