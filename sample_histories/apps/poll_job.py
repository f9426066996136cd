"""A video is transcoded by a service that can only be asked "ready yet?": wait_for_condition.

Between two questions the execution sleeps and costs nothing. What a poll returned is the state the next one gets.
"""

import time

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration, JitterStrategy
from aws_durable_execution_sdk_python.types import WaitForConditionCheckContext
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitStrategyConfig,
    create_wait_strategy,
)


class Transcoder:
    """Stands in for the service. A job is further each time somebody asks."""

    progress = iter([5, 20, 55, 90, 100])

    def percent(self, job_id: str) -> int:
        time.sleep(0.17)
        return next(self.progress)


transcoder = Transcoder()


@durable_step
def start_job(step: StepContext, video: str) -> str:
    time.sleep(0.3)
    return f"job-{video}"


def ask(state: dict, context: WaitForConditionCheckContext) -> dict:
    """One poll: from the state after the last one to the state now."""
    return {
        "jobId": state["jobId"],
        "percent": transcoder.percent(state["jobId"]),
        "polls": state["polls"] + 1,
    }


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    job_id = context.step(start_job(event["video"]), name="start-job")
    job = context.wait_for_condition(
        ask,
        name="transcoded",
        config=WaitForConditionConfig(
            initial_state={"jobId": job_id, "percent": 0, "polls": 0},
            wait_strategy=create_wait_strategy(
                WaitStrategyConfig(
                    should_continue_polling=lambda state: state["percent"] < 100,
                    initial_delay=Duration.from_seconds(10),
                    max_delay=Duration.from_minutes(2),
                    backoff_rate=2,
                    jitter_strategy=JitterStrategy.NONE,
                )
            ),
        ),
    )
    url = context.step(lambda _: f"https://videos.example/{job_id}.mp4", name="publish")
    return {"url": url, "polls": job["polls"]}
