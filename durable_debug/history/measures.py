"""What an execution took, in time and in money: plain results, found in the room of plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.views import view

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cost", "Prices", "Timing"]


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Where the time of one execution went. All in seconds.

    Each moment of the execution counts once, so these two lines hold:

    | ``total == running + suspended``
    | ``total == working + backoff + waiting + other``

    Attributes
    ----------
    total
        From the first event to the last.
    running
        An invocation was running.
    suspended
        None was.
    working
        At least one attempt of a step, or poll of a wait_for_condition, was in progress.
    backoff
        Otherwise, and a retry was due later.
    waiting
        Otherwise, and a wait, callback, invoke or next poll was pending.
    other
        The rest: replay, code outside steps, the SDK's checkpoints, and Lambda's start of an invocation.
    invocations
        One row per invocation; ``duration == replay + working + other``.

        =================  =========  =====================================================================
        column             dtype      meaning
        =================  =========  =====================================================================
        invocation         int64      counts from 1
        duration           float64    from its start to its end
        replay             float64    from its start to its first checkpoint, attempts in progress excepted: the
                                      replay overhead. All of it where it left none; 0 for the first invocation,
                                      which has nothing to replay
        working            float64    at least one attempt was in progress
        other              float64    the rest
        =================  =========  =====================================================================

    operations
        One row per operation in start order; ``elapsed == working + backoff + waiting + inside + other``.

        ============================  =========  ==========================================================
        column                        dtype      meaning
        ============================  =========  ==========================================================
        position, name, type,         str        as in `History.operations`
        sub_type, status
        attempts                      int64
        elapsed                       float64    from its start to its end, or to the end of the record
        working                       float64    its attempts
        backoff                       float64    from its failed attempts to the next
        waiting                       float64    its timer, callback or invoke; from a poll to the next
        inside                        float64    of a context: at least one operation in it was in progress
        other                         float64    of a context: none was
        critical                      float64    its share of the critical path, what is inside excepted
        ============================  =========  ==========================================================

    by_name
        The same columns from ``elapsed`` on, summed over the operations of one name (`*` for
        digits that differ), sub-type and type, with ``count``,
        ``failed``, ``attempts``, ``mean`` and ``longest`` (of ``elapsed``); the largest ``critical`` first. Operations
        that ran beside each other count each: sums may exceed `total`.
    critical_path
        What the end waited for, backwards from it, in time order and without gaps: the ``seconds`` add up to `total`.
        Columns ``position``, ``name`` (missing for what belongs to no operation), ``activity`` (``work``, ``backoff``,
        ``wait``, ``callback``, ``invoke``, ``other``), ``start``, ``end`` (datetime64[us, UTC]), ``seconds``.

    Notes
    -----
    The times are those of the service's events. The SDK sends the start of a step together with its end where that
    comes within its batch of 100 ms: such a step has no duration, and its work is in `other`.

    An execution that is still running is measured up to its last event.
    """

    total: float
    running: float
    suspended: float
    working: float
    backoff: float
    waiting: float
    other: float
    invocations: pd.DataFrame
    operations: pd.DataFrame
    by_name: pd.DataFrame
    critical_path: pd.DataFrame

    def __repr__(self) -> str:
        return str(view("timing.text")(self))

    def _repr_html_(self) -> str:
        return str(view("timing.card")(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices and limits to count with: look them up at https://aws.amazon.com/lambda/pricing/ and change them.

    Attributes
    ----------
    as_of
        The month in which these were collected. They are of us-east-1, x86, without the free tier.
    per_million_operations
        US dollars per million durable operations. From AWS's launch talk and the examples on its page.
    per_gb_written, per_gb_month_retained
        US dollars for data written by an execution, and kept after it. Second-hand: check them.
    per_million_invocations, per_gb_second
        US dollars for Lambda itself.
    operations_limit, bytes_limit
        What one execution may use: operations, and bytes written.
    """

    as_of: str = "2026-11"
    per_million_operations: float = 8.00
    per_gb_written: float = 0.25
    per_gb_month_retained: float = 0.15
    per_million_invocations: float = 0.20
    per_gb_second: float = 0.0000166667
    operations_limit: int = 3_000
    bytes_limit: int = 100_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Cost:
    """What one execution used, and about what it costs.

    Attributes
    ----------
    operations
        Operations metered, the execution itself and invocations that were retried included.
    bytes_written
        Bytes (UTF-8) of the payloads that the execution checkpointed: results, errors and what it sent to functions it
        invoked; and of its own result.
    bytes_retained
        These, and what came from outside: the execution's input, results of callbacks and invoked functions.
    complete
        Whether all events and payloads are in the history; if not, these are the least that it can have been.
    share_of_operations, share_of_bytes
        Of the limits; 1.0 is all.
    gb_seconds
        Memory times the time that invocations ran.
    dollars
        The estimate, item by item: ``operations``, ``written``, ``retained``, ``invocations``, ``compute``.
    prices, memory_mb, retention_days
        What the estimate was made with.
    by_name
        One row per name (`*` for digits that differ), type and sub-type, dearest first, the execution itself among them as type ``EXECUTION``.

        ===================  =========  ==================================================================
        column               dtype      meaning
        ===================  =========  ==================================================================
        name, type,          str
        sub_type
        count                int64      operations
        attempts             int64      of steps
        metered              int64      operations metered
        bytes_written        int64
        bytes_retained       int64
        share_of_operations  float64    of the limit
        share_of_bytes       float64    of the limit
        dollars              float64    for operations, data written and retained; Lambda itself is not in it
        ===================  =========  ==================================================================

    Notes
    -----
    Metered are: the execution 1, and 1 for each invocation that was retried; a step 1 and 1 for each retry; a
    wait_for_condition 1 and 1 for each poll; a wait, callback, invoke, child context, map, parallel, item and branch 1
    each. A wait_for_callback is a context, a callback and a step, so 3 and retries. Items of a FLAT map leave no
    operations of their own and are not counted. The service also counts names and other metadata as data; a history
    does not tell how.
    """

    operations: int
    bytes_written: int
    bytes_retained: int
    complete: bool
    share_of_operations: float
    share_of_bytes: float
    gb_seconds: float
    dollars: dict[str, float]
    prices: Prices
    memory_mb: int
    retention_days: float
    by_name: pd.DataFrame = field(repr=False)

    @property
    def total_dollars(self) -> float:
        """All items of the estimate together."""
        return sum(self.dollars.values())

    def __repr__(self) -> str:
        return str(view("cost.text")(self))

    def _repr_html_(self) -> str:
        return str(view("cost.card")(self))
