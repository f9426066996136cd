"""The Lambda API through boto3, or a local server that speaks it, at a pace it bears."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history import History
from durable_debug.options import unknown_options
from durable_debug.sources.calling import NEVER, Answer, Caller
from durable_debug.sources.problems import ServiceUnavailableError
from durable_debug.spelling import option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MOST_THREADS", "RATE", "Connection", "LookUp", "connect"]

RATE = 15.0
"""History requests a second that an account is allowed *(docs, 2026-11)*; GetDurableExecution twice as many."""
MOST_THREADS = 8
MOST_EVENTS = 250_000
"""Of one execution: Lambda lets one ask for 3,000 operations *(docs, 2026-11)*."""
MOST_EXECUTIONS = 1_000_000
"""Of one function, in one list."""
_PAGE = 1000  # the API's most
_MOST_IDLE = 20  # pages on end with nothing new in them
_MOST_IDLE_CHOSEN = 1000  # where most are left out of each
_READS = 4  # of a running execution whose events move between two pages
_GET = "GetDurableExecution"
_HISTORY = "GetDurableExecutionHistory"
_LIST = "ListDurableExecutionsByFunction"
# Of each answer.
_REQUIRED = {_GET: "Status", _HISTORY: "Events", _LIST: "DurableExecutions"}
_REQUIRED_OF_OTHERS = {
    "FilterLogEvents": "events",
    "StartQuery": "queryId",
    "GetQueryResults": "status",
    "BatchGetTraces": "Traces",
}
_RATES_OF_OTHERS = {"logs": 5.0, "xray": 5.0}
"""Requests a second that an account is allowed, where it is allowed least *(docs, 2026-11)*."""


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
        A ready-made boto3 client for ``lambda``; the other options are then for logs and traces only.
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
            f"{option('rate', rate)} is no number of requests a second.", cure=f"Leave it out ({RATE:g})."
        )
    region = region or _region_of(subject)
    if client is not None and region is None:
        region = getattr(getattr(client, "meta", None), "region_name", None)
    make = functools.partial(
        _client, session=session, profile=profile, region=region, endpoint_url=endpoint_url
    )
    if client is None:
        client = make("lambda")
    if not hasattr(client, "get_durable_execution_history"):
        raise DurableDebugError(
            f"This {type(client).__name__} knows no durable executions.",
            cure="Give a client of boto3 for 'lambda'; with an older boto3: pip install -U 'boto3>=1.42'.",
        )
    return Connection(client, rate=rate, others=make)


def _client(
    service: str, *, session: Any, profile: str | None, region: str | None, endpoint_url: str | None
) -> Any:
    if service != "lambda":  # which may stand elsewhere than a local server of the Lambda API
        endpoint_url = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or endpoint_url
    try:
        import boto3
        import botocore
        from botocore.config import Config
        from botocore.exceptions import NoRegionError, ProfileNotFound
    except ImportError:
        raise DurableDebugError(
            "boto3 is not installed.", cure="Install it with: pip install 'boto3>=1.42'"
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
    keys = {}
    if local and session is None and profile is None and service == "lambda":
        options["signature_version"] = botocore.UNSIGNED
    elif local and session is None and profile is None:
        # Whoever stands in for several services tells by the signature which is meant. It need not be anybody's.
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    try:
        session = session or boto3.Session(botocore_session=_core(), profile_name=profile)
        region = region or session.region_name or ("us-east-1" if local else None)
        return session.client(
            service, region_name=region, endpoint_url=endpoint_url, config=Config(**options), **keys
        )
    except ProfileNotFound:
        raise HistoryError(
            f"There is no AWS profile {profile!r:.80}.", cure="`aws configure list-profiles` lists them."
        ) from None
    except NoRegionError:
        raise HistoryError(
            "It is not known which AWS region to ask.",
            cure=f"Give {option('region', 'eu-west-1')} or the like.",
        ) from None
    except ValueError as error:
        raise HistoryError(
            f"{error!s:.200}.", cure=f"Give {option('endpoint_url', 'http://127.0.0.1:5000')} or the like."
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


Summary = dict[str, Any]


class LookUp:
    """Where a history's account is, for one that came from a file: connected to when something is first asked there.

    Parameters
    ----------
    where
        Options of `connect`.
    """

    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where

    def connection(self, subject: str) -> Connection:
        """Connect, to ask for something."""
        return connect(subject=subject, **self._where)

    def __call__(self, arn: str) -> History:
        """Load an execution: a history's source."""
        return self.connection(arn)(arn)


class Connection:
    """Calls to the API. Called with an ARN it loads that execution: a history's source.

    Parameters
    ----------
    client
        boto3 client for ``lambda``.
    rate
        History requests a second.
    others
        Makes a client for another service.
    """

    def __init__(self, client: Any, *, rate: float = RATE, others: Callable[[str], Any]) -> None:
        self._call = Caller(client, service="lambda", rate=rate, rates={_GET: 2 * rate}, required=_REQUIRED)
        self._others = others
        self._callers: dict[str, Caller] = {}
        self._making = threading.Lock()
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
        told: threading.Event = getattr(self._local, "stop", NEVER)
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
        self, function: str, asked: dict[str, Any], *, stop: threading.Event = NEVER
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
                    f"{function} has more than {MOST_EXECUTIONS:,} executions.",
                    cure=f"Give {option('limit')} or {option('since')}.",
                )

    def ask(self, operation: str, subject: str, **asked: Any) -> Answer:
        """Call another operation of Lambda's: about a function, say.

        Parameters
        ----------
        subject
            What it is about, for the error's message.
        """
        return self._call(operation, asked, subject, self._stop())

    def answer(self, operation: str, callback_id: str, **answer: Any) -> None:
        """Answer a callback."""
        self._call(operation, {"CallbackId": callback_id, **answer}, callback_id, NEVER)

    @property
    def endpoint(self) -> str:
        """URL that is called."""
        return self._call.endpoint

    def service(self, name: str) -> Caller:
        """Another service of the same account and region: ``"logs"``, ``"xray"``; or ``"lambda"`` itself."""
        if name == "lambda":
            return self._call
        with self._making:
            if name not in self._callers:
                self._callers[name] = Caller(
                    self._others(name),
                    service=name,
                    rate=_RATES_OF_OTHERS[name],
                    required=_REQUIRED_OF_OTHERS,
                )
            return self._callers[name]

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
                    cure=f"No execution has so many: check {option('endpoint_url')}.",
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


def _are_all(events: list[dict[str, Any]]) -> bool:
    """Whether no event lacks, and none is there twice."""
    ids = [event.get("EventId") for event in events]
    whole = [each for each in ids if isinstance(each, int)]
    return len(whole) == len(ids) and sorted(whole) == list(range(1, len(ids) + 1))


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
