"""What one run may answer from, and what it saw: the only mutable thing in a replay."""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from types import CodeType, FrameType

    from aws_durable_execution_sdk_python.lambda_service import Operation as SdkOperation

    from durable_debug.engine.guard import Scope, SideEffect
    from durable_debug.engine.origins import Origin
    from durable_debug.engine.skipping import Jump
    from durable_debug.engine.veiled import Veil


Ran = tuple[str, Any]  # how a body ended: ("returned", value) or ("raised", error)


class ReplayStop(BaseException):
    """Ends a run from inside the handler; a BaseException, so that `except Exception` lets it pass."""


class LeaveBody(BaseException):
    """Ends a body that was entered only to be looked at, where its recorded part ends."""


class Ask:
    """One operation that the handler asked for.

    Made for every operation of every run: it holds references, and leaves all formatting for later. What is
    seldom set has its default in the class.
    """

    seq = -1
    code: CodeType | None = None
    lasti = -1
    recorded: SdkOperation | None = None  # as the SDK is given it
    match: SdkOperation | None = None  # as the history holds it
    failure: Exception | None = None  # the SDK's own objection
    inner: tuple[str, Any] | None = None  # how an entered body ended: ("returned", value) ...
    looked = False  # asked for in a body that Lambda would not enter
    entered = False
    frame: FrameType | None = None  # of a batch's call, while a debugger looks on
    origin: Origin = ()  # where the thread that asks was handed this to, while somebody looks on
    handed = False  # whether it failed in a thread that the handler had handed it to
    ran = False  # its body really ran, because the user asked for that
    branches: int | None = None
    payload: str | None = None  # what an invoke would send, as text
    by_chance = False  # a pause whose length the SDK draws by chance

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        operation_id: str,
        parent_id: str | None,
        parent_path: str,
        number: int,
        type_: str,
        sub_type: str,
        name: str | None,
        args: tuple[Any, ...],
        virtual: bool,  # noqa: FBT001
        depth: int,
        within: Ask | None,
    ) -> None:
        self.operation_id = operation_id
        self.parent_id = parent_id
        self.parent_path = parent_path
        self.number = number
        self.type = type_
        self.sub_type = sub_type
        self.name = name
        self.args = args
        self.virtual = virtual
        self.depth = depth
        self.within = within

    @property
    def position(self) -> str:
        """Logical position, such as ``"3-1"``."""
        return f"{self.parent_path}-{self.number}" if self.parent_path else str(self.number)

    def freeze(self) -> None:
        """Let nothing of it be changed any more."""
        self.__class__ = _FrozenAsk


