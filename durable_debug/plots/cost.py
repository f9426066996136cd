"""What an execution costs, and how near it comes to the limits of the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.history.documents import error_object
from durable_debug.history.measures import Cost, Prices
from durable_debug.history.vocabulary import Origin, meaning
from durable_debug.plots.folding import family_names

if TYPE_CHECKING:
    import pandas as pd

    from durable_debug.history import History, Operation

__all__ = ["Cost", "Prices", "card", "cost", "text"]

_GB = 1e9
_MONTH_DAYS = 30


def text(found: Cost) -> str:
    """Say it in a line."""
    least = "" if found.complete else "at least "
    return (
        f"<Cost {found.operations:,} operations ({_percent(found.share_of_operations)} of the limit), "
        f"{least}{_bytes(found.bytes_written)} written ({_percent(found.share_of_bytes)}), "
        f"about ${found.total_dollars:.6f} at prices of {found.prices.as_of}>"
    )


def card(found: Cost) -> str:
    """Show it in a notebook."""
    least = "" if found.complete else "at least "
    used = (
        ("Operations metered", f"{found.operations:,}", _meter(found.share_of_operations)),
        ("Bytes written", f"{least}{_bytes(found.bytes_written)}", _meter(found.share_of_bytes)),
        ("Bytes retained", f"{least}{_bytes(found.bytes_retained)}", ""),
    )
    money = tuple((f"Dollars for {word}", f"${value:.7f}", "") for word, value in found.dollars.items())
    rows = "".join(
        f"<tr><th style='text-align:left'>{word}</th><td style='text-align:right'>{value}</td>"
        f"<td style='text-align:left'>{share}</td></tr>"
        for word, value, share in (*used, *money, ("Dollars together", f"${found.total_dollars:.7f}", ""))
    )
    shown = found.by_name.head(12).drop(columns=["share_of_operations", "share_of_bytes"])
    prices = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(found.prices).items())
    return (
        f"<div><table>{rows}</table>{shown.to_html(index=False, na_rep='', border=0)}"
        f"<small>An estimate with {found.memory_mb} MB, {found.retention_days:g} days of retention, and these prices "
        f"(US dollars): {prices}. Change them: history.cost(prices=Prices(…)).</small></div>"
    )


def cost(
    history: History,
    *,
    prices: Prices | None = None,
    memory_mb: int = 128,
    retention_days: float = 14,
) -> Cost:
    """Estimate what an execution costs and how much of the limits it uses.

    Parameters
    ----------
    history
        The record.
    prices
        Prices and limits; `Prices` has those of November 2026, some of them second-hand.
    memory_mb
        Memory of the function in MB: a history does not tell it. 128 is Lambda's default.
    retention_days
        The function's RetentionPeriodInDays, 1 to 90. 14 is the default.

    Raises
    ------
    DurableDebugError
        A number is negative, or a limit is not above 0.

    Examples
    --------
    >>> history.cost().by_name.head()  # doctest: +SKIP
    >>> history.cost(prices=Prices(per_gb_written=0.30), memory_mb=1024).dollars  # doctest: +SKIP
    """
    prices = prices or Prices()
    _check(prices, memory_mb, retention_days)
    by_name = _by_name(history, prices, retention_days)
    operations = int(by_name["metered"].sum())
    written, retained = int(by_name["bytes_written"].sum()), int(by_name["bytes_retained"].sum())
    seconds = float(history.invocations["duration_seconds"].sum())
    gb_seconds = memory_mb / 1024 * seconds
    return Cost(
        operations=operations,
        bytes_written=written,
        bytes_retained=retained,
        complete=_complete(history),
        share_of_operations=operations / prices.operations_limit,
        share_of_bytes=written / prices.bytes_limit,
        gb_seconds=gb_seconds,
        dollars={
            "operations": operations * prices.per_million_operations / 1e6,
            "written": written / _GB * prices.per_gb_written,
            "retained": retained / _GB * prices.per_gb_month_retained * retention_days / _MONTH_DAYS,
            "invocations": history.invocation_count * prices.per_million_invocations / 1e6,
            "compute": gb_seconds * prices.per_gb_second,
        },
        prices=prices,
        memory_mb=memory_mb,
        retention_days=retention_days,
        by_name=by_name,
    )


def _complete(history: History) -> bool:
    try:
        history.require_replayable()
    except HistoryError:
        return False
    return True


def _check(prices: Prices, memory_mb: float, retention_days: float) -> None:
    numbers = {name: value for name, value in asdict(prices).items() if name != "as_of"}
    for name, value in (numbers | {"memory_mb": memory_mb, "retention_days": retention_days}).items():
        if value < 0 or (value == 0 and name.endswith("_limit")):
            raise DurableDebugError(f"{name} is {value!r:.40}.", cure="Give a number above 0.")


def _by_name(history: History, prices: Prices, retention_days: float) -> pd.DataFrame:
    import pandas as pd

    written, retained = _bytes_by_id(history)
    retried = int((history.invocations["status"] == "FAILED").iloc[:-1].sum())
    names = dict(zip([each.id for each in history.tree()], family_names(history.tree()), strict=True))
    own = [each for each in written if each not in names]
    rows = (
        [(history.name, "EXECUTION", None, 1, 0, 1 + retried, *_sums(own, written, retained))]
        if len(history)
        else []
    )
    rows += [
        (
            names[each.id],
            each.type,
            each.sub_type,
            1,
            len(each.all_attempts),
            metered(each),
            written[each.id],
            retained[each.id],
        )
        for each in history.tree()
    ]
    columns = ["name", "type", "sub_type", "count", "attempts", "metered", "bytes_written", "bytes_retained"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        dict.fromkeys(columns[:3], "str") | dict.fromkeys(columns[3:], "int64")
    )
    frame = frame.groupby(columns[:3], dropna=False, sort=False).sum().reset_index()
    frame["share_of_operations"] = frame["metered"] / prices.operations_limit
    frame["share_of_bytes"] = frame["bytes_written"] / prices.bytes_limit
    frame["dollars"] = (
        frame["metered"] * prices.per_million_operations / 1e6
        + frame["bytes_written"] / _GB * prices.per_gb_written
        + frame["bytes_retained"] / _GB * prices.per_gb_month_retained * retention_days / _MONTH_DAYS
    )
    return frame.sort_values("dollars", ascending=False, kind="stable", ignore_index=True)


def metered(operation: Operation) -> int:
    """How many operations an operation is metered as, those inside it not counted."""
    attempts = len(operation.all_attempts)
    if operation.sub_type == "WaitForCondition":
        return 1 + attempts
    return max(1, attempts)


def _bytes_by_id(history: History) -> tuple[dict[str, int], dict[str, int]]:
    """Bytes that each operation wrote, and that are kept of it, by id."""
    import orjson

    written: dict[str, int] = {}
    retained: dict[str, int] = {}
    events = history.events
    for event_type, key, payload, error in zip(
        events["event_type"],
        events["id"].fillna(""),
        events["payload"].fillna(""),
        _errors(history),
        strict=True,
    ):
        read = meaning(event_type)
        size = len(payload.encode("utf-8", "surrogatepass")) + (len(orjson.dumps(error)) if error else 0)
        ours = read.origin is Origin.HANDLER or (read.origin is Origin.EXECUTION and read.status in _RETURNED)
        written[key] = written.get(key, 0) + (size if ours else 0)
        retained[key] = retained.get(key, 0) + size
    return written, retained


_RETURNED = frozenset({"SUCCEEDED", "FAILED"})


def _errors(history: History) -> list[dict[str, Any] | None]:
    found: list[dict[str, Any] | None] = []
    for details in history.events["details"]:
        error = details.get("Error") if isinstance(details, dict) else None
        payload = error.get("Payload") if isinstance(error, dict) else None
        found.append(error_object(payload) if isinstance(payload, dict) else None)
    return found


def _sums(ids: list[str], *sizes: dict[str, int]) -> tuple[int, ...]:
    return tuple(sum(each[key] for key in ids) for each in sizes)


def _meter(share: float) -> str:
    return f"<progress max='1' value='{min(1.0, share):.4f}'></progress> {_percent(share)} of the limit"


def _percent(share: float) -> str:
    return "below 0.1%" if 0 < share < 0.001 else f"{share:.1%}"


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
