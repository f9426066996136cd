"""A function of the user's that stands still, in this process: its variables, and expressions over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from durable_debug.engine.changes import Changes
from durable_debug.engine.expressions import compiled
from durable_debug.engine.guard import Scope, guarded
from durable_debug.engine.places import Place, place_of
from durable_debug.engine.runner import Truth
from durable_debug.engine.value_copies import Failed, copied
from durable_debug.engine.variables import Variable, inside, text_of, variables, variables_of
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType

    from durable_debug.engine.effects import SideEffect
    from durable_debug.engine.ongoing_pass import OngoingPass
    from durable_debug.engine.value_copies import Copy

__all__ = ["Frame"]

_T = TypeVar("_T")


class Frame:
    """One function on the stack of a replay that stands still.

    Parameters
    ----------
    tape
        Of the replay.
    """

    __slots__ = ("_frame", "_lasti", "_ongoing")

    def __init__(self, frame: FrameType, lasti: int, ongoing: OngoingPass) -> None:
        self._frame = frame
        self._lasti = lasti
        self._ongoing = ongoing

    @property
    def place(self) -> Place:
        """Where it stands."""
        return place_of(self._frame.f_code, self._lasti)

    def locals(self) -> dict[str, Any]:
        """Give its variables by name: the live objects."""
        return variables_of(self._frame)

    def variables(self, path: Sequence[str] = ()) -> list[Variable]:
        """Describe its variables, or what one of them holds.

        Parameters
        ----------
        path
            Names to go down by, as given by `Variable.name`.
        """
        items = [
            (name, value)
            for name, value in self.locals().items()
            if name.isidentifier() and not name.startswith("__")
        ]

        def described() -> list[Variable]:
            shown = items
            for name in path:
                shown = inside(dict(shown).get(name))
            return variables(shown)

        return _looking_only(self._ongoing, described, quiet=True)  # somebody's repr may do anything

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression over its variables.

        One that changes what the handler holds marks the pass (`Tape.changed_by`).

        Raises
        ------
        DurableDebugError
            It is none, it is refused a side effect, or it ends the program.
        Exception
            Whatever the expression raises.
        """
        return self._looked(expression, lambda value: value)

    def text(self, expression: str, width: int | None = None) -> str:
        """Give the text of an expression's value; see `evaluate`.

        Parameters
        ----------
        width
            Columns over which it is laid out; None for one line.
        """
        return self._looked(expression, lambda value: text_of(value, width))

    def _looked(self, expression: str, told: Callable[[Any], _T]) -> _T:
        """Evaluate an expression and tell of its value, refusing side effects to both."""
        code, held = compiled(expression.strip()), Changes(self._frame, expression)
        try:
            return _looking_only(self._ongoing, lambda: told(self._evaluated(code)), opened=True)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - `exit()`, or the SDK's way to suspend: not for the caller
            raise DurableDebugError(f"The expression ends with {type(error).__name__}: {error}.") from None
        finally:
            self._mark(held, expression)

    def values(self, expressions: Sequence[tuple[str, CodeType]]) -> tuple[Copy, ...]:
        """Give copies of the values of expressions that were compiled; a `Failed` where one has none."""

        def value(code: CodeType) -> Copy:
            try:
                return copied(self._evaluated(code))
            except Exception as error:  # noqa: BLE001 - the user's own
                return Failed(f"{type(error).__name__}: {error}"[:200])

        held = Changes(self._frame, ", ".join(text for text, _ in expressions))
        try:
            return _looking_only(
                self._ongoing, lambda: tuple([value(code) for _, code in expressions]), quiet=True
            )
        except BaseException as error:  # noqa: BLE001 - `exit()`, or the SDK's way to suspend
            return (Failed(f"{type(error).__name__}: {error}"[:200]),) * len(expressions)
        finally:
            self._mark(held, expressions[0][0])

    def holds(self, condition: str) -> Truth:
        """Say whether a condition is true."""
        code, held = compiled(condition), Changes(self._frame, condition)
        note, is_true = "", None
        try:
            is_true = _looking_only(self._ongoing, lambda: bool(self._evaluated(code)))
        except DurableDebugError as error:
            note = str(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told with the breakpoint
            return Truth(None, f"{type(error).__name__}: {error}", no_such_name=isinstance(error, NameError))
        name = self._mark(held, condition)
        return Truth(is_true, f"it changes {name}" if name is not None else note)

    def _mark(self, held: Changes, expression: str) -> str | None:
        name = held.changed()
        if name is not None:
            self._ongoing.seen.changed_by = self._ongoing.seen.changed_by or expression.strip()
        return name

    def _evaluated(self, code: CodeType) -> Any:
        frame = self._frame
        return eval(code, {**frame.f_globals, **frame.f_locals})  # noqa: S307 - the user's own expression in the user's own process


def _looking_only(
    ongoing: OngoingPass, look: Callable[[], _T], *, opened: bool = False, quiet: bool = False
) -> _T:
    """Refuse side effects and operations while an expression is evaluated, in this thread.

    Parameters
    ----------
    opened
        Whether to look anew what is open; else what was when the replay began, or went on, counts.
    quiet
        Whether it is for `look` itself to say what was refused.
    """
    refused: list[SideEffect] = []

    def refuse(effect: SideEffect) -> None:
        if effect.refused:
            refused.append(effect)
            raise DurableDebugError(effect.detail)

    around = Scope(refuse, ongoing.scope.opened)
    ongoing.here.evaluating = True
    try:
        with guarded(around.look() if opened else around):
            return look()
    finally:
        ongoing.here.evaluating = False
        if refused and not quiet:  # whatever was made of the exception on its way
            raise DurableDebugError(
                f"The expression is refused a side effect: {refused[0].detail}.",
                cure="Look, but don't touch.",
            ) from None
