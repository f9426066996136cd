"""The Lambda context object that a replayed handler is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durable_debug.engine.arn import ArnParts


@dataclass
class Identity:
    """Who called, through Cognito: nobody that a history tells of."""

    cognito_identity_id: str | None = None
    cognito_identity_pool_id: str | None = None


@dataclass  # without slots: decorators put their own things on it, as on Lambda's
class ReplayLambdaContext:
    """What Lambda passes as ``context``, as far as the history tells.

    Source: AWS Lambda developer guide, "Using the Lambda context object to retrieve Python function
    information".
    """

    function_name: str
    function_version: str
    invoked_function_arn: str
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    memory_limit_in_mb: str = "128"
    log_group_name: str = ""
    log_stream_name: str = "replay"
    tenant_id: str | None = None
    identity: Any = field(default_factory=Identity)
    client_context: Any = None
    _remaining_ms: int = field(default=900_000, repr=False)

    @classmethod
    def of(cls, parts: ArnParts, request_id: str | None) -> ReplayLambdaContext:
        """Make one for the function that an execution's ARN names."""
        made = cls(
            parts.function_name,
            parts.version,
            parts.function_arn,
            log_group_name=f"/aws/lambda/{parts.function_name}",
        )
        if request_id:
            made.aws_request_id = request_id
        return made

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds before Lambda would end the invocation: always its longest, 15 minutes."""
        return self._remaining_ms

    def log(self, msg: str) -> None:
        """Write a line to the log, as Lambda's context does."""
        print(msg)  # noqa: T201 - its log is what a function writes
