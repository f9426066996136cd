"""What a comparison finds, before alike findings are put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import Cut

if TYPE_CHECKING:
    from durable_debug.engine.places import Place
    from durable_debug.engine.tape import Ask
    from durable_debug.history import Operation

__all__ = ["END", "STRUCTURE", "VALUE_KEEPING", "Comparison", "Finding"]

END = float("inf")  # order of what shows when the handler has ended

# The operations themselves differ, not only their arguments or results.
STRUCTURE = frozenset(
    {
        "missing",
        "unexpected",
        "renamed",
        "retyped",
        "reparented",
        "reordered",
        "nesting_changed",
        "item_count",
        "branch_name",
    }
)
# Every call still has its recorded answer: another result has a cause of its own.
VALUE_KEEPING = frozenset(
    {
        "renamed",
        "reordered",
        "branch_name",
        "nesting_changed",
        "wait_duration",
        "invoke_target",
        "invoke_payload",
        "invoke_tenant",
        "callback_timeout",
        "retry_strategy",
        "wait_strategy",
        "swallowed",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One difference.

    Attributes
    ----------
    kind
        One of `divergence.KINDS`.
    recorded, asked
        The two sides, for people.
    operation, ask
        The recorded operation and the call that it is about.
    also
        Further recorded operations that this one accounts for.
    place
        The line; None where it is that of a call: of `ask`, or else of `follower`.
    looked
        Whether it is in the body of an ended context, which is run only to look into it.
    path
        The context asked for in which operations are missing.
    leader, follower
        The calls before and behind operations that are missing.
    run
        The first of several insertions in a row; their lines may be one turn of a loop.
    advice
        What to do about it, where that is not what there is to do about its kind.
    order
        Where it shows among the calls of the pass.
    """

    kind: str
    recorded: str | None
    asked: str | None
    operation: Operation | None = None
    ask: Ask | None = None
    also: tuple[Operation, ...] = ()
    place: Place | None = None
    looked: bool = False
    path: str = ""
    leader: Ask | None = None
    follower: Ask | None = None
    run: Ask | None = None
    advice: str | None = None
    order: float = END

    @property
    def anchor(self) -> Ask | None:
        """The call at which it shows."""
        return self.ask or self.follower


@dataclass(slots=True)
class Comparison:
    """Findings of one pass, and what could not be compared; and where the record ends with an objection."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    cut: Cut = field(default_factory=Cut)
