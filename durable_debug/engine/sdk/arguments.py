"""What a call of the SDK asked for, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.engine.foreign import repr_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.engine.sdk.given import Given

__all__ = ["arguments"]

_REPR_LIMIT = 200


def arguments(call: Given) -> dict[str, Any]:
    """Give the arguments of a call by name; functions by their qualified name, values as text."""
    kind, *rest = call.args
    try:
        return _BY_KIND[kind](call, *rest)
    except (
        AttributeError,
        TypeError,
        ValueError,
    ):  # given what is no configuration: the SDK has said so already
        return {}


def _step(_: Given, func: Any, config: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"func": _called(func)}
    if config is not None:
        found["step_semantics"] = config.step_semantics.value
        if config.retry_strategy is not None:
            found["retry_strategy"] = _called(config.retry_strategy)
        found |= _codecs(serdes=config.serdes)
    return found


def _wait(_: Given, duration: Any) -> dict[str, Any]:
    return {"seconds": duration.to_seconds()}


def _create_callback(_: Given, config: Any) -> dict[str, Any]:
    if config is None:
        return {"timeout_seconds": 0, "heartbeat_timeout_seconds": 0}
    return {
        "timeout_seconds": config.timeout_seconds,
        "heartbeat_timeout_seconds": config.heartbeat_timeout_seconds,
    }


def _wait_for_callback(call: Given, submitter: Any, config: Any) -> dict[str, Any]:
    return {"submitter": _called(submitter), **_create_callback(call, config)}


def _invoke(call: Given, function_name: str, payload: Any, config: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "function_name": function_name,
        "payload": call.payload if call.payload is not None else _shown(payload),
    }
    if config is not None:
        if config.tenant_id is not None:
            found["tenant_id"] = config.tenant_id
        found |= _codecs(serdes_payload=config.serdes_payload, serdes_result=config.serdes_result)
    return found


def _wait_for_condition(_: Given, check: Any, config: Any) -> dict[str, Any]:
    return {
        "check": _called(check),
        "initial_state": _shown(config.initial_state),
        **_codecs(serdes=config.serdes),
    }


def _run_in_child_context(_: Given, func: Any, config: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"func": _called(func)}
    if config is not None:
        if config.is_virtual:
            found["is_virtual"] = True
        found |= _codecs(serdes=config.serdes)
    return found


def _map(call: Given, _: Any, func: Any, config: Any) -> dict[str, Any]:
    return {"items": call.branches, "func": _called(func), **_batch(config)}


def _parallel(call: Given, _: Any, config: Any) -> dict[str, Any]:
    return {"branches": call.branches, **_batch(config)}


def _branch(_: Given, index: int) -> dict[str, Any]:
    return {"index": index}


_BY_KIND: dict[str, Callable[..., dict[str, Any]]] = {
    "step": _step,
    "wait": _wait,
    "create_callback": _create_callback,
    "wait_for_callback": _wait_for_callback,
    "invoke": _invoke,
    "wait_for_condition": _wait_for_condition,
    "run_in_child_context": _run_in_child_context,
    "map": _map,
    "parallel": _parallel,
    "branch": _branch,
}


def _batch(config: Any) -> dict[str, Any]:
    if config is None:
        return {}
    found: dict[str, Any] = {"nesting_type": config.nesting_type.value}
    if config.max_concurrency is not None:
        found["max_concurrency"] = config.max_concurrency
    completion = config.completion_config
    for key in ("min_successful", "tolerated_failure_count", "tolerated_failure_percentage"):
        if getattr(completion, key) is not None:
            found[key] = getattr(completion, key)
    return found | _codecs(serdes=config.serdes, item_serdes=config.item_serdes)


def _codecs(**codecs: Any) -> dict[str, str]:
    return {key: type(codec).__qualname__ for key, codec in codecs.items() if codec is not None}


def _called(func: Any) -> str:
    func = getattr(func, "func", func)
    if getattr(func, "_original_name", None) is not None:  # what the SDK's decorators make of a function
        cells = zip(func.__code__.co_freevars, func.__closure__ or (), strict=True)
        func = next((cell.cell_contents for name, cell in cells if name == "func"), func)
    return str(getattr(func, "__qualname__", None) or type(func).__qualname__)


def _shown(value: Any) -> str:
    return repr_of(value, _REPR_LIMIT)
