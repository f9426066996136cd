"""Thumbnails for an album of 200 photos: a map with bounded concurrency that lives with some broken files.

Up to one in ten photos may be broken. A storage that is busy is asked again; a broken file is not.
"""

import time

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    Duration,
    MapConfig,
    StepConfig,
)
from aws_durable_execution_sdk_python.retries import (
    JitterStrategy,
    RetryStrategyConfig,
    create_retry_strategy,
)


class BrokenFile(Exception):
    """The photo cannot be read, now or later."""


class StorageBusy(Exception):
    """The storage asks for patience."""


RETRY_WHEN_BUSY = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=3,
            initial_delay=Duration.from_seconds(2),
            jitter_strategy=JitterStrategy.NONE,
            retryable_error_types=[StorageBusy],
        )
    )
)


class Storage:
    """Stands in for the bucket: some photos of it are broken, and once it was busy."""

    broken = frozenset({13, 42, 71, 100, 129, 158, 187})
    busy_once = {57, 150}

    def scale(self, number: int) -> int:
        time.sleep(0.05 + number % 7 * 0.03)
        if number in self.broken:
            raise BrokenFile(f"photo-{number:03}.jpg ends after {number} bytes")
        if number in self.busy_once:
            self.busy_once.discard(number)
            raise StorageBusy(f"photo-{number:03}.jpg: 503 Slow Down")
        return 4_000 + number


storage = Storage()


@durable_step
def list_photos(step: StepContext, album: str, count: int) -> list[int]:
    time.sleep(0.2)
    return list(range(count))


def make_thumbnail(context: DurableContext, number: int, index: int, numbers: list[int]) -> int:
    """One photo; gives the size of its thumbnail in bytes."""
    return context.step(lambda _: storage.scale(number), name="scale", config=RETRY_WHEN_BUSY)


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    photos = context.step(list_photos(event["album"], event["photos"]), name="list-photos")

    thumbnails = context.map(
        photos,
        make_thumbnail,
        name="make-thumbnails",
        config=MapConfig(
            max_concurrency=10,
            completion_config=CompletionConfig(tolerated_failure_percentage=10),
            item_namer=lambda number, index: f"photo-{number:03}",
        ),
    )

    broken = [item.index for item in thumbnails.failed()]
    total_bytes = sum(thumbnails.get_results())
    return {"album": event["album"], "made": thumbnails.success_count, "broken": broken, "bytes": total_bytes}
