"""The record of a durable execution: events, operations, attempts, invocations, and the service's state at any time."""

from durable_debug.history.identity import operation_id
from durable_debug.history.invocations import Invocation
from durable_debug.history.logs import LogEvent
from durable_debug.history.operations import Attempt, Operation
from durable_debug.history.record import History
from durable_debug.history.segments import Segment
from durable_debug.history.under_way import Awaited

__all__ = ["Attempt", "Awaited", "History", "Invocation", "LogEvent", "Operation", "Segment", "operation_id"]
