"""One service of AWS, called until it answers or cannot: at its pace, with patience, and so that it can be stopped."""

from __future__ import annotations

import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.sources.pace import Pace
from durable_debug.sources.problems import (
    InterruptedFetchError,
    Problem,
    ServiceUnavailableError,
    problem_of,
)
from durable_debug.sources.waiting import OverdueError, StoppedError, within
from durable_debug.spelling import option

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEVER", "PATIENCE", "Answer", "Caller"]

PATIENCE = 60.0
"""Seconds that one answer may take, of at most 6 MB, from being asked for to its last byte."""
NEVER = threading.Event()
"""The `stop` of a call that nobody stops."""
_TRIES = 8
_TRIES_OF_SLOW = 2  # where each takes as long as one waits
_LONGEST_PAUSE = 20.0  # seconds

Answer = dict[str, Any]


class Caller:
    """Calls the operations of one service: ``caller("GetDurableExecution", {…}, arn)``.

    Parameters
    ----------
    client
        boto3 client.
    service
        As IAM names it: ``"lambda"``, ``"logs"``, ``"xray"``.
    rate
        Requests a second, of each operation.
    rates
        The same for operations that have a rate of their own.
    required
        What each operation's answer has to have: botocore takes a body that was lost, or cut short, for an answer with
        nothing in it.
    """

    def __init__(
        self,
        client: Any,
        *,
        service: str,
        rate: float,
        rates: Mapping[str, float] | None = None,
        required: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._service = service
        self._rate = rate
        self._paces = {operation: Pace(its) for operation, its in (rates or {}).items()}
        self._required = required or {}

    @property
    def endpoint(self) -> str:
        """URL that is called."""
        return str(self._client.meta.endpoint_url)

    def __call__(
        self, operation: str, asked: dict[str, Any], subject: str, stop: threading.Event = NEVER
    ) -> Answer:
        """Call until it succeeds, or cannot.

        Raises
        ------
        HistoryError
            It cannot, and why; or `stop` was set.
        """
        pace = self._paces.setdefault(operation, Pace(self._rate))
        for tried in itertools.count(1):
            pace.wait(stop)
            if stop.is_set():
                raise _stopped()
            answer = self._tried(operation, asked, subject, stop)
            if not isinstance(answer, Problem):
                return answer
            most = _TRIES_OF_SLOW if answer.slow else _TRIES
            if not answer.passing or tried >= most:
                raise answer.error
            stop.wait(random.uniform(0.1, min(0.2 * 2**tried, _LONGEST_PAUSE)))  # noqa: S311
        raise AssertionError

    def _tried(
        self, operation: str, asked: dict[str, Any], subject: str, stop: threading.Event
    ) -> Answer | Problem:
        """Call once."""
        method = getattr(self._client, _method(operation))
        try:
            answer: Answer = within(PATIENCE, stop, lambda: method(**asked))
        except StoppedError:
            raise _stopped() from None
        except OverdueError:
            return Problem(
                ServiceUnavailableError(
                    f"{self.endpoint} did not finish its answer to {operation} within {PATIENCE:g} s.",
                    cure=f"Check {option('endpoint_url')} and the network, and call again.",
                ),
                passing=False,
            )
        except Exception as error:  # noqa: BLE001 - all of botocore's, told apart by name
            return problem_of(error, operation, subject, self.endpoint, self._service)
        if isinstance(answer, dict) and self._required.get(operation, "ResponseMetadata") in answer:
            return answer
        return Problem(
            ServiceUnavailableError(
                f"{self.endpoint} gave an empty or broken answer to {operation}.",
                cure=f"Check {option('endpoint_url')}.",
            ),
            passing=True,
        )


def _stopped() -> InterruptedFetchError:
    return InterruptedFetchError("The fetch was stopped.", cure="Call again to go on.")


def _method(operation: str) -> str:
    """boto3's name for an operation: ``get_durable_execution`` for ``GetDurableExecution``."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
