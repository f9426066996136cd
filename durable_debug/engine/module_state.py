"""What the user's modules hold, before and after a pass: seen to be the same, or put back.

Lambda gives an execution a fresh sandbox whenever it likes, so what a module has kept from an earlier pass is nothing
that a handler may build on. What can be reached from modules is noted once, object by object, with what each holds.
As long as none of these holds anything else, nothing has changed: that is cheap to see. What has changed is put back
in place, so that the user's objects stay what they are.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from durable_debug.engine.held_objects import CellNote, NamesNote, Note
from durable_debug.engine.object_kinds import LEAVES, notes_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MOST", "State"]

MOST = 50_000  # objects that are looked at


class State:
    """What is reachable from the user's code, as it stands when this is made.

    Parameters
    ----------
    namespaces
        Names of modules: a dict and those of its names to look after; None for all.
    values
        Further objects to start from.
    closures
        Whether to look into what any function closes over; else only of functions among `values`.
    """

    def __init__(
        self,
        namespaces: Iterable[tuple[dict[str, Any], frozenset[str] | None]],
        values: Iterable[object] = (),
        *,
        closures: bool = True,
    ) -> None:
        self._notes: list[Note] = []
        self._closed_over: set[int] | None = None
        self._seen: dict[int, object] = {}  # objects, not only their ids, which would be given again
        self.whole = True
        stack = list(values)
        if not closures:
            self._closed_over = {id(one) for one in stack}
        for namespace, names in namespaces:
            note = NamesNote(namespace, names)
            self._notes.append(note)
            stack += note.inner
        self._walk(stack)

    def _walk(self, stack: list[Any]) -> None:
        seen, notes = self._seen, self._notes
        while stack:
            held = stack.pop()
            kind = type(held)
            if kind in LEAVES or id(held) in seen:
                continue
            if len(seen) >= MOST:
                self.whole = False
                return
            seen[id(held)] = held
            for note in notes_on(held, kind):
                if isinstance(note, CellNote) and self._closed_over is not None:
                    if id(held) not in self._closed_over:
                        continue
                    self._closed_over.update(map(id, note.inner))
                if note.keeps:
                    notes.append(note)
                stack += note.inner

    def changed(self) -> bool:
        """Whether anything holds something else than it did."""
        return any(note.changed() for note in self._notes)

    @contextlib.contextmanager
    def letting(self) -> Iterator[None]:
        """Let what is changed in here be changed: by a body that the user lets run."""
        as_it_was = [note for note in self._notes if not note.changed()]
        try:
            yield
        finally:
            for note in as_it_was:
                if note.changed():
                    note.take()

    def put_back(self) -> list[str]:
        """Put back what has changed; what can't be put back, in words."""
        left = (note.name for note in self._notes if note.changed() and not note.put_back())
        return list(dict.fromkeys(left))
