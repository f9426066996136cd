"""What a replay relies on of the SDK, beyond its public face: looked at once, before anything is replayed.

The SDK's insides may change with any release. Where a name is gone that is relied on here, the SDK would do something else
than this room thinks, and all of it would look like the handler's fault. So it is said at once, in words.

What is here holds for every line of the SDK; what one line has and another has not is in that line's module (`lines`).
"""

from __future__ import annotations

import functools
import importlib
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.errors import UnsupportedSdkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType

__all__ = ["LINES", "check", "check_decorators", "line_of", "remark", "version"]

NAME = "aws-durable-execution-sdk-python"
PACKAGE = "aws_durable_execution_sdk_python"
CURE = f"Install it in the environment of this notebook or command: pip install '{NAME}>=3,<4'."


class Relied(NamedTuple):
    """A module of the SDK, and the names that are used of it: by attribute, or in the code of something."""

    module: str
    attributes: tuple[str, ...] = ()
    in_code: tuple[tuple[str, tuple[str, ...]], ...] = ()  # of a function: what its code names
    parameters: tuple[tuple[str, tuple[str, ...]], ...] = ()


_CONTEXT = "DurableContext"
_TOLERATED = ("tolerated_failure_count", "tolerated_failure_percentage")
_OF_A_BATCH = (
    "max_concurrency",
    "completion_config",
    "serdes",
    "item_serdes",
    "summary_generator",
    "nesting_type",
)
COMMON = (  # to all lines
    Relied(
        "context",
        (
            *(
                f"{_CONTEXT}.{name}"
                for name in ("step", "wait", "create_callback", "invoke", "map", "parallel")
            ),
            *(f"{_CONTEXT}.{name}" for name in ("wait_for_condition", "wait_for_callback", "set_logger")),
            *(f"{_CONTEXT}.{name}" for name in ("run_in_child_context", "create_child_context")),
            f"{_CONTEXT}._create_step_id_for_logical_step",  # a position's id
        ),
        in_code=((f"{_CONTEXT}.__init__", ("_parent_id", "_step_counter", "logger", "state")),),
        parameters=(
            (f"{_CONTEXT}.step", ("func", "name", "config")),
            (f"{_CONTEXT}.wait", ("duration", "name")),
            (f"{_CONTEXT}.invoke", ("function_name", "payload", "name", "config")),
            (f"{_CONTEXT}.create_child_context", ("operation_id", "is_virtual")),
        ),
    ),
    Relied("threading", ("OrderedCounter",), in_code=(("OrderedCounter.__init__", ("_counter",)),)),
    Relied(
        "execution",
        ("durable_execution", "InitialExecutionState", "DurableExecutionInvocationInputWithClient"),
        in_code=(("durable_execution", ("dex-handler",)),),
    ),
    Relied(
        "state",
        (
            "CHECKPOINT_NOT_FOUND",
            "CheckpointedResult.create_from_operation",
            "ExecutionState.get_checkpoint_result",
            "ExecutionState.emit_operation_replay_hook",
            "ExecutionState.stop_checkpointing",
            "_TERMINAL_OPERATION_STATUSES",
        ),
        in_code=(("ExecutionState.__init__", ("_operations", "_operations_lock", "_checkpoint_queue")),),
        parameters=(("ExecutionState.get_checkpoint_result", ("checkpoint_id",)),),
    ),
    Relied(
        "config",
        (
            "JitterStrategy",
            "NestingType.FLAT",
            "Duration.to_seconds",
            "CallbackConfig.timeout_seconds",
            "CallbackConfig.heartbeat_timeout_seconds",
        ),
        parameters=tuple(  # what an operation is asked with is read from its configuration
            (f"{config}.__init__", names)
            for config, names in {
                "CompletionConfig": ("min_successful", *_TOLERATED),
                "StepConfig": ("retry_strategy", "step_semantics", "serdes"),
                "CallbackConfig": ("serdes",),
                "ChildConfig": ("serdes", "summary_generator", "is_virtual"),
                "InvokeConfig": ("serdes_payload", "serdes_result", "tenant_id"),
                "ParallelConfig": _OF_A_BATCH,
                "MapConfig": (*_OF_A_BATCH, "item_namer"),
                "WaitForCallbackConfig": ("serdes", "retry_strategy"),
            }.items()
        ),
    ),
    Relied("operation.callback", ("wait_for_callback_handler",)),
    Relied("operation.map", ("MapExecutor.from_items",)),
    Relied("operation.parallel", ("ParallelExecutor.from_callables",)),
    Relied(
        "concurrency.executor",
        ("ConcurrentExecutor.execute_item", "ConcurrentExecutor.get_iteration_name"),
        in_code=(
            (
                "ConcurrentExecutor.__init__",
                ("executables", "sub_type_iteration", "nesting_type", "serdes"),
            ),
        ),
    ),
    Relied(
        "logger",
        ("Logger._log", "Logger._should_log", "Logger.with_log_info", "Logger.with_is_replaying"),
        in_code=(("Logger.__init__", ("_logger", "_default_extra", "_is_replaying")),),
    ),
    Relied("retries", ("with_retry",), in_code=(("with_retry", ("retry_strategy",)),)),
    Relied("serdes", ("DEFAULT_JSON_SERDES", "EXTENDED_TYPES_SERDES", "deserialize", "serialize")),
    Relied("exceptions", ("NonDeterministicExecutionError", "SerDesError", "SuspendExecution")),
    Relied("lambda_service", ("Operation", "OperationStatus", "OperationSubType", "OperationType")),
)


