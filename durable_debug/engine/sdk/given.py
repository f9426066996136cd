"""A call with what it was given: objects of the SDK, of which the plain call is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.engine.call import Call

if TYPE_CHECKING:
    from aws_durable_execution_sdk_python.lambda_service import Operation as SdkOperation

__all__ = ["Given"]


class Given(Call):
    """One operation that the handler asked the SDK for, with what it was given.

    Made for every operation of every run: it holds references, and leaves all formatting for later.
    """

    recorded: SdkOperation | None = None  # as the SDK is given it
    match: SdkOperation | None = None  # as the history holds it
    failure: Exception | None = None  # the SDK's own objection
    args: tuple[Any, ...] = ()  # the call's name, and what it was given
    arn = ""
