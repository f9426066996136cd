"""Operation ids, and the logical position that each was made from.

A position names an operation the way the handler reaches it: ``"3"`` is the third durable operation of the handler,
``"3-1"`` the first one inside it. The SDKs hash positions to ids; here the hash is turned back by trying.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["operation_id", "recover_positions"]

_SHORT = 8  # digits of an id that cannot be turned back, after a "?"
# Widths to try, level by level: the scope itself, contexts without an operation of their own (FLAT branches and other
# virtual contexts), and such contexts inside them.
_SEARCHES = ((64,), (64, 16), (1024, 16), (16, 16, 16), (4096, 8), (64, 64, 8))
_MOST_HASHES = 300_000  # about 0.4 s: a history with made-up ids must not take for ever


def operation_id(prefix: str | None, n: int) -> str:
    """Id of the `n`-th operation of a context, as the Python SDK makes it.

    Parameters
    ----------
    prefix
        Id of the context's operation; None for the handler itself.
    n
        Counts from 1; branches of a map or parallel count from 0.

    Returns
    -------
    str
        64 hexadecimal digits: blake2b of ``"<prefix>-<n>"``, or of ``"<n>"``, cut.

    Notes
    -----
    Source: ``OperationIdNamespace.create_id_for_step`` in ``aws_durable_execution_sdk_python/identifier.py``, 3.0.0.

    Examples
    --------
    >>> operation_id(None, 1)[:12]
    '1ced8f5be2db'
    """
    step = f"{prefix}-{n}" if prefix else str(n)
    return hashlib.blake2b(step.encode()).hexdigest()[:64]


class _Place(NamedTuple):
    """A context: what its children's ids are hashed from, and its path from the operation that holds it."""

    prefix: str | None
    path: str

    def child(self, n: int, prefix: str) -> _Place:
        return _Place(prefix, f"{self.path}-{n}" if self.path else str(n))


class _Scheme(Protocol):
    def __call__(self, place: _Place, n: int) -> tuple[str, _Place]: ...


def _python(place: _Place, n: int) -> tuple[str, _Place]:
    found = operation_id(place.prefix, n)
    return found, place.child(n, found)


def _javascript(place: _Place, n: int) -> tuple[str, _Place]:
    # The JavaScript SDK hashes the position itself: md5("3-1"), cut at 16.
    path = f"{place.prefix}-{n}" if place.prefix else str(n)
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:16], place.child(n, path)


_SCHEMES: dict[int, _Scheme] = {64: _python, 16: _javascript}  # by the length of their ids


def recover_positions(operations: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Logical position of each operation.

    Parameters
    ----------
    operations
        ``(id, parent id)`` in the order in which they started, each id once.

    Returns
    -------
    dict
        Position by id, in the same order: ``"2"``, ``"2-1"``; ``"?1ced8f5b"`` where an id is no such hash. An
        operation in a FLAT branch, whose parent is the map itself, is found at the branch: ``"2-0-1"``.
    """
    return _Recovery(dict(operations)).positions()


class _Recovery:
    def __init__(self, parents: dict[str, str | None]) -> None:
        self._parents = parents
        self._paths: dict[str, str] = {}  # from the recorded parent
        self._next: dict[str | None, int] = {}
        self._hashes = 0

    def positions(self) -> dict[str, str]:
        missing: dict[str | None, set[str]] = {}
        for operation, parent in self._parents.items():
            if not self._try_next(operation, parent):
                missing.setdefault(parent, set()).add(operation)
        for parent, wanted in missing.items():
            self._search(parent, wanted)
        positions: dict[str, str] = {}
        for operation, parent in self._parents.items():
            path = self._paths.get(operation)
            if path is None:
                positions[operation] = f"?{operation[:_SHORT]}"
            elif parent is None:
                positions[operation] = path
            else:
                positions[operation] = f"{positions.get(parent) or f'?{parent[:_SHORT]}'}-{path}"
        return positions

    def _place(self, scheme: _Scheme, parent: str | None) -> _Place:
        return _Place(parent if scheme is _python else self._absolute(parent), "")

    def _absolute(self, operation: str | None) -> str | None:
        steps: list[str] = []
        while operation is not None and len(steps) < len(self._parents):
            steps.append(self._paths.get(operation, "?"))
            operation = self._parents.get(operation)
        return "-".join(reversed(steps)) or None

    def _try_next(self, operation: str, parent: str | None) -> bool:
        """Nearly every operation is the next one of its context."""
        scheme = _SCHEMES.get(len(operation))
        if scheme is None:
            return False
        place, first = self._place(scheme, parent), self._next.get(parent, 0)
        for n in (first, first + 1):
            found, inner = scheme(place, n)
            if found == operation:
                self._paths[operation] = inner.path
                self._next[parent] = n + 1
                return True
        return False

    def _search(self, parent: str | None, wanted: set[str]) -> None:
        for scheme in {scheme for operation in wanted if (scheme := _SCHEMES.get(len(operation)))}:
            for widths in _SEARCHES:
                if wanted and self._hashes < _MOST_HASHES:
                    self._sweep(scheme, self._place(scheme, parent), widths, wanted)

    def _sweep(self, scheme: _Scheme, place: _Place, widths: tuple[int, ...], wanted: set[str]) -> None:
        level = [place]
        for depth, width in enumerate(widths):
            deeper = []
            for context in level:
                for n in range(width):
                    self._hashes += 1
                    found, inner = scheme(context, n)
                    if found in wanted:
                        wanted.discard(found)
                        self._paths[found] = inner.path
                    elif found not in self._parents and depth + 1 < len(widths):
                        deeper.append(inner)  # perhaps a context that left no operation
                if not wanted or self._hashes > _MOST_HASHES:
                    return
            level = deeper
