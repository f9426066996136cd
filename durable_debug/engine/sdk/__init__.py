"""The seam to the AWS SDK: the only room that knows its insides.

State goes in as an invocation input; the SDK decides what to do with it; what it asks of us comes out. Two
things are ours: a context class through which we see what the handler asks for (put over the SDK's own
contexts, which are the handler's alone, so nothing is patched), and a service client that sends nothing.

What is relied on of the SDK's insides is in `contract`, which is looked at before anything else is imported here. What
its lines (1.x, 2.x, 3.x) do differently is in `lines`, a module for each; the one that is installed answers.
"""

from durable_debug.engine.sdk import contract, lines
from durable_debug.engine.sdk.calls import SdkCall
from durable_debug.engine.sdk.contexts import ReplayContext
from durable_debug.engine.sdk.frames import is_user_code, looks_by_itself, user_frame
from durable_debug.engine.sdk.invocation import invoke
from durable_debug.engine.sdk.payloads import TERMINAL

is_durable, users_function = lines.LINE.is_durable, lines.LINE.users_function
is_unreadable = lines.LINE.is_unreadable

__all__ = [
    "TERMINAL",
    "ReplayContext",
    "SdkCall",
    "contract",
    "invoke",
    "is_durable",
    "is_unreadable",
    "is_user_code",
    "looks_by_itself",
    "user_frame",
    "users_function",
]
