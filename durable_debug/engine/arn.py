"""An execution's ARN, as the SDK needs it."""

from __future__ import annotations

import re
from typing import NamedTuple

# Shape: botocore's service model of Lambda, `DurableExecutionArn`.
_ARN = re.compile(
    r"^(?P<function_arn>arn:[^:]+:lambda:(?P<region>[^:]*):(?P<account>[^:]*):function:(?P<function>[^:/]+)"
    r"(?::(?P<version>[^:/]+))?)/durable-execution/(?P<name>.+)/(?P<id>[^/]+)$"
)


class ArnParts(NamedTuple):
    """The parts of a durable execution's ARN that a replay uses."""

    arn: str
    function_arn: str
    function_name: str
    version: str
    region: str | None


def for_replay(arn: str | None, execution_id: str) -> ArnParts:
    """Give an ARN whose last segment is the EXECUTION operation's id.

    The SDK looks the input up by that segment; where they differ it silently takes ``{}`` for the input.
    """
    found = _ARN.match(arn or "")
    if found is None:
        function_arn = "arn:aws:lambda:us-east-1:000000000000:function:unknown:$LATEST"
        return ArnParts(
            f"{function_arn}/durable-execution/unknown/{execution_id}",
            function_arn,
            "unknown",
            "$LATEST",
            None,
        )
    function_arn = found["function_arn"]
    return ArnParts(
        f"{function_arn}/durable-execution/{found['name']}/{execution_id}",
        function_arn,
        found["function"],
        found["version"] or "$LATEST",
        found["region"] or None,
    )
