"""Record returns/ again: ``python sample_histories/record_returns.py``. Two dozen executions of apps/returns.py.

Some were damaged and replaced, others refunded; the last ones are still under way: with the warehouse, or in the day
that a customer has to object. notebooks/02_determinism_audit.ipynb audits a change against them.
"""

from __future__ import annotations

import json
import logging

from record import HERE, app, iso
from recording import Answer, RecordingRunner

DAY = 86_400
FOLDER = HERE / "returns"


def record(number: int, *, damaged: bool, look_after_seconds: float | None) -> None:
    answer = Answer(DAY * (1 + number % 3), result=json.dumps({"damaged": damaged}))
    with RecordingRunner(
        app("returns").handler, answers={"inspection": [answer]}, look_after_seconds=look_after_seconds
    ) as runner:
        recording = runner.record(
            {"order": f"o-{number}"},
            function_name="returns",
            execution_name=f"return-{number}",
            execution_timeout=30 * DAY,
        )
    events = ",\n".join(json.dumps(event, default=iso) for event in recording.history["Events"])
    path = FOLDER / f"return-{number}.json"
    path.write_text(
        f'{{"DurableExecutionArn": {json.dumps(recording.arn)}, "Events": [\n{events}\n]}}\n',
        encoding="utf-8",
    )
    print(f"{path.name:18} {recording.status:10} {len(recording.history['Events']):3} events")


def main() -> None:
    logging.disable()
    FOLDER.mkdir(exist_ok=True)
    for number in range(101, 125):
        stage = {122: 0.5 * DAY, 123: 0.5 * DAY, 124: 2.5 * DAY}.get(number)  # 124 is answered after two days
        record(number, damaged=number % 4 == 0, look_after_seconds=stage)


if __name__ == "__main__":
    main()
