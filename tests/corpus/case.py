"""What a case of the corpus is, and what its handlers use to misbehave on purpose."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.retries import (
    JitterStrategy,
    RetryStrategyConfig,
    create_retry_strategy,
)

ROOT = Path(__file__).parent.parent.parent
if str(ROOT / "sample_histories") not in sys.path:
    sys.path.insert(0, str(ROOT / "sample_histories"))

from recording import Answer  # noqa: E402, F401  the cases name it, and the samples are recorded by the same code

# Each step body, submitter, check and invoked function of the corpus says here that it ran. A replay must add nothing.
RAN: list[str] = []

# Where the process is to die, while a case is recorded; empty in a replay.
DEATHS: list[str] = []


def ran(what: str) -> int:
    """Note that a body ran; gives how many times it has by now."""
    RAN.append(what)
    return RAN.count(what)


class ProcessDied(SystemExit):
    """The sandbox is gone in the middle of an invocation: nothing of the SDK or the handler can catch that."""


def die_here(where: str) -> None:
    """Die, if the case says so and has not yet: outside a body, where ``ran`` would count replays too."""
    if where in DEATHS:
        DEATHS.remove(where)
        raise ProcessDied(where)


class Boom(Exception):
    """What goes wrong in the corpus."""


def retry(attempts: int, *delays: int) -> StepConfig:
    """A step configuration with exact delays in seconds: the given ones, then 1 each."""
    first = delays[0] if delays else 1
    rate = delays[1] / first if len(delays) > 1 else 1
    return StepConfig(
        retry_strategy=create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=Duration.from_seconds(first),
                backoff_rate=rate,
                jitter_strategy=JitterStrategy.NONE,
            )
        )
    )


ONCE = retry(1)


@dataclass(frozen=True)
class Case:
    """A durable function and one execution of it.

    ``status`` is that of the execution. ``answers`` are to its callbacks (sample_histories/recording.py); ``durable``
    and ``plain`` the functions it may invoke; ``deaths`` where its process dies, in order. With ``emulator_like`` ids,
    ARN and a clock in microseconds are the emulator's. Where ``ended_by_the_handler`` is False the service ended the
    execution, so that a replay comes to another end: to something that would run, or is still awaited.
    """

    handler: Callable[..., Any]
    name: str
    input: Any = None
    status: str = "SUCCEEDED"
    answers: Mapping[str | None, Sequence[Answer]] = field(default_factory=dict)
    durable: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    plain: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    look_after_seconds: float | None = None
    execution_timeout: int = 86_400
    child_timeout: int = 120
    page_bytes: int | None = None
    emulator_like: bool = False
    ended_by_the_handler: bool = True
    invocation_timeout: int = 900
    module: str = ""

    @property
    def group(self) -> str:
        """The module the handler stands in, without the package."""
        return self.module.rpartition(".")[2]


REGISTRY: dict[str, Case] = {}


def case(name: str | None = None, **facts: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a durable function into the corpus under ``name`` or its own."""

    def enter(handler: Callable[..., Any]) -> Callable[..., Any]:
        key = name or handler.__name__
        if key in REGISTRY:
            raise ValueError(f"two cases are called {key}")
        module = facts.pop("module", None) or handler.__module__
        REGISTRY[key] = Case(handler=handler, name=key, module=module, **facts)
        return handler

    return enter
