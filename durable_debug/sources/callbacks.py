"""Answer the open callbacks of a suspended execution, as the console's buttons do.

This changes an execution for good: each call names the account that it acts in.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.sources.connection import Connection, connect
from durable_debug.spelling import option, read_by

if TYPE_CHECKING:
    from durable_debug.history import History

__all__ = ["account_of", "heartbeat", "send_failure", "send_success"]


def send_success(history: History, callback: str, result: Any = None, *, confirm: str, **where: Any) -> None:
    """Answer a callback with a result: the execution goes on.

    Parameters
    ----------
    history
        Of the suspended execution.
    callback
        Name, position or id of an open callback: see `History.callbacks`.
    result
        Text or bytes, sent as they are; anything else is sent as JSON.
    confirm
        The account's number, as in the function's ARN: that the answer is meant, and meant there.
    **where
        As for `load`, where the history did not come from an account or server.

    Raises
    ------
    HistoryError
        The account is another one, there is no such open callback, or it was answered meanwhile.

    Examples
    --------
    >>> send_success(history, "acceptance", {"ok": True}, confirm="123456789012")  # doctest: +SKIP
    """
    content = (
        result if isinstance(result, bytes) else result.encode() if isinstance(result, str) else _json(result)
    )
    answer = {} if result is None else {"Result": content}
    _answer("Success", history, callback, confirm, where, answer)


def send_failure(
    history: History,
    callback: str,
    message: str,
    *,
    confirm: str,
    error_type: str = "CallbackFailed",
    **where: Any,
) -> None:
    """Answer a callback with an error; the rest as for `send_success`.

    Parameters
    ----------
    message, error_type
        As the handler sees them in the exception.
    """
    error = {"ErrorMessage": message, "ErrorType": error_type}
    _answer("Failure", history, callback, confirm, where, {"Error": error})


def heartbeat(history: History, callback: str, *, confirm: str, **where: Any) -> None:
    """Say that the answer to a callback is still being worked on: its heartbeat timeout begins anew.

    The rest as for `send_success`.
    """
    _answer("Heartbeat", history, callback, confirm, where, {})


def account_of(history: History) -> str | None:
    """Number of the account that an execution runs in; None where it is not known."""
    for arn in (history.arn or "", str(history.execution.get("FunctionArn") or "")):
        parts = arn.split(":")
        if len(parts) > 4 and parts[0] == "arn":
            return parts[4]
    return None


def _answer(  # noqa: PLR0913, PLR0917
    kind: str, history: History, callback: str, confirm: str, where: dict[str, Any], answer: dict[str, Any]
) -> None:
    found = _found(history, callback)
    account = account_of(history)
    if account is None:
        raise HistoryError(
            "It is not known which account this execution runs in.",
            cure=read_by(
                python="Load it by its ARN: dd.load('arn:aws:lambda:…').",
                terminal="Give its ARN: arn:aws:lambda:….",
            ),
        )
    if confirm != account:
        raise HistoryError(
            f"This would answer the callback {found['name'] or found['position']!r:.80} of {history.name!r:.80} in account "
            f"{account}; {option('confirm', confirm)} is not that account.",
            cure=f"If you mean it, give {option('confirm', account)}.",
        )
    source = history.source
    connection = (
        source
        if isinstance(source, Connection) and not where
        else connect(subject=history.arn or "", **where)
    )
    connection.answer(f"SendDurableExecutionCallback{kind}", str(found["callback_id"]), **answer)


def _found(history: History, callback: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = history.callbacks.to_dict("records")
    for field in ("callback_id", "position", "name"):
        found = [row for row in rows if row[field] == callback]
        if len(found) == 1:
            return found[0]
        if found:
            raise HistoryError(
                f"{len(found)} open callbacks have the name {callback!r:.80}.",
                cure=f"Name one by its position: {', '.join(str(row['position']) for row in found[:5])}.",
            )
    names = ", ".join(f"{row['name'] or row['position']!s:.40}" for row in rows[:5])
    raise HistoryError(
        f"This execution has no open callback {callback!r:.80}.",
        cure=f"Open are: {names}."
        if names
        else f"None is open{read_by(python=': history.refresh() shows how it is now', terminal='')}.",
    )


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise HistoryError(
            f"The result cannot be written as JSON: {error}.", cure="Give text or bytes."
        ) from None
