"""Compare what a pass asked for with what the history holds, fact by fact."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.align import Identity, Recorded, identity_of_ask
from durable_debug.divergence.arguments import changes
from durable_debug.divergence.values import same_error, same_value
from durable_debug.replay.asked import Place, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.divergence.align import Plan, Slot
    from durable_debug.history import Operation
    from durable_debug.replay.recording import Recording
    from durable_debug.replay.tape import Ask

__all__ = ["Comparison", "Finding", "compare"]

_TERMINAL = {"SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT", "STOPPED"}
STRUCTURE = frozenset(
    {"missing", "unexpected", "renamed", "retyped", "reparented", "reordered", "nesting_changed", "item_count", "branch_name"}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, before alike ones are put together."""

    kind: str
    recorded: str | None
    asked: str | None
    operation: Operation | None = None
    ask: Ask | None = None
    place: Place | None = None
    also: tuple[Operation, ...] = ()  # further recorded operations that this one accounts for
    order: float = 0.0


@dataclass(slots=True)
class Comparison:
    """Findings of one pass, and what could not be compared."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def structural(self) -> bool:
        """Whether operations themselves differ, not only their arguments or results."""
        return any(finding.kind in STRUCTURE for finding in self.findings)


def described(identity: Identity) -> str:
    """Name an operation for people: ``STEP 'charge-card'``."""
    type_, sub_type, name = identity
    kind = type_ if sub_type in {None, "Step", "Wait", "Callback", "ChainedInvoke"} else str(sub_type)
    return f"{kind} {name!r}" if name else f"{kind} without a name"


def told(operation: Operation) -> str:
    """Name a recorded operation for people."""
    return described((operation.type, operation.sub_type, operation.name))


def compare(recording: Recording, recorded: Recorded, used: Plan) -> Comparison:
    """Compare a pass with the history.

    Parameters
    ----------
    recording
        The pass.
    used
        Which recorded position answered which call.
    """
    return _Comparer(recording, recorded, used).comparison()


class _Comparer:
    def __init__(self, recording: Recording, recorded: Recorded, used: Plan) -> None:
        self.recording = recording
        self.recorded = recorded
        self.used = used
        self.by_position = {ask.position: ask for ask in recording.asks}
        self.children: dict[str, list[Ask]] = defaultdict(list)
        for ask in self.by_position.values():
            self.children[ask.parent_path].append(ask)
        self.found = Comparison()
        self.absorbed: set[str] = set()  # asked contexts whose inside is accounted for
        self.unwrapped: set[str] = set()  # recorded contexts whose operations now stand outside
        self.reached = {target for target in used.values() if target is not None}

    def comparison(self) -> Comparison:
        for ask in self.by_position.values():
            self._batch(ask)
        self._wrapped_contexts()
        for ask in self.by_position.values():
            if self._inside_absorbed(ask.parent_path):
                continue
            self._one(ask)
        self._missing()
        self._moves()
        self._swapped_arguments()
        return self.found

    def _add(self, kind: str, recorded: str | None, asked: str | None, **more: Any) -> None:
        ask: Ask | None = more.get("ask")
        if ask is not None and more.get("place") is None and ask.code is not None:
            more["place"] = place_of(ask.code, ask.lasti)
        if ask is not None and "order" not in more:
            more["order"] = float(ask.seq)
        self.found.findings.append(Finding(kind, recorded, asked, **more))

    def _match(self, ask: Ask) -> Operation | None:
        target = self.used.get(ask.position)
        return self.recorded.by_position.get(target) if target is not None else None

    def _inside_absorbed(self, path: str) -> bool:
        while path:
            if path in self.absorbed:
                return True
            path = path.rpartition("-")[0]
        return False

    # ---- one call

    def _one(self, ask: Ask) -> None:
        if ask.virtual:
            return
        operation = self._match(ask)
        if operation is None:
            if ask.position not in self.absorbed:
                self._add("unexpected", None, described(identity_of_ask(ask)), ask=ask)
                self.absorbed.add(ask.position)
            return
        self._identity(ask, operation)
        for change in changes(ask, operation):
            self._add(
                change.kind, f"{change.what}: {change.recorded}", f"{change.what}: {change.asked}", ask=ask, operation=operation
            )
        if ask.failure is not None and operation.status == "SUCCEEDED" and type(ask.failure).__name__ == "SerDesError":
            self._add("undeserializable", f"result {_short(operation.result)}", str(ask.failure), ask=ask, operation=operation)
        self._inner(ask, operation)

    def _identity(self, ask: Ask, operation: Operation) -> None:
        held: Identity = (operation.type, operation.sub_type, operation.name or None)
        wanted = identity_of_ask(ask)
        if wanted[:2] != held[:2]:
            self._add("retyped", described(held), described(wanted), ask=ask, operation=operation)
        elif wanted[2] != held[2]:
            kind = "branch_name" if ask.args[0] == "branch" else "renamed"
            self._add(kind, described(held), described(wanted), ask=ask, operation=operation)

    def _inner(self, ask: Ask, operation: Operation) -> None:
        """Compare how an entered body ended with what its context recorded."""
        if ask.inner is None or ask.type != "CONTEXT" or ask.args[0] in {"map", "parallel"}:
            return
        how, value = ask.inner
        place = self.recording.ends.get(ask.position)
        if how == "returned" and operation.status == "FAILED":
            told_error = _error_text(operation.error)
            self._add("child_result", f"failed with {told_error}", "returns a result", ask=ask, operation=operation, place=place)
        elif how == "raised" and ask.failure is None:
            if isinstance(value, Exception) and type(value).__name__ == "NonDeterministicExecutionError":
                return  # the operation inside is told of
            if operation.status == "SUCCEEDED" or (operation.status == "FAILED" and not same_error(value, operation.error)):
                was = f"result {_short(operation.result)}" if operation.status == "SUCCEEDED" else f"failed with {_error_text(operation.error)}"
                self._add("child_result", was, f"raises {type(value).__name__}: {_short(str(value))}", ask=ask, operation=operation, place=place)
        elif how == "returned" and operation.status == "SUCCEEDED" and operation.replay_children is not True:
            self._result(ask, operation, value, place)

    def _result(self, ask: Ask, operation: Operation, value: Any, place: Place | None) -> None:
        same, text = same_value(ask, operation.result, value, self.recording.script.arn.arn)
        if same is None:
            self.found.unchecked.append(f"The result of {told(operation)} ({ask.position}) could not be compared: {text}.")
        elif not same:
            self._add("child_result", f"result {_short(operation.result)}", f"result {_short(text)}", ask=ask, operation=operation, place=place)

    # ---- maps and parallels

    def _batch(self, ask: Ask) -> None:
        if ask.args[0] not in {"map", "parallel"} or ask.virtual:
            return
        operation = self._match(ask)
        if operation is None or not ask.entered:
            return
        slots = self.recorded.slots.get(operation.position, [])
        branches = [a for a in self.children[ask.position] if a.args[0] == "branch"]
        nested = any(slot.operation is not None for slot in slots)
        flat = _is_flat(ask)
        if slots and nested == flat:
            self._add(
                "nesting_changed", "NESTED branches" if nested else "FLAT branches", "FLAT branches" if flat else "NESTED branches", ask=ask, operation=operation
            )
            self.absorbed.update(branch.position for branch in branches)
            self.reached.update(slot.position for slot in slots)
        self._count(ask, operation, slots, branches)

    def _count(self, ask: Ask, operation: Operation, slots: list[Slot], branches: list[Ask]) -> None:
        started, complete = _batch_size(operation, slots, ask)
        asked = ask.branches or 0
        if started is None or asked == started or (asked > started and not complete):
            return
        self._add("item_count", f"{started} branches", f"{asked} branches", ask=ask, operation=operation)
        for branch in branches:
            if branch.number >= started:
                self.absorbed.add(branch.position)
        for slot in slots:
            if slot.number >= asked:
                self.reached.add(slot.position)
                self._account_for(slot.position)

    def _account_for(self, position: str) -> None:
        for slot in self.recorded.slots.get(position, []):
            self.reached.add(slot.position)
            self._account_for(slot.position)

    # ---- contexts put around operations, or taken from around them

    def _wrapped_contexts(self) -> None:
        for ask in list(self.by_position.values()):
            if ask.type != "CONTEXT" or ask.args[0] != "run_in_child_context" or self.used.get(ask.position) is not None:
                continue
            inner = [a for a in self.children[ask.position] if self.used.get(a.position) is not None]
            here = self.used.get(ask.parent_path) if ask.parent_path else ""
            if inner and all((self.used[a.position] or "").rpartition("-")[0] == here for a in inner):
                names = ", ".join(described(identity_of_ask(a)) for a in inner[:3])
                self._add("nesting_changed", f"{names} without a context of their own", f"inside {'a virtual context' if ask.virtual else described(identity_of_ask(ask))}", ask=ask)
                self.absorbed.add(ask.position)
        for slots in self.recorded.slots.values():
            for slot in slots:
                if slot.position in self.reached or (slot.identity[0] != "CONTEXT"):
                    continue
                inside = [s.position for s in self.recorded.slots.get(slot.position, [])]
                moved = [p for p, target in self.used.items() if target in inside]
                if moved and slot.identity[1] in {"RunInChildContext", "virtual"}:
                    first = self.by_position[moved[0]]
                    self._add("nesting_changed", f"inside {described(slot.identity)}", f"{described(identity_of_ask(first))} without it", ask=first, operation=slot.operation)
                    self.reached.add(slot.position)
                    self.unwrapped.add(slot.position)

    # ---- what was never asked for

    def _missing(self) -> None:
        for path, slots in self.recorded.slots.items():
            asked_path = self._asked_path(path)
            if asked_path is None:
                continue
            closed = self._closed(asked_path)
            matched = [i for i, slot in enumerate(slots) if slot.position in self.reached]
            last = matched[-1] if matched else -1
            gone = [i for i, slot in enumerate(slots) if slot.position not in self.reached and (i < last or closed)]
            tail = [i for i in gone if i > last]
            for i in gone:
                if i in tail and len(tail) > 1:
                    continue
                self._add_missing(asked_path, slots, [slots[i]])
            if len(tail) > 1:
                self._add_missing(asked_path, slots, [slots[i] for i in tail])

    def _add_missing(self, path: str, slots: list[Slot], gone: list[Slot]) -> None:
        first = gone[0]
        after = [self._asker(slot) for slot in slots if slot.number > gone[-1].number]
        before = [self._asker(slot) for slot in slots if slot.number < first.number]
        follower = next((ask for ask in after if ask is not None and ask.parent_path == path), None)
        leader = next((ask for ask in reversed(before) if ask is not None and ask.parent_path == path), None)
        place = order = None
        if follower is not None and follower.code is not None:
            place, order = place_of(follower.code, follower.lasti), follower.seq - 0.5
        else:
            place = self.recording.ends.get(path)
            order = leader.seq + 0.5 if leader is not None else float("inf")
            anchor = leader or self.by_position.get(path)
            if place is None and anchor is not None and anchor.code is not None:
                place = place_of(anchor.code, anchor.lasti)
        names = ", ".join(described(slot.identity) for slot in gone[:4]) + (f" and {len(gone) - 4} more" if len(gone) > 4 else "")
        self._add("missing", names, None, operation=first.operation, place=place, order=order, also=tuple(s.operation for s in gone[1:] if s.operation))

    def _asker(self, slot: Slot) -> Ask | None:
        return next((self.by_position[p] for p, target in self.used.items() if target == slot.position and p in self.by_position), None)

    def _asked_path(self, path: str) -> str | None:
        if not path:
            return ""
        return next((p for p, target in self.used.items() if target == path and p in self.by_position and self._entered(p)), None)

    def _entered(self, position: str) -> bool:
        ask = self.by_position[position]
        return ask.entered or bool(self.children.get(position))

    def _closed(self, path: str) -> bool:
        ask = self.by_position.get(path)
        if ask is None or ask.inner is None:
            how = self.recording.outcome.status
            return how == "SUCCEEDED" or (how == "FAILED" and self.recording.history.status == "FAILED" and path == "")
        return ask.inner[0] == "returned"

    # ---- what belongs together

    def _moves(self) -> None:
        """A match across places is a move."""
        order: dict[tuple[str, str], int] = {}
        for ask in sorted(self.by_position.values(), key=lambda a: a.seq):
            target = self.used.get(ask.position)
            if target is None or self._inside_absorbed(ask.parent_path):
                continue
            operation = self.recorded.by_position.get(target)
            if operation is None or ask.virtual:
                continue
            came_from, _, number = target.rpartition("-")
            home = self.used.get(ask.parent_path) if ask.parent_path else ""
            if home is None or ask.args[0] == "branch":
                continue
            if came_from != home:
                if came_from in self.unwrapped:
                    continue
                self._add("reparented", f"{told(operation)} in {came_from or 'the handler'}", f"in {ask.parent_path or 'the handler'}", ask=ask, operation=operation)
                continue
            key = (ask.parent_path, home)
            if int(number) < order.get(key, -1):
                self._add("reordered", f"{told(operation)} as number {number}", f"as number {ask.number}", ask=ask, operation=operation)
            else:
                order[key] = int(number)

    def _swapped_arguments(self) -> None:
        """Two same-name operations whose arguments changed places were reordered."""
        kinds = {"wait_duration", "invoke_payload", "invoke_target", "callback_timeout"}
        found = self.found.findings
        for first in list(found):
            if first.kind not in kinds or first not in found:
                continue
            twin = next((f for f in found if f is not first and f.kind == first.kind and _sides(f) == tuple(reversed(_sides(first)))
                         and f.ask is not None and first.ask is not None and identity_of_ask(f.ask) == identity_of_ask(first.ask)), None)
            if twin is None or first.ask is None or first.operation is None:
                continue
            found.remove(first)
            found.remove(twin)
            self._add("reordered", f"{told(first.operation)} with {first.recorded}", f"with {first.asked}", ask=first.ask, operation=first.operation, also=(twin.operation,) if twin.operation else ())


def _sides(finding: Finding) -> tuple[str, str]:
    return (finding.recorded or "").split(": ", 1)[-1], (finding.asked or "").split(": ", 1)[-1]


def _is_flat(ask: Ask) -> bool:
    config = ask.args[-1]
    return config is not None and config.nesting_type.name == "FLAT"


def _batch_size(operation: Operation, slots: list[Slot], ask: Ask) -> tuple[int | None, bool]:
    """How many branches a batch started, and whether that was all of them."""
    if operation.status not in _TERMINAL:
        return (len(slots) if slots and slots[-1].number >= (ask.branches or 0) else None), False
    count, reason = _batch_payload(operation.result)
    if count is None and slots and slots[0].operation is not None:
        count = slots[-1].number + 1
    config = ask.args[-1]
    completion = config.completion_config if config is not None else None
    ends_early = completion is not None and (
        completion.min_successful is not None or completion.should_complete is not None
        or completion.tolerated_failure_count is not None or completion.tolerated_failure_percentage is not None
    )
    return count, reason == "ALL_COMPLETED" or (reason is None and not ends_early)


def _batch_payload(payload: str | None) -> tuple[int | None, str | None]:
    """Branches started and completion reason, from a BatchResult or the SDK's summary of one."""
    try:
        data = json.loads(payload or "")
    except ValueError:
        return None, None
    if not isinstance(data, dict):
        return None, None
    if isinstance(data.get("totalCount"), int):
        return data["totalCount"], data.get("completionReason")
    body = data.get("v") if data.get("t") == "br" else data
    if not isinstance(body, dict):
        return None, None
    items, reason = _plain(body.get("all")), _plain(body.get("completionReason"))
    return (len(items) if isinstance(items, list) else None), reason


def _plain(value: Any) -> Any:
    return value.get("v") if isinstance(value, dict) and "t" in value else value


def _short(text: str | None, limit: int = 120) -> str:
    if text is None:
        return "none"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _error_text(error: dict[str, Any] | None) -> str:
    if not error:
        return "an error"
    return f"{error.get('ErrorType') or 'an error'}: {_short(error.get('ErrorMessage'))}"


def iterate(findings: list[Finding]) -> Iterator[Finding]:
    """Findings in the order of the replay."""
    yield from sorted(findings, key=lambda finding: finding.order)
