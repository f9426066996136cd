"""The logger that a replayed handler finds in its context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_durable_execution_sdk_python.logger import Logger

from durable_debug.engine import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from durable_debug.engine.ongoing_pass import OngoingPass


class PassLogger(Logger):
    """The SDK's context logger, writing to the pass, also what Lambda does not log again on replay."""

    _ongoing: OngoingPass

    @classmethod
    def over(cls, logger: Logger, ongoing: OngoingPass) -> PassLogger:
        made = cls(logger._logger, logger._default_extra, logger._is_replaying)
        made._ongoing = ongoing
        return made

    def with_log_info(self, info: Any) -> Logger:
        return self.over(super().with_log_info(info), self._ongoing)

    def with_is_replaying(self, is_replaying: Callable[[], bool]) -> Logger:
        return self.over(super().with_is_replaying(is_replaying), self._ongoing)

    def _log(
        self,
        log_func: Callable[..., Any],
        msg: object,
        *args: object,
        extra: Mapping[str, object] | None = None,  # noqa: ARG002
    ) -> None:
        try:
            text = str(msg) % args if args else str(msg)
        except (TypeError, ValueError):
            text = f"{msg} {args}"
        level = getattr(log_func, "__name__", "info").upper()
        capture.keep(
            self._ongoing, "ERROR" if level == "EXCEPTION" else level, text, replayed=not self._should_log()
        )
