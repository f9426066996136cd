"""What stands in for a value has its form, and nothing of it else."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import json
import string
import uuid
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from durable_debug.stand_ins import StandIns, coarse, extreme, form
from hypothesis import given

STAND_INS = StandIns(b"a secret of the tests")


@pytest.mark.parametrize(
    ("length", "alphabet"),
    [(1, string.ascii_lowercase), (2, string.digits), (3, string.digits), (2, string.ascii_uppercase)],
)
def test_short_texts_change_places_with_each_other(length: int, alphabet: str) -> None:
    texts = ["".join(letters) for letters in itertools.product(alphabet, repeat=length)]
    given = [StandIns(b"another").text(text) for text in texts]
    assert sorted(given) == texts and all(new != text for new, text in zip(given, texts, strict=True))


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (["2026-11-21", "1985-02-28", "9999-12-31"], datetime.date.fromisoformat),
        (["2026-11-21T20:08:52.5Z", "2000-01-01T00:00:00+02:00"], datetime.datetime.fromisoformat),
        (["20:08", "23:59:59.123456"], datetime.time.fromisoformat),
        (["42", "-3.50", "0.05", "1e5", "+7", "NaN"], Decimal),
        (["9d8a5d43-95a0-41d3-aeeb-69dfdbfa1c39", "017114B8-B988-49C8-976F-ACF483F08115"], uuid.UUID),
        (["10.0.0.1", "255.255.255.255", "127.0.0.1"], ipaddress.IPv4Address),
        (["deadbeef01", "DEADBEEF01", "0123456789abcdef" * 4], lambda text: int(text, 16)),
        (['{"a": [1, "x"]}', "[true, null]"], json.loads),
    ],
)
def test_what_can_be_read_still_can(texts: list[str], read: Any) -> None:
    for number, text in itertools.product(range(25), texts):
        new = StandIns(b"%d" % number).text(text)
        read(new)
        assert form(new) == form(text) and (new != text or text == "NaN")


def test_beginnings_that_say_what_a_text_is_stay() -> None:
    assert STAND_INS.text("https://example.com/a").startswith("https://")
    assert STAND_INS.text("arn:aws:sqs:eu-west-1:123456789012:orders").startswith("arn:aws:sqs:eu-west-1:")
    assert uuid.UUID(STAND_INS.text(str(uuid.uuid4()))).version == 4


@given(st.integers() | st.floats())
def test_numbers_keep_sign_and_digits(number: float) -> None:
    new = STAND_INS.number(number)
    assert type(new) is type(number) and form(new) == form(number)
    assert bool(new) is bool(number) and (new < 0) is (number < 0)
    if number == number and abs(number) not in {0, float("inf")}:
        assert new != number
        low, high = (abs(extreme(number, highest=highest)) for highest in (False, True))
        assert low <= abs(number) <= high and low <= abs(new) <= high


@given(st.text() | st.from_regex(r"[a-zA-Z0-9:. -]{1,20}", fullmatch=True))
def test_any_text_keeps_its_form(text: str) -> None:
    new = STAND_INS.text(text)
    assert form(new) == form(text)
    assert text[:1] in {"{", "["} or (len(new) == len(text) and coarse(new) == coarse(text))
    assert new == STAND_INS.text(text)
    assert form(STAND_INS.text(new)) == form(text)  # again, and by another secret
    assert form(StandIns(b"another").text(new)) == form(text)


@given(st.lists(st.text(string.ascii_letters + string.digits + "-", min_size=1), unique=True))
def test_different_texts_stay_different(texts: list[str]) -> None:
    assert len({STAND_INS.text(text) for text in texts}) == len(texts)


def test_without_the_secret_nobody_can_try() -> None:
    assert len({StandIns(b"%d" % number).text("0123") for number in range(50)}) > 40
    assert STAND_INS.of(True) is False and STAND_INS.of(None) is None and STAND_INS.of(0) == 0