_NEW_OPERATION = ("_operation_replay_aware",)  # answers given when asked for: `invocation=`
_SINCE_2 = (
    Relied(
        "context",
        (f"{_CONTEXT}._operation_replay_aware",),
        in_code=tuple((f"{_CONTEXT}.{name}", _NEW_OPERATION) for name in ("step", "wait", "map")),
    ),
    Relied("identifier", ("OperationIdNamespace", "OperationIdNamespace.create_id_for_step")),
    Relied("state", ("_Signal.REFRESH_WAKE",)),
    Relied(
        "config",
        ("CompletionConfig._validate_for_total",),
        parameters=(("CompletionConfig.__init__", ("should_complete",)),),
    ),
    Relied(
        "concurrency.executor",
        ("ConcurrentExecutor._branch_worker",),  # by its name a thread that runs a branch is known
        in_code=(("ConcurrentExecutor.__init__", ("operation_id_namespace",)),),
    ),
)
_UNTIL_2 = (Relied("context", in_code=((f"{_CONTEXT}.wait_for_callback", ("run_in_child_context",)),)),)
_OF_1 = (
    Relied(
        "context",
        (f"{_CONTEXT}._replay_aware", f"{_CONTEXT}._peek_next_operation_id"),
        in_code=tuple((f"{_CONTEXT}.{name}", ("_replay_aware",)) for name in ("step", "wait", "map")),
    ),
    Relied("state", ("QueuedOperation",)),
    Relied("concurrency.executor", ("ConcurrentExecutor._execute_item_in_child_context",)),
)
_OF_3 = (
    Relied(
        "state", parameters=(("ExecutionState.get_checkpoint_result", ("checkpoint_id", "claim_end_hook")),)
    ),
)


class Known(NamedTuple):
    """A line of the SDK that is known here.

    Attributes
    ----------
    module
        Its adapter in `lines`.
    since
        The first version that it stands for; all up to the next line's are taken for it.
    tested
        Versions that tests have run with.
    """

    module: str
    since: tuple[int, ...]
    tested: tuple[str, ...]
    relied: tuple[Relied, ...]


LINES = (
    Known("v1", (1, 7), ("1.7.0",), (*COMMON, *_UNTIL_2, *_OF_1)),
    Known("v2", (2, 0), ("2.0.1", "2.1.0"), (*COMMON, *_UNTIL_2, *_SINCE_2)),
    Known("v3", (3, 0), ("3.0.0",), (*COMMON, *_SINCE_2, *_OF_3)),
)


