"""A call as this process makes it, through the SDK: what is plain of it is made of the SDK's objects when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.engine.call import BatchItem, Body, Objection, Strategy
from durable_debug.engine.capture import sdk_silent
from durable_debug.engine.foreign import only_exceptions
from durable_debug.engine.guard import harmless
from durable_debug.engine.once import once
from durable_debug.engine.placeholder import holds_unknown, marked
from durable_debug.engine.sdk import payloads, strategies
from durable_debug.engine.sdk.arguments import arguments
from durable_debug.engine.sdk.given import Given
from durable_debug.engine.sdk.lines import LINE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SdkBody", "SdkCall"]

_IDENTITY: Any = object.__eq__


class SdkCall(Given):
    """One operation that the handler asked the SDK for: what is plain of it, made of what it was given."""

    def ended(self, how: str, value: Any = None) -> None:
        """Note how a body that was entered ended: ``returned`` a value, ``raised`` an error, or was ``left``."""
        self.body = SdkBody(self, how, value)

    @once
    def arguments(self) -> Mapping[str, Any]:
        return arguments(self)

    @property
    def answered(self) -> bool:  # type: ignore[override]
        return self.recorded is not None

    @property
    def status(self) -> str | None:  # type: ignore[override]
        return self.recorded.status._value_ if self.recorded is not None else None

    @property
    def match_id(self) -> str | None:  # type: ignore[override]
        return self.match.operation_id if self.match is not None else None

    @property
    def match_status(self) -> str | None:  # type: ignore[override]
        return self.match.status._value_ if self.match is not None else None

    @property
    def match_parent_id(self) -> str | None:  # type: ignore[override]
        return self.match.parent_id if self.match is not None else None

    @property
    def has_strategy(self) -> bool:  # type: ignore[override]
        return strategies.has_strategy(self)

    @property
    def strategy(self) -> Strategy | None:  # type: ignore[override]
        return strategies.strategy_of(self)

    @property
    def replays_children(self) -> bool:  # type: ignore[override]
        details = self.recorded.context_details if self.recorded is not None else None
        return details is not None and bool(details.replay_children)

    @property
    def ends_early(self) -> bool:  # type: ignore[override]
        config = self.args[-1] if self.kind in {"map", "parallel"} else None
        completion = config.completion_config if config is not None else None
        return completion is not None and (
            completion.min_successful is not None
            or getattr(completion, "should_complete", None) is not None  # since 2.0
            or completion.tolerated_failure_count is not None
            or completion.tolerated_failure_percentage is not None
        )

    @property
    def summarises(self) -> bool:  # type: ignore[override]
        config = self.args[-1] if self.kind == "run_in_child_context" else None
        return config is not None and config.summary_generator is not None

    @property
    def sends_unknown(self) -> bool:  # type: ignore[override]
        return self.kind == "invoke" and holds_unknown(self.args[2])

    @property
    def objection(self) -> Objection | None:  # type: ignore[override]
        return self._objection if self.failure is not None else None

    @once
    def _objection(self) -> Objection:
        error = self.failure
        assert error is not None
        return Objection(
            type(error).__name__,
            str(error),
            payloads.error_object(error),
            getattr(error, "step_id", None),
            LINE.is_unreadable(error),
        )

    @once
    def items(self) -> Mapping[int, BatchItem]:
        result = self.match.context_details.result if self.match and self.match.context_details else None
        return {
            index: BatchItem(
                item.status.value,
                _plain(item.result),
                str(item.result),
                dict(item.error.to_dict()) if item.error is not None else None,
            )
            for index, item in payloads.batch_items(self, result, self.arn).items()
        }

    def would_send(self, recorded: str | None) -> bool:
        """Whether what it sends is what was sent, by the invoke's own codec: that need not write the same text twice."""
        if payloads.sending_codec_of(self) is None:
            return False
        try:
            with sdk_silent(), harmless(), only_exceptions():
                return bool(payloads.from_sent(self, self.payload) == payloads.from_sent(self, recorded))
        except Exception:  # noqa: BLE001 - it need not be able to read what it writes: the target does
            return True


class SdkBody(Body):
    """How a body that was looked into ended, in this process."""

    def __init__(self, call: SdkCall, how: str, value: Any) -> None:
        self.how = how
        self.value = value
        self._call = call

    @property
    def error_type(self) -> str:  # type: ignore[override]
        return type(self.value).__name__

    @property
    def error(self) -> Mapping[str, Any]:  # type: ignore[override]
        return payloads.error_object(self.value)

    @property
    def text(self) -> str:  # type: ignore[override]
        return str(self.value)

    @once
    def plain(self) -> tuple[bool, str | None]:
        return _plain(self.value)

    @once
    def writable(self) -> bool:
        try:
            with sdk_silent(), harmless(), only_exceptions():
                payloads.to_payload_or_summary(self._call, self.value, self._call.arn)
        except Exception:  # noqa: BLE001 - a codec of the user's may do anything
            return False
        return True

    @once
    def written(self) -> tuple[str | None, str]:
        try:
            with sdk_silent(), harmless(), only_exceptions():
                return payloads.to_payload(self._call, marked(self.value), self._call.arn), ""
        except Exception as error:  # noqa: BLE001 - a codec of the user's may do anything
            return None, f"it can't be serialised here ({type(error).__name__}: {error})"

    @property
    def has_codec(self) -> bool:  # type: ignore[override]
        return payloads.codec_of(self._call) is not None

    @property
    def is_unknown(self) -> bool:  # type: ignore[override]
        return holds_unknown(self.value)

    def reads_as(self, payload: str | None) -> tuple[bool | None, str]:
        """Whether its codec reads the recorded payload as it reads what it writes; or why nobody can tell."""
        call = self._call
        try:
            with sdk_silent(), harmless(), only_exceptions():
                read = payloads.from_payload(call, self.written[0], call.arn)
                recorded = payloads.from_payload(call, payload, call.arn)
        except Exception as error:  # noqa: BLE001
            return None, f"its codec can't read it back ({type(error).__name__}: {error})"
        if read == recorded:
            return True, ""
        if type(read).__eq__ is _IDENTITY:
            return None, f"{type(read).__name__} objects can't be compared"
        return False, ""


def _plain(value: Any) -> tuple[bool, str | None]:
    try:
        return True, payloads.written(marked(value))
    except Exception:  # noqa: BLE001 - a type that only a codec of the user's knows
        return False, None
