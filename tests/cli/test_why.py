"""``durable-debug why`` in a terminal."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "sample_histories"
PAYMENT = f"{SAMPLES / 'apps' / 'payment.py'}:handler"


def test_from_a_failed_history_to_its_line_in_one_command(call):
    told = call("why", str(SAMPLES / "payment_failed.json"), PAYMENT)
    assert told.code == 0
    assert "basket-77 failed after 1 min 6 s" in told.out
    assert "payment.py:" in told.out and "raise PaymentFailed" in told.out
    assert "basket_id  = 'b-77'" in told.out
    assert told.out.rstrip().splitlines()[-1].startswith("next: durable-debug replay ")
    assert len(told.out.splitlines()) <= 40


def test_the_exit_code_is_that_of_replay(call):
    shipping = f"{SAMPLES / 'apps' / 'shipping.py'}:handler"
    assert call("why", str(SAMPLES / "shipping_v1.json"), shipping).code == 1
    assert call("why", str(SAMPLES / "shipping_v1.json")).code == 0
    missing = call("why", str(SAMPLES / "nowhere.json"))
    assert missing.code == 2 and "nowhere.json" in missing.err


def test_a_failed_execution_is_not_called_clean_without_its_line(call):
    told = call("replay", PAYMENT, str(SAMPLES / "payment_failed.json"))
    assert told.code == 0 and "fails as recorded" in told.out and "raise PaymentFailed" in told.out