class _FrozenAsk(Ask):
    def freeze(self) -> None:
        """Stay as it is."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A replay that has ended does not change: {name} can't be set.")

    __delattr__ = __setattr__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a run ended before the handler did."""

    kind: str  # "would_run", "side_effect", "timeout", "aborted", "invocation_end"
    message: str
    ask: Ask | None = None
    at: tuple[CodeType, int] | None = None  # the instruction of the user's code that did not end


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that the handler logged through its context, also where Lambda would keep quiet on replay."""

    level: str
    message: str
    seq: int
    replayed: bool


class Observer(Protocol):
    """Looks over a run's shoulder, in the handler's own thread; may block, may raise `ReplayStop`."""

    def asked(self, ask: Ask, frame: FrameType) -> None:
        """An operation was asked for and is about to be answered."""

    def raised(self, error: BaseException) -> None:
        """An exception leaves the handler."""


class Matcher(Protocol):
    """Aligns what is asked for with what the history holds."""

    def __call__(self, ask: Ask) -> SdkOperation | None:
        """Give the recorded operation that answers an ask, None for an operation that was inserted."""


class _Local(threading.local):
    """What a run knows of each of its threads."""

    looking = 0
    batch: Any = None  # the map or parallel that is being asked for
    silence: str | None = None  # the operation whose body was looked at already
    evaluating = False


class Tape:
    """The recorded answers of one run and its observations.

    Parameters
    ----------
    answers
        By operation id, the recorded operation as the SDK models it.
    enter
        Whether the bodies of completed child contexts, maps and parallels are looked into.
    inject
        Whether answers are put into the SDK's state only when asked for: so the SDK takes the operations of
        the invocation under study for new ones, as it did then.
    later
        Ids of operations that were first asked for after the invocation under study.
    branches_were_cut
        Whether a branch under way is left where its record ends, instead of ending the run there.
    run
        Glob patterns of the names of operations whose bodies may really run.
    matcher
        Finds the recorded operation that answers an ask, and lets the replay go on behind inserted ones; by
        default the one with the same id answers, and the SDK objects to it where Lambda would.
    observer
        Called for each ask, before it is answered.
    scope
        Watches the handler outside steps, and refuses its side effects.
    trace
        Whether to note the lines at which the handler and the bodies of contexts end.
    """

    def __init__(  # noqa: PLR0913
        self,
        answers: Mapping[str, SdkOperation],
        *,
        enter: bool = True,
        inject: bool = False,
        later: frozenset[str] = frozenset(),
        branches_were_cut: bool = False,
        run: Iterable[str] = (),
        matcher: Matcher | None = None,
        observer: Observer | None = None,
        scope: Scope | None = None,
        trace: bool = False,
    ) -> None:
        self.scope = scope
        self.answers = answers
        self.enter = enter
        self.inject = inject
        self.later = later
        self.branches_were_cut = branches_were_cut
        self.allowed = tuple(run)
        self.ran_before: Mapping[str, Ran] | None = (
            None  # by operation id, bodies that ran in an earlier pass
        )
        self.ran: dict[str, Ran] = {}
        self.letting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
        self.matcher = matcher
        self.observer = observer
        self.asks: list[Ask] = []
        self.logs: list[LogLine] = []
        self.side_effects: list[SideEffect] = []
        self.sent: list[Any] = []  # checkpoints that the SDK wanted to send
        self.halt: Halt | None = None
        self.beyond: Ask | None = None  # the first that the invocation under study did not come to
        self.error: BaseException | None = None  # what left the handler
        self.internal: Exception | None = None  # what went wrong in this package itself
        self.returned: tuple[Any] | None = None
        self.trace = trace
        self.jumps: frozenset[Jump] = frozenset()  # statements not to run
        self.veil: Veil | None = None  # over the values of a redacted history
        self.ends: dict[str, tuple[CodeType, int]] = {}  # by context, the instruction that its body ended at
        self.changed_by: str | None = None  # an expression that changed what the handler holds
        self.threads: set[int] = set()  # idents of the threads in which the user's code runs
        self.local = _Local()
        self._sequence = itertools.count()

    @property
    def looking(self) -> int:
        """How many bodies deep this thread is in what Lambda would not enter."""
        return self.local.looking

    def watch(self) -> None:
        """Take this thread for one that runs the user's code."""
        self.threads.add(threading.get_ident())

    def note(self, ask: Ask) -> None:
        """Keep an ask, in the order of asking."""
        ask.seq = next(self._sequence)
        self.asks.append(ask)

    def stop(
        self,
        kind: str,
        message: str,
        ask: Ask | None = None,
        at: tuple[CodeType, int] | None = None,
    ) -> ReplayStop:
        """End the run: the exception to raise. The first reason stays."""
        if self.halt is None:
            self.halt = Halt(kind, message, ask, at)
        return ReplayStop(self.halt.message)

    def may_run(self, ask: Ask) -> bool:
        """Whether the user allowed the body of this operation to run; what ran in an earlier pass only answers."""
        if not self.allowed or (self.ran_before is not None and ask.operation_id not in self.ran_before):
            return False
        return any(fnmatch.fnmatchcase(ask.name or "", p) for p in self.allowed)
