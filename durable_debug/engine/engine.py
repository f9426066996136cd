"""Set a replay up, let it run, and say how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.engine import capture, sdk
from durable_debug.engine.environment import Environment
from durable_debug.engine.guard import Scope, SideEffect, allows
from durable_debug.engine.handlers import Handler, resolve
from durable_debug.engine.lambda_context import ReplayLambdaContext
from durable_debug.engine.ongoing_pass import (
    LeaveBody,
    Matcher,
    Observer,
    OngoingPass,
    Ran,
    ReplayStop,
    Rules,
)
from durable_debug.engine.placeholder import UNKNOWN, holds_unknown, marked
from durable_debug.engine.script import Script, script_for
from durable_debug.engine.veiled import Veil
from durable_debug.engine.worker import Worker
from durable_debug.errors import HandlerError, InternalError
from durable_debug.options import Options
from durable_debug.value_paths import matcher_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from durable_debug.engine.line_recorder import LineRecorder
    from durable_debug.engine.skipping import Jump
    from durable_debug.history import History

__all__ = ["Options", "Outcome", "Replay", "Script"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a replayed invocation ended.

    Attributes
    ----------
    status
        ``SUCCEEDED``, ``FAILED`` or ``PENDING`` (suspended) as the handler would have told Lambda;
        ``HALTED`` where the replay ended it; ``CRASHED`` where it ended without an output, so that Lambda
        would run it again.
    result
        The result payload, JSON text.
    error
        The error object: ErrorType, ErrorMessage, ErrorData, StackTrace.
    """

    status: str
    result: str | None = None
    error: dict[str, Any] | None = None


