"""Every way in which sources write timestamps gives the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable_debug.history.timestamps import epoch_seconds, from_microseconds, microseconds

MOMENT = datetime(2026, 11, 21, 20, 8, 52, 154_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=-7))),
        MOMENT.replace(tzinfo=None),
        MOMENT.timestamp(),
        1_795_291_732_154,
        1_795_291_732_154.0,
        "2026-11-21T20:08:52.154Z",
        "2026-11-21 20:08:52.154000+00:00",
        "2026-11-21T21:08:52.154+01:00",
        "2026-11-21T20:08:52.154",
        "1795291732.154",
    ],
)
def test_forms(written: object) -> None:
    assert from_microseconds(microseconds(written)) == MOMENT


@pytest.mark.parametrize(
    "wrong", [None, True, "", "yesterday", float("nan"), float("inf"), 1e30, -1e30, [], {}, b"2026", "nan"]
)
def test_what_is_no_timestamp(wrong: object) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        microseconds(wrong)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)))
def test_no_microsecond_is_lost(moment: datetime) -> None:
    assert from_microseconds(microseconds(moment)) == moment
    assert from_microseconds(microseconds(moment.isoformat())) == moment


@given(st.datetimes(datetime(1971, 1, 1), datetime(2106, 1, 1), timezones=st.just(UTC)))
def test_nor_in_a_column(moment: datetime) -> None:
    for column in ([moment.timestamp()], [moment.isoformat()]):
        quick = epoch_seconds(column)
        assert quick is not None
        assert round(quick[0] * 1_000_000) == microseconds(moment)


@pytest.mark.parametrize(
    "column",
    [[], [1.0, 2], [float("nan")], [-1.0], [1e12], ["2026-11-21T20:08:52"], ["x"], [MOMENT], [1.0, None]],
)
def test_the_quick_way_is_for_what_is_certain(column: list[object]) -> None:
    assert epoch_seconds(column) is None