@functools.cache
def version() -> str | None:
    """Give the installed SDK's version; None where it is not installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return None


@functools.cache
def line_of(there: str) -> Known | None:
    """Give the line that a version is of, or nearest to; None where it is older than all of them."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", there)[:2])
    return next((known for known in reversed(LINES) if known.since <= numbers), None)


def check() -> Known:
    """Look whether the installed SDK is of a line that is known here.

    Raises
    ------
    UnsupportedSdkError
        There is none, it is older than all lines, or something that is relied on is not in it.
    """
    there = version()
    if there is None:
        raise UnsupportedSdkError(f"{NAME} is not installed, and a replay runs through it.", cure=CURE)
    line = line_of(there)
    if line is None:
        oldest = ".".join(map(str, LINES[0].since))
        raise UnsupportedSdkError(
            f"{NAME} {there} is installed; a replay needs {oldest} or later (tested with {_tested()}).",
            cure=CURE,
        )
    refuse([f"{PACKAGE}.{name}" for one in line.relied for name in _missing(one)])
    return line


def refuse(missing: list[str]) -> None:
    """Raise the error for what the installed SDK has not, if that is anything."""
    if missing:
        raise UnsupportedSdkError(
            f"{NAME} {version()} is not known to this version of durable_debug: it has no "
            f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}.",
            cure=f"{CURE} Or look for a newer durable_debug.",
        )


def remark() -> str | None:
    """Say that the installed version was never tested, a sentence; None where it was."""
    there = version()
    line = line_of(there or "")
    if line is None or there in line.tested:
        return None
    nearest = ", ".join(line.tested)
    return (
        f"The SDK is {there}, which was not tested here ({nearest} {'were' if len(line.tested) > 1 else 'was'}): "
        "all that is relied on is in it."
    )


def _tested() -> str:
    return ", ".join(version for line in LINES for version in line.tested)


def _missing(relied: Relied) -> Iterable[str]:
    try:
        module = importlib.import_module(f"{PACKAGE}.{relied.module}")
    except ImportError as error:
        if error.name and not error.name.startswith(PACKAGE):
            raise UnsupportedSdkError(
                f"{NAME} {version()} can't be imported: {error}.",
                cure=f"Install what it needs: pip install {NAME}.",
            ) from error
        yield relied.module
        return
    for name in relied.attributes:
        if _found(module, name) is None:
            yield f"{relied.module}.{name}"
    for names, has in ((relied.in_code, _named_in), (relied.parameters, _parameters_of)):
        for function, wanted in names:
            found = _found(module, function)
            code = getattr(_unwrapped(found), "__code__", None)
            there = has(code) if code is not None else frozenset()
            yield from (f"{relied.module}.{function}({each})" for each in wanted if each not in there)


def _found(module: object, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _named_in(code: CodeType) -> frozenset[str]:
    """All that a function's code names, what is defined in it included."""
    found = {*code.co_names, *code.co_varnames, *code.co_cellvars, *code.co_freevars}
    for const in code.co_consts:
        if isinstance(const, str):
            found.add(const)
        elif hasattr(const, "co_names"):
            found |= _named_in(const)
    return frozenset(found)


def _parameters_of(code: CodeType) -> frozenset[str]:
    return frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def check_decorators(is_durable: Callable[[object], bool]) -> None:
    """Look whether what the SDK's decorators make is known for what it is: a durable function, and a named step."""
    missing = []
    if not is_durable(importlib.import_module(f"{PACKAGE}.execution").durable_execution(_nothing)):
        missing.append(f"{PACKAGE}.execution.durable_execution(func)")
    if not hasattr(importlib.import_module(f"{PACKAGE}.context").durable_step(_nothing)(), "_original_name"):
        missing.append(f"{PACKAGE}.context.durable_step(_original_name)")
    refuse(missing)


def _nothing(*_: object) -> None:
    """Stand for a function of the user's."""
