"""What the testing SDK has in memory: runners, stores, results. It is not imported, only recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.sources.shelves import listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.history.keeping import Entry

__all__ = ["RunnerShelf", "cloud_client", "document_of", "is_of_testing_library", "latest", "store_of"]

_LIBRARY = "aws_durable_execution_sdk_python_testing"


def is_of_testing_library(thing: Any) -> bool:
    """Whether it is an object of the testing SDK (or of a class made from one of its)."""
    return any(each.__module__.partition(".")[0] == _LIBRARY for each in type(thing).__mro__)


def store_of(thing: Any) -> Any:
    """The store of a runner, or a store itself; None where there is none."""
    store = getattr(thing, "_store", None)
    if store is None and hasattr(thing, "list_all"):
        store = thing
    if store is None and hasattr(thing, "_executor"):
        raise HistoryError(
            "This runner is not started, or is closed.", cure="Load from it inside its `with` block."
        )
    return store


def cloud_client(thing: Any) -> Any:
    """The boto3 client of a runner that runs functions in an account."""
    return getattr(thing, "lambda_client", None)


def document_of(thing: Any) -> Any:
    """What a result or an execution of the testing SDK holds, as a document."""
    if hasattr(thing, "to_json_dict"):
        return thing.to_json_dict()
    if hasattr(thing, "events") and hasattr(thing, "to_dict"):
        return thing.to_dict()
    if hasattr(thing, "operations") and hasattr(thing, "execution_status"):
        return _record_of_result(thing)
    raise HistoryError(
        f"A {type(thing).__name__} is no source of a history.",
        cure="Give the runner, and the ARN of the execution where it ran several: dd.load(runner, arn).",
    )


def latest(store: Any) -> str:
    """ARN of the execution in a store that was started last, and not by another one."""
    executions = [each for each in store.list_all() if each.parent_execution_arn is None]
    if not executions:
        raise HistoryError("This runner ran no execution.", cure="Load from it after runner.run(…).")
    arn: str = max(enumerate(executions), key=lambda pair: (_started(pair[1]), pair[0]))[
        1
    ].durable_execution_arn
    return arn


def _started(execution: Any) -> float:
    first = next((each.start_timestamp for each in execution.operations if each.start_timestamp), None)
    return float(first.timestamp()) if first else 0.0


class RunnerShelf:
    """The executions in a runner's store, as they are when asked for."""

    def __init__(self, store: Any) -> None:
        self.where = "the runner"
        self._store = store

    def entries(self) -> list[Entry]:
        """List what is there."""
        arns = [each.durable_execution_arn for each in self._store.list_all()]
        found = [listed(arn, 0, self._reader(arn)) for arn in arns]
        return sorted(found, key=lambda entry: entry["start"] or "", reverse=True)

    def document(self, key: str) -> Any:
        """Give one record."""
        return self._store.load(key).to_json_dict()

    def _reader(self, arn: str) -> Callable[[], Any]:
        return lambda: self.document(arn)


def _record_of_result(result: Any) -> dict[str, Any]:
    """A store's record, as far as the result of a test holds it: no input, no invocations, no attempts but the last."""
    operations: list[dict[str, Any]] = []
    for operation in result.operations:
        _flatten(operation, operations)
    times = [each[key] for each in operations for key in ("StartTimestamp", "EndTimestamp") if each.get(key)]
    if not times:
        raise HistoryError(
            "This test result holds no operations.", cure="Give the runner instead: dd.load(runner)."
        )
    status = result.execution_status.value
    execution = {
        "Id": "execution",
        "Type": "EXECUTION",
        "Status": status,
        "StartTimestamp": min(times),
        "EndTimestamp": max(times),
    }
    outcome = {"Result": result.result, "Error": result.error.to_dict() if result.error else None}
    return {
        "DurableExecutionArn": None,
        "StartInput": {},
        "Operations": [execution, *operations],
        "Updates": [],
        "IsComplete": True,
        "CloseStatus": status,
        "Result": outcome,
        "NotReplayable": "the result of a test holds neither the input nor the invocations; give the runner: dd.load(runner)",
    }


def _flatten(operation: Any, into: list[dict[str, Any]]) -> None:
    details = {}
    if getattr(operation, "result", None) is not None:
        details["Result"] = operation.result
    if getattr(operation, "error", None) is not None:
        details["Error"] = operation.error.to_dict()
    into.append(
        {
            "Id": operation.operation_id,
            "Type": operation.operation_type.value,
            "Status": operation.status.value,
            "ParentId": operation.parent_id,
            "Name": operation.name,
            "SubType": operation.sub_type,
            "StartTimestamp": operation.start_timestamp,
            "EndTimestamp": operation.end_timestamp,
            "Details": details,
        }
    )
    for child in getattr(operation, "child_operations", None) or ():
        _flatten(child, into)
