"""Where histories come from: files, folders, accounts, emulators, stores. Each source ends in a `History`."""

from durable_debug.sources.callbacks import heartbeat, send_failure, send_success
from durable_debug.sources.collection import Histories
from durable_debug.sources.executions import executions
from durable_debug.sources.fetching import fetch, fetched, keep
from durable_debug.sources.loading import load, load_one
from durable_debug.sources.members import Member, members
from durable_debug.sources.redaction import Redaction, redacted

__all__ = [
    "Histories",
    "Member",
    "Redaction",
    "executions",
    "fetch",
    "fetched",
    "heartbeat",
    "keep",
    "load",
    "load_one",
    "members",
    "redacted",
    "send_failure",
    "send_success",
]
