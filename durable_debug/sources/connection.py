"""The Lambda API through boto3, or a local server that speaks it, at a pace it bears."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import random
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history import History
from durable_debug.options import unknown_options
from durable_debug.sources.pace import Pace
from durable_debug.sources.problems import (
    InterruptedFetchError,
    Problem,
    ServiceUnavailableError,
    problem_of,
)
from durable_debug.sources.waiting import OverdueError, StoppedError, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MOST_THREADS", "RATE", "Connection", "connect"]

RATE = 15.0
"""History requests a second that an account is allowed *(docs, 2026-11)*; GetDurableExecution twice as many."""
MOST_THREADS = 8
PATIENCE = 60.0
"""Seconds that one answer may take, of at most 6 MB, from being asked for to its last byte."""
MOST_EVENTS = 250_000
"""Of one execution: Lambda lets one ask for 3,000 operations *(docs, 2026-11)*."""
MOST_EXECUTIONS = 1_000_000
"""Of one function, in one list."""
_PAGE = 1000  # the API's most
_MOST_IDLE = 20  # pages on end with nothing new in them
_MOST_IDLE_CHOSEN = 1000  # where most are left out of each
_TRIES = 8
_TRIES_OF_SLOW = 2  # where each takes as long as one waits
_LONGEST_PAUSE = 20.0  # seconds
_READS = 4  # of a running execution whose events move between two pages
_NEVER = threading.Event()
_GET = "GetDurableExecution"
_HISTORY = "GetDurableExecutionHistory"
_LIST = "ListDurableExecutionsByFunction"
# What each answer has to have: botocore takes a body that was lost, or cut short, for an answer with nothing in it.
_REQUIRED = {_GET: "Status", _HISTORY: "Events", _LIST: "DurableExecutions"}


WHERE = ("client", "session", "profile", "region", "endpoint_url", "rate")  # options that say where to look


def connect(  # noqa: PLR0913
    *,
    client: Any = None,
    session: Any = None,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    rate: float = RATE,
    subject: str = "",
    **unknown: Any,
) -> Connection:
    """Make a connection.

    Parameters
    ----------
    client
        A ready-made boto3 client for ``lambda``; the other options are then of no use.
    session
        A boto3 Session.
    profile, region
        As boto3 has them. The region is taken from `subject` where it is an ARN.
    endpoint_url
        Of a local server. One on this machine (``http://127.0.0.1:…``) needs no credentials.
    rate
        History requests a second.
    subject
        What is going to be asked for.

    Raises
    ------
    DurableDebugError
        boto3 is not installed, or too old.
    HistoryError
        There is no such profile, or no region.
    """
    unknown_options("connect", unknown, WHERE)
    if not rate > 0:
        raise HistoryError(
            f"rate={rate!r} is no number of requests a second.", cure=f"Leave it out ({RATE:g})."
        )
    if client is None:
        client = _client(session, profile, region or _region_of(subject), endpoint_url)
    if not hasattr(client, "get_durable_execution_history"):
        raise DurableDebugError(
            f"This {type(client).__name__} knows no durable executions.",
            cure="Give a client of boto3 for 'lambda'; with an older boto3: pip install -U 'boto3>=1.42'.",
        )
    return Connection(client, rate=rate)


def _client(session: Any, profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    try:
        import boto3
        import botocore
        from botocore.config import Config
        from botocore.exceptions import NoRegionError, ProfileNotFound
    except ImportError:
        raise DurableDebugError(
            "boto3 is not installed.", cure="Install it with: pip install 'durable_debug[aws]'"
        ) from None
    local = endpoint_url is not None and _is_this_machine(endpoint_url)
    options: dict[str, Any] = {
        "retries": {
            "mode": "standard",
            "total_max_attempts": 1,
        },  # ours can be interrupted, botocore's cannot
        "max_pool_connections": MOST_THREADS,
        "connect_timeout": 10,
        "read_timeout": 30,
    }
    if local and session is None and profile is None:
        options["signature_version"] = botocore.UNSIGNED
    try:
        session = session or boto3.Session(botocore_session=_core(), profile_name=profile)
        region = region or session.region_name or ("us-east-1" if local else None)
        return session.client(
            "lambda", region_name=region, endpoint_url=endpoint_url, config=Config(**options)
        )
    except ProfileNotFound:
        raise HistoryError(
            f"There is no AWS profile {profile!r:.80}.", cure="`aws configure list-profiles` lists them."
        ) from None
    except NoRegionError:
        raise HistoryError(
            "It is not known which AWS region to ask.", cure="Give region='eu-west-1' or the like."
        ) from None
    except ValueError as error:
        raise HistoryError(
            f"{error!s:.200}.", cure="Give endpoint_url='http://127.0.0.1:5000' or the like."
        ) from None


def _core() -> Any:
    """A botocore session that reads timestamps quickly: its own way takes a third of the time of a page of events."""
    from botocore.session import get_session
    from botocore.utils import parse_timestamp

    def moment(value: Any) -> datetime:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        parsed: datetime = parse_timestamp(value)
        return parsed

    core = get_session()
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
    return core


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return urlsplit(url).scheme == "http" and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def _region_of(subject: str) -> str | None:
    parts = subject.split(":")
    return (parts[3] or None) if len(parts) > 3 and parts[0] == "arn" else None


Answer = dict[str, Any]
Summary = dict[str, Any]


class Connection:
    """Calls to the API. Called with an ARN it loads that execution: a history's source.

    Parameters
    ----------
    client
        boto3 client for ``lambda``.
    rate
        History requests a second.
    """

    def __init__(self, client: Any, *, rate: float = RATE) -> None:
        self.client = client
        self._paces = {_GET: Pace(2 * rate)}
        self._rate = rate
        self._local = threading.local()

    def __call__(self, arn: str, *, stop: threading.Event | None = None) -> History:
        """Load one execution: its own record, then every page of its events; until `stop` is set."""
        stop = stop or self._stop()
        # In this order, so that the events are never older than the status.
        asked = {"DurableExecutionArn": arn, "IncludeExecutionData": True}
        execution = self._call(_GET, asked, arn, stop)
        for _ in range(_READS):
            events = self._events(asked, arn, stop)
            if _are_all(events):
                break  # else it went on between two pages, and this server counts its events anew
        execution.pop("ResponseMetadata", None)
        return History(_filled(events, execution), arn=arn, execution=execution, source=self)

    def _stop(self) -> threading.Event:
        told: threading.Event = getattr(self._local, "stop", _NEVER)
        return told

    @contextlib.contextmanager
    def until(self, stop: threading.Event) -> Iterator[None]:
        """Have what this thread loads meanwhile, whoever asks for it, end when `stop` is set."""
        self._local.stop = stop
        try:
            yield
        finally:
            del self._local.stop

    def summaries(
        self, function: str, asked: dict[str, Any], *, stop: threading.Event = _NEVER
    ) -> Iterator[Summary]:
        """Executions of a function as ListDurableExecutionsByFunction has them, each once."""
        seen: set[str] = set()

        def new(page: Answer) -> list[Summary]:
            found = {each.get("DurableExecutionArn"): each for each in page["DurableExecutions"] or ()}
            return [each for arn, each in found.items() if isinstance(arn, str) and arn not in seen]

        for summaries in self._pages(_LIST, {"FunctionName": function, **asked}, function, stop, new):
            for summary in summaries:  # a list that grew shows some of them again
                seen.add(summary["DurableExecutionArn"])
                yield summary
            if len(seen) > MOST_EXECUTIONS:
                raise HistoryError(
                    f"{function} has more than {MOST_EXECUTIONS:,} executions.", cure="Give limit= or since=."
                )

    def answer(self, operation: str, callback_id: str, **answer: Any) -> None:
        """Answer a callback."""
        self._call(operation, {"CallbackId": callback_id, **answer}, callback_id, _NEVER)

    @property
    def endpoint(self) -> str:
        """URL that is called."""
        return str(self.client.meta.endpoint_url)

    @property
    def is_aws(self) -> bool:
        """Whether that is AWS, and not a server that stands in for it."""
        return (urlsplit(self.endpoint).hostname or "").endswith(
            (".amazonaws.com", ".amazonaws.com.cn", ".aws")
        )

    def _events(self, asked: dict[str, Any], arn: str, stop: threading.Event) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        seen: set[Any] = set()

        def new(page: Answer) -> list[dict[str, Any]]:
            found = page["Events"] or []
            ids = {each.get("EventId") for each in found}
            if ids <= seen:
                return []
            seen.update(ids)
            return list(found)

        for page in self._pages(_HISTORY, asked, arn, stop, new):
            events += page
            if len(events) > MOST_EVENTS:
                raise ServiceUnavailableError(
                    f"{self.endpoint} gives more than {MOST_EVENTS:,} events of one execution.",
                    cure="No execution has so many: check endpoint_url.",
                )
        return events

    def _pages(
        self,
        operation: str,
        asked: dict[str, Any],
        subject: str,
        stop: threading.Event,
        new: Callable[[Answer], list[dict[str, Any]]],
    ) -> Iterator[list[dict[str, Any]]]:
        """What is `new` in each page; until there is no other, or it goes round in circles."""
        most_idle = _MOST_IDLE_CHOSEN if {"Statuses", "StartedAfter"} & asked.keys() else _MOST_IDLE
        asked = {"MaxItems": _PAGE, **asked}
        markers: set[str] = set()
        idle = 0
        while True:
            page = self._call(operation, asked, subject, stop)
            found = new(page)
            yield found
            marker = page.get("NextMarker")
            if not marker:
                return
            idle = 0 if found else idle + 1
            if marker in markers or idle > most_idle:
                raise ServiceUnavailableError(
                    f"{self.endpoint} gives the same page of {operation} again and again."
                    if marker in markers
                    else f"{self.endpoint} goes on giving pages of {operation} with nothing new in them.",
                    cure="Try again.",
                )
            markers.add(marker)
            asked["Marker"] = marker

    def _call(self, operation: str, asked: dict[str, Any], subject: str, stop: threading.Event) -> Answer:
        """Call until it succeeds, or cannot."""
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
        method = getattr(self.client, _method(operation))
        try:
            answer: Answer = within(PATIENCE, stop, lambda: method(**asked))
        except StoppedError:
            raise _stopped() from None
        except OverdueError:
            return Problem(
                ServiceUnavailableError(
                    f"{self.endpoint} did not finish its answer to {operation} within {PATIENCE:g} s.",
                    cure="Check endpoint_url and the network, and call again.",
                ),
                passing=False,
            )
        except Exception as error:  # noqa: BLE001 - all of botocore's, told apart by name
            return problem_of(error, operation, subject, self.endpoint)
        if isinstance(answer, dict) and _REQUIRED.get(operation, "ResponseMetadata") in answer:
            return answer
        return Problem(
            ServiceUnavailableError(
                f"{self.endpoint} gave an empty or broken answer to {operation}.", cure="Check endpoint_url."
            ),
            passing=True,
        )


def _stopped() -> InterruptedFetchError:
    return InterruptedFetchError("The fetch was stopped.", cure="Call again to go on.")


def _are_all(events: list[dict[str, Any]]) -> bool:
    """Whether no event lacks, and none is there twice."""
    ids = [event.get("EventId") for event in events]
    whole = [each for each in ids if isinstance(each, int)]
    return len(whole) == len(ids) and sorted(whole) == list(range(1, len(ids) + 1))


def _method(operation: str) -> str:
    """boto3's name for an operation: ``get_durable_execution`` for ``GetDurableExecution``."""
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")


def _filled(events: list[dict[str, Any]], execution: dict[str, Any]) -> list[dict[str, Any]]:
    """The events, with an input or outcome that was left out of them for its size put in from the execution's record."""
    for event in events:
        kind = event.get("EventType")
        if isinstance(kind, str) and kind.startswith("Execution"):
            details = event.get(f"{kind}Details") or {}
            for part, told in (("Input", "InputPayload"), ("Result", "Result"), ("Error", "Error")):
                held = details.get(part)
                if held and held.get("Payload") is None and execution.get(told) is not None:
                    details[part] = {"Payload": execution[told], "Truncated": False}
    return events
