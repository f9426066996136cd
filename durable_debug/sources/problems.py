"""What goes wrong on the way to an account or a server, each with what to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

from durable_debug.errors import HistoryError
from durable_debug.spelling import option, read_by

__all__ = [
    "AccessDeniedError",
    "ClockError",
    "CredentialsError",
    "ExecutionNotFoundError",
    "InterruptedFetchError",
    "Problem",
    "ServiceUnavailableError",
    "ThrottledError",
    "problem_of",
]


class AccessDeniedError(HistoryError):
    """The caller's identity lacks a permission; the message names it."""


class CredentialsError(HistoryError):
    """There are no credentials, or they are expired or wrong."""


class ClockError(CredentialsError):
    """The clock of this machine is wrong: what it signs is refused."""


class ExecutionNotFoundError(HistoryError):
    """There is no such execution or function: never was, deleted, or its retention is over."""


class ServiceUnavailableError(HistoryError):
    """The endpoint cannot be reached, or does not answer as it should."""


class ThrottledError(HistoryError):
    """The service goes on refusing requests because there are too many."""


class InterruptedFetchError(HistoryError):
    """A fetch was stopped before this execution had come."""


class Problem(NamedTuple):
    """What a failed call comes to.

    Attributes
    ----------
    error
        To raise.
    passing
        Whether the same call may succeed a moment later.
    slow
        Whether it took all the time that there was.
    """

    error: HistoryError
    passing: bool
    slow: bool = False


# Error codes of the service model's `errors`, of Lambda's front door and of STS. The local server of the testing SDK
# sends none that botocore reads, only a status: hence the numbers.
_THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "LimitExceededException",  # too many queries of Logs Insights at once
        "SlowDown",
        "429",
    }
)
_SERVICES = {"lambda": "Lambda", "logs": "CloudWatch Logs", "xray": "X-Ray"}
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_SKEWED = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_SKEWED_BY_WORDS = (
    "signature expired",
    "signature not yet current",
    "request has expired",
    "request expired",
)
_WRONG_KEYS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "401",
    }
)
_PERMISSIONS = {"GetLayerVersionByArn": "GetLayerVersion"}  # where it is not called as the operation
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_EXPIRED_BY_NAME = frozenset(
    {"SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"}
)
_NO_KEYS = frozenset({"NoCredentialsError", "NoAuthTokenError"})
_OTHER_KEYS = frozenset(
    {"CredentialRetrievalError", "InvalidConfigError", "MetadataRetrievalError", "PartialCredentialsError"}
)
_UNREACHABLE = frozenset(
    {
        "ConnectTimeoutError",
        "EndpointConnectionError",
        "ProxyConnectionError",
        "SSLError",
        "InvalidProxiesConfigError",
    }
)
_PASSING = frozenset(
    {
        "ConnectionClosedError",
        "ConnectionError",
        "HTTPClientError",
        "IncompleteReadError",
        "ReadTimeoutError",
        "ResponseParserError",
        "ResponseStreamingError",
    }
)


def problem_of(
    error: Exception, operation: str, subject: str, endpoint: str, service: str = "lambda"
) -> Problem:
    """Say what an exception of boto3 comes to.

    Parameters
    ----------
    error
        As botocore raised it.
    operation
        Name in the API: ``"GetDurableExecutionHistory"``.
    subject
        The ARN, or the function, that was asked about.
    endpoint
        URL that was called.
    service
        Whose operation it is, as IAM names it.
    """
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        return _of_answer(response, operation, subject, endpoint, service)
    return _of_exception(error, operation, subject, endpoint, service)


def _of_exception(error: Exception, operation: str, subject: str, endpoint: str, service: str) -> Problem:
    names = {each.__name__ for each in type(error).__mro__}
    if names & _NO_KEYS:
        return _lasting(
            CredentialsError(
                f"There are no AWS credentials for {service}:{operation}.",
                cure=f"Give {option('profile')}, or set them up with `aws configure` or `aws sso login`; "
                f"for a local server give {option('endpoint_url', 'http://127.0.0.1:…')}, which needs none.",
            )
        )
    if names & _EXPIRED_BY_NAME:
        return _lasting(_expired(str(error)))
    if names & _OTHER_KEYS:
        return _lasting(
            CredentialsError(
                f"The AWS credentials cannot be had: {error!s:.300}.",
                cure="Check the profile in ~/.aws/config.",
            )
        )
    if names & _UNREACHABLE:
        return _lasting(
            ServiceUnavailableError(
                f"Nothing answers at {endpoint} ({type(error).__name__}).",
                cure=f"Check {option('endpoint_url')}, {option('region')} and the network; start a local server with `dex-local-runner start-server`.",
            )
        )
    if names & _PASSING:
        slow = "ReadTimeoutError" in names
        what = "gives no answer" if slow else "broke off its answer"
        return Problem(_broken(f"{endpoint} {what} ({type(error).__name__})"), passing=True, slow=slow)
    return _lasting(
        HistoryError(f"{operation} of {subject} failed: {error!s:.400}.", cure="Check what was asked for.")
    )