class Replay:
    """One replay under way: a handler, a script, a pass, and the thread they meet in."""

    def __init__(  # noqa: PLR0913
        self,
        handler: Handler,
        script: Script,
        options: Options,
        *,
        observer: Observer | None = None,
        matcher: Matcher | None = None,
        trace: bool = False,
        jumps: frozenset[Jump] = frozenset(),
        supposes: bool = False,
        ended: Callable[[], None] | None = None,
        ran_before: Mapping[str, Ran] | None = None,
        lines: LineRecorder | None = None,
    ) -> None:
        self.handler = handler
        self.script = script
        self.options = options
        rules = Rules(
            enter=options.enter,
            run=options.run,
            ran_before=ran_before,
            letting=handler.letting,
            matcher=matcher,
            observer=observer,
            trace=trace,
            jumps=jumps,
            supposes=supposes,
            lines=lines,
        )
        scope = Scope(self._report, note=self._note, environment=_environment(handler, script, options))
        self.ongoing = OngoingPass(script, rules, scope)
        if script.redacted is not None:
            gone = matcher_of(script.redacted, script.kept)
            self.ongoing.veil = Veil(self.ongoing.seen.calls, gone, sdk.looks_by_itself, script.stands_for)
        self._pass = contextlib.ExitStack()
        self._worker = Worker(self._invoke, self.ongoing, ended)

    def _invoke(self) -> dict[str, Any]:
        capture.install(self.ongoing)
        try:
            func, around = self._pass.enter_context(self.handler.cold())
            return sdk.invoke(
                func,
                around,
                arn=self.script.arn.arn,
                operations=self.script.operations,
                ongoing=self.ongoing,
                lambda_context=ReplayLambdaContext.of(self.script.arn, self.script.request_id),
            )
        finally:
            self._pass.close()
            capture.remove(self.ongoing)

    def _note(self, effect: SideEffect) -> SideEffect:
        if allows(self.options.allow, effect):
            effect = dataclasses.replace(effect, refused=False)
        if self.ongoing.here.inside_ended:
            effect = dataclasses.replace(effect, looked=True)
        self.ongoing.seen.side_effects.append(effect)
        return effect

    def _report(self, effect: SideEffect) -> None:
        effect = self._note(effect)
        if effect.refused and effect.looked:
            raise LeaveBody  # Lambda does not run this body: the handler goes on
        if effect.refused:
            where = f" at {effect.file}:{effect.line}" if effect.file else ""
            raise self.ongoing.stop("side_effect", f"side effect outside a step{where}: {effect.detail}")

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self.ongoing.scope.look()  # here: it takes several times as long in a thread that has just begun
        self._worker.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; whether it has."""
        return self._worker.join(timeout)

    def end(self, kind: str = "aborted", message: str = "the replay was ended") -> None:
        """End it now."""
        self._worker.end(kind, message)
        if self._worker.abandoned:
            self._pass.close()

    @property
    def abandoned(self) -> bool:
        """Whether a thread of the user's code could not be ended."""
        return self._worker.abandoned

    def run(self) -> Outcome:
        """Run to the end, in one go."""
        self.start()
        try:
            self._watch()
        except BaseException:
            self.end("aborted", "the replay was interrupted")
            raise
        return self.outcome()

    def _watch(self) -> None:
        timeout = self.options.timeout
        seen = -1
        while not self._worker.join(timeout):
            if len(self.ongoing.seen.calls) == seen:
                last = self.ongoing.seen.calls[-1].position if self.ongoing.seen.calls else None
                after = f"after operation {last}" if last else "before its first operation"
                self.end("timeout", f"the handler asked for nothing more for {timeout:g} s, {after}")
                return
            seen = len(self.ongoing.seen.calls)

    def outcome(self) -> Outcome:
        """How it ended.

        Raises
        ------
        HandlerError
            The handler could not be called at all.
        """
        answer, error, seen = self._worker.output, self._worker.error, self.ongoing.seen
        if seen.internal is not None:
            raise InternalError(
                f"The replay of {self.handler.name} failed in durable_debug itself: "
                f"{type(seen.internal).__name__}: {seen.internal}.",
                cure="The handler is not to blame. Please report it, with the versions of durable_debug and of the SDK.",
            ) from seen.internal
        if self.ongoing.halt is not None:
            return Outcome("HALTED")
        if error is not None:
            if seen.returned is None and seen.error is None and not seen.threads:
                raise HandlerError(
                    f"{self.handler.name} could not be called: {type(error).__name__}: {error}.",
                    cure="Its decorators must pass the event and the context on, as on Lambda.",
                ) from error
            return Outcome("CRASHED", error={"ErrorType": type(error).__name__, "ErrorMessage": str(error)})
        if not isinstance(answer, dict) or "Status" not in answer:
            raise HandlerError(
                f"{self.handler.name} gave {type(answer).__name__} where the SDK's output belongs.",
                cure="A decorator around @durable_execution must return what the durable handler returns.",
            )
        status, result, wire = str(answer["Status"]), answer.get("Result"), answer.get("Error")
        for update in reversed(seen.sent):  # a large result goes by a checkpoint of the EXECUTION
            if update.operation_type.value == "EXECUTION":
                result, wire = update.payload, update.error.to_dict() if update.error else wire
                break
        if result and seen.returned is not None and holds_unknown(seen.returned[0]):
            with contextlib.suppress(
                TypeError, ValueError
            ):  # as JSON, a value that nobody knows would be `{}`
                result = json.dumps(marked(seen.returned[0]))
        return Outcome(status, result, dict(wire) if wire else None)


def _environment(handler: Handler, script: Script, options: Options) -> Environment:
    assumed = dict.fromkeys(handler.assumed, UNKNOWN) if handler.assumed else {}
    return Environment.of(script.arn, assumed | dict(options.env))


def prepare(handler: object, history: History, options: Options) -> tuple[Handler, Script]:
    """Find the handler and prepare the history."""
    script = script_for(history, options.invocation)
    environment = Environment.of(script.arn, dict(options.env))
    return resolve(handler, environment=environment, allow=options.allow), script


__all__ += ["ReplayStop", "prepare"]
