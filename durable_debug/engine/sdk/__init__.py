# ruff: noqa: E402 - what is relied on is looked at first
"""The seam to the AWS SDK: the only room that knows its insides.

State goes in as an invocation input; the SDK decides what to do with it; what it asks of us comes out. Two
things are ours: a context class through which we see what the handler asks for (put over the SDK's own
contexts, which are the handler's alone, so nothing is patched), and a service client that sends nothing.

What is relied on of the SDK's insides is in `contract`, which is looked at before anything else is imported here.
"""

from durable_debug.engine.sdk import contract

contract.check()

from durable_debug.engine.sdk.contexts import ReplayContext
from durable_debug.engine.sdk.frames import is_user_code, looks_by_itself, user_frame
from durable_debug.engine.sdk.invocation import invoke
from durable_debug.engine.sdk.kinds import deed
from durable_debug.engine.sdk.payloads import (
    TERMINAL,
    batch_items,
    codec_of,
    error_object,
    from_payload,
    from_sent,
    sdk_operation,
    sending_codec_of,
    to_payload,
    to_payload_or_summary,
    written,
)
from durable_debug.engine.sdk.strategies import Strategy, has_strategy, strategy_of

__all__ = [
    "TERMINAL",
    "ReplayContext",
    "Strategy",
    "batch_items",
    "codec_of",
    "deed",
    "error_object",
    "from_payload",
    "from_sent",
    "has_strategy",
    "invoke",
    "is_user_code",
    "looks_by_itself",
    "sdk_operation",
    "sending_codec_of",
    "strategy_of",
    "to_payload",
    "to_payload_or_summary",
    "user_frame",
    "written",
]