def _of_answer(
    response: dict[str, Any], operation: str, subject: str, endpoint: str, service: str
) -> Problem:
    status = str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    code = str(response["Error"].get("Code") or "")
    said = f"{response['Error'].get('Message') or response.get('message') or response.get('Message') or ''}".strip()
    codes = {code, status}
    permission = f"{service}:{_PERMISSIONS.get(operation, operation)}"
    if codes & _THROTTLED:
        return Problem(
            ThrottledError(
                f"{_SERVICES[service]} goes on refusing {operation}: too many requests.",
                cure=f"Wait a while and call again (what was fetched stays), or lower {option('rate')}.",
            ),
            passing=True,
        )
    if code in _SKEWED or any(words in said.lower() for words in _SKEWED_BY_WORDS):
        return _lasting(_skewed(said or code, response))
    if code in _EXPIRED or (code in _WRONG_KEYS | _DENIED and "expired" in said.lower()):
        return _lasting(_expired(said))
    if code in _WRONG_KEYS:
        return _lasting(
            CredentialsError(
                f"AWS does not accept the credentials: {said or code:.300}.",
                cure=f"Check {option('profile')} and the clock of this machine.",
            )
        )
    if code.startswith("KMS"):
        return _lasting(_of_key(code, said, subject))
    if codes & _DENIED:
        return _lasting(
            AccessDeniedError(
                f"You lack the permission {permission} for {subject}"
                f"{f' (AWS says: {said:.400})' if said else ''}.",
                cure=f"Have an IAM policy allow {permission} for your identity.",
            )
        )
    if code == "ResourceNotFoundException" or status == "404":
        return _lasting(_not_found(operation, subject, endpoint, service))
    if status.startswith("5"):
        return Problem(
            _broken(f"{endpoint} answers {operation} with {status} {said:.200}".strip()), passing=True
        )
    return _lasting(
        HistoryError(
            f"{operation} of {subject} was refused: {said or code or status:.400}.",
            cure="Check the ARN: `durable-debug ls FUNCTION` or `aws lambda list-durable-executions-by-function` lists them."
            if service == "lambda"
            else "Check account, region and endpoint_url.",
        )
    )


def _lasting(error: HistoryError) -> Problem:
    return Problem(error, passing=False)


def _expired(said: str) -> CredentialsError:
    return CredentialsError(
        f"The AWS credentials are expired{f' ({said:.200})' if said else ''}.",
        cure="Renew them, e.g. with `aws sso login`, and call again.",
    )


def _skewed(said: str, response: dict[str, Any]) -> ClockError:
    """A signature holds the time: one that AWS's clock finds too old, or of the future, is refused."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    there = headers.get("date")
    return ClockError(
        f"The clock of this machine is not AWS's ({said:.300}){f'; there it is {there:.60}' if there else ''}.",
        cure="Set the clock (with NTP; on a virtual machine after a pause, too) and call again. The credentials are not the matter.",
    )


def _broken(what: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"{what}.", cure="Call again; what was fetched stays.")


def _of_key(code: str, said: str, subject: str) -> HistoryError:
    if code == "KMSAccessDeniedException":
        return AccessDeniedError(
            f"You lack the permission kms:Decrypt for the key that {subject} is encrypted with"
            f"{f' (AWS says: {said:.400})' if said else ''}.",
            cure="Have the key's policy or an IAM policy allow kms:Decrypt for your identity.",
        )
    return HistoryError(
        f"The KMS key that {subject} is encrypted with cannot be used: {said or code:.400}.",
        cure="Enable the key, or cancel its deletion.",
    )


def _not_found(operation: str, subject: str, endpoint: str, service: str) -> ExecutionNotFoundError:
    if service == "logs":
        return ExecutionNotFoundError(
            f"There is no log group {subject} at {endpoint}.",
            cure="Name the function's own: logs='/my/log/group', --log-group in the terminal.",
        )
    if service == "xray" or operation == "GetFunctionConfiguration":
        return ExecutionNotFoundError(
            f"{operation} finds no {subject} at {endpoint}.", cure="Check account and region."
        )
    if operation == "GetLayerVersionByArn":
        return ExecutionNotFoundError(
            f"There is no layer {subject} at {endpoint}.",
            cure="It was deleted; name the file: 'path/to/app.py:handler'.",
        )
    if operation in {"ListDurableExecutionsByFunction", "GetFunction"}:
        return ExecutionNotFoundError(
            f"There is no function {subject} at {endpoint}.",
            cure="Check name, qualifier, account and region.",
        )
    if "Callback" in operation:
        return ExecutionNotFoundError(
            f"There is no open callback {subject:.80} at {endpoint}.",
            cure="It was answered, timed out, or is of another account or region"
            f"{read_by(python='; history.refresh() shows which', terminal='')}.",
        )
    return ExecutionNotFoundError(
        f"There is no execution {subject} at {endpoint}.",
        cure="Executions are kept for the function's retention period (1 to 90 days) after they end, or until deleted; "
        "else check account, region and ARN.",
    )
