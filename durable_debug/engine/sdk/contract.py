"""What a replay relies on of the SDK, beyond its public face: looked at once, before anything is replayed.

The SDK's insides may change with any release. Where a name is gone that is relied on here, the SDK would do something else
than this room thinks, and all of it would look like the handler's fault. So it is said at once, in words.
"""

from __future__ import annotations

import importlib
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from durable_debug.errors import UnsupportedSdkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType

__all__ = ["check", "remark"]

NAME = "aws-durable-execution-sdk-python"
_PACKAGE = "aws_durable_execution_sdk_python"
_TESTED = ("3.0.0",)
_MAJOR = 3
_CURE = f"Install it in the environment of this notebook or command: pip install '{NAME}=={_TESTED[-1]}'."


class _Relied(NamedTuple):
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
_RELIED = (
    _Relied(
        "context",
        (
            *(
                f"{_CONTEXT}.{name}"
                for name in ("step", "wait", "create_callback", "invoke", "map", "parallel")
            ),
            *(f"{_CONTEXT}.{name}" for name in ("wait_for_condition", "wait_for_callback", "set_logger")),
            *(f"{_CONTEXT}.{name}" for name in ("run_in_child_context", "create_child_context")),
            f"{_CONTEXT}._create_step_id_for_logical_step",  # a position's id
            f"{_CONTEXT}._operation_replay_aware",  # answers given when asked for: `invocation=`
        ),
        in_code=(
            (f"{_CONTEXT}.__init__", ("_parent_id", "_step_counter", "logger", "state")),
            (f"{_CONTEXT}.step", ("_operation_replay_aware",)),
            (f"{_CONTEXT}.wait", ("_operation_replay_aware",)),
            (f"{_CONTEXT}.map", ("_operation_replay_aware",)),
        ),
        parameters=(
            (f"{_CONTEXT}.step", ("func", "name", "config")),
            (f"{_CONTEXT}.wait", ("duration", "name")),
            (f"{_CONTEXT}.invoke", ("function_name", "payload", "name", "config")),
            (f"{_CONTEXT}.create_child_context", ("operation_id", "is_virtual")),
        ),
    ),
    _Relied("identifier", ("OperationIdNamespace", "OperationIdNamespace.create_id_for_step")),
    _Relied("threading", ("OrderedCounter",), in_code=(("OrderedCounter.__init__", ("_counter",)),)),
    _Relied(
        "execution",
        ("durable_execution", "InitialExecutionState", "DurableExecutionInvocationInputWithClient"),
        in_code=(("durable_execution", ("dex-handler",)),),
    ),
    _Relied(
        "state",
        (
            "CHECKPOINT_NOT_FOUND",
            "CheckpointedResult.create_from_operation",
            "ExecutionState.get_checkpoint_result",
            "ExecutionState.emit_operation_replay_hook",
            "ExecutionState.stop_checkpointing",
            "_Signal.REFRESH_WAKE",
            "_TERMINAL_OPERATION_STATUSES",
        ),
        in_code=(("ExecutionState.__init__", ("_operations", "_operations_lock", "_checkpoint_queue")),),
        parameters=(("ExecutionState.get_checkpoint_result", ("checkpoint_id", "claim_end_hook")),),
    ),
    _Relied(
        "config",
        (
            "CompletionConfig._validate_for_total",
            "JitterStrategy",
            "NestingType.FLAT",
            "Duration.to_seconds",
            "CallbackConfig.timeout_seconds",
            "CallbackConfig.heartbeat_timeout_seconds",
        ),
        parameters=tuple(  # what an operation is asked with is read from its configuration
            (f"{config}.__init__", names)
            for config, names in {
                "CompletionConfig": ("min_successful", *_TOLERATED, "should_complete"),
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
    _Relied("operation.callback", ("wait_for_callback_handler",)),
    _Relied("operation.map", ("MapExecutor.from_items",)),
    _Relied("operation.parallel", ("ParallelExecutor.from_callables",)),
    _Relied(
        "concurrency.executor",
        (
            "ConcurrentExecutor._branch_worker",  # by its name a thread that runs a branch is known
            "ConcurrentExecutor.execute_item",
            "ConcurrentExecutor.get_iteration_name",
        ),
        in_code=(
            (
                "ConcurrentExecutor.__init__",
                ("executables", "operation_id_namespace", "sub_type_iteration", "nesting_type", "serdes"),
            ),
        ),
    ),
    _Relied(
        "logger",
        ("Logger._log", "Logger._should_log", "Logger.with_log_info", "Logger.with_is_replaying"),
        in_code=(("Logger.__init__", ("_logger", "_default_extra", "_is_replaying")),),
    ),
    _Relied("retries", ("with_retry",), in_code=(("with_retry", ("retry_strategy",)),)),
    _Relied("serdes", ("DEFAULT_JSON_SERDES", "EXTENDED_TYPES_SERDES", "deserialize", "serialize")),
    _Relied("exceptions", ("NonDeterministicExecutionError", "SerDesError", "SuspendExecution")),
    _Relied("lambda_service", ("Operation", "OperationStatus", "OperationSubType", "OperationType")),
)


def version() -> str | None:
    """Give the installed SDK's version; None where it is not installed."""
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return None


def check() -> None:
    """Look whether the installed SDK is one that is known here.

    Raises
    ------
    UnsupportedSdkError
        There is none, it is of another line, or something that is relied on is not in it.
    """
    there = version()
    if there is None:
        raise UnsupportedSdkError(f"{NAME} is not installed, and a replay runs through it.", cure=_CURE)
    if int(re.match(r"\d*", there)[0] or 0) != _MAJOR:  # type: ignore[index]  # it always matches
        raise UnsupportedSdkError(
            f"{NAME} {there} is installed; a replay needs {_MAJOR}.x (tested with {', '.join(_TESTED)}).",
            cure=_CURE,
        )
    missing = [f"{_PACKAGE}.{name}" for one in _RELIED for name in _missing(one)]
    missing += _missing_of_the_decorator()
    if missing:
        raise UnsupportedSdkError(
            f"{NAME} {there} is not known to this version of durable_debug: it has no "
            f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}.",
            cure=f"{_CURE} Or look for a newer durable_debug.",
        )


def remark() -> str | None:
    """Say that the installed version was never tested, a sentence; None where it was."""
    there = version()
    if there in _TESTED:
        return None
    return f"The SDK is {there}, which was not tested here ({', '.join(_TESTED)} was): all that is relied on is in it."


def _missing(relied: _Relied) -> Iterable[str]:
    try:
        module = importlib.import_module(f"{_PACKAGE}.{relied.module}")
    except ImportError:
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


def _missing_of_the_decorator() -> list[str]:
    """The decorated function is known by its name and by what it holds: see `unwrapping`."""
    decorate: Callable[..., Any] | None = getattr(
        importlib.import_module(f"{_PACKAGE}.execution"), "durable_execution", None
    )
    if decorate is None:
        return []
    code = decorate(lambda _event, _context: None).__code__
    wanted = {"func", "configured_plugins"} - set(code.co_freevars)
    missing = [f"execution.durable_execution({name})" for name in sorted(wanted)]
    step = importlib.import_module(f"{_PACKAGE}.context").durable_step
    if not hasattr(step(_nothing)(), "_original_name"):
        missing.append("context.durable_step(_original_name)")
    return missing if code.co_name == "wrapper" else [*missing, "execution.durable_execution(wrapper)"]


def _nothing(_context: object) -> None:
    """Stand for a function of the user's."""
