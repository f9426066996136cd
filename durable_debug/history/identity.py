"""Operation ids, and the logical position that each was made from.

A position names an operation the way the handler reaches it: ``"3"`` is the third durable operation of the handler,
``"3-1"`` the first one inside it. The SDKs hash positions to ids; here the hash is turned back by trying.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["operation_id", "recover_positions"]

_SHORT = 8  # digits of an id that cannot be turned back, after a "?"
# Widths to try, level by level: the scope itself, contexts without an operation of their own (FLAT branches and other
# virtual contexts), and such contexts inside them.
_SEARCHES = ((64,), (64, 16), (1024, 16), (16, 16, 16), (4096, 8), (64, 64, 8))
# Position by id, of what was turned back before: an id depends on nothing but its position, so every execution has the
# same ones again, and an audit of a thousand hashes each of them once.
_KNOWN: dict[str, str] = {}
_MOST_KNOWN = 50_000
_MOST_HASHES = 200_000  # under a second: a history with made-up ids must not take for ever


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
    """A context: what its children's ids are hashed from, and its position."""

    prefix: str | None
    position: str

    def child(self, n: int, prefix: str) -> _Place:
        return _Place(prefix, _under(self.position, n))


def _python(place: _Place, n: int) -> tuple[str, _Place]:
    found = operation_id(place.prefix, n)
    return found, place.child(n, found)


def _javascript(place: _Place, n: int) -> tuple[str, _Place]:
    path = _under(place.position, n)
    return _javascript_id(path), place.child(n, path)


def _javascript_id(position: str) -> str:
    # The JavaScript SDK hashes the position itself, md5("3-1"), and cuts at 16.
    return hashlib.md5(position.encode(), usedforsecurity=False).hexdigest()[:16]


def _under(position: str, n: int) -> str:
    return f"{position}-{n}" if position else str(n)


_Scheme = Callable[[_Place, int], tuple[str, _Place]]
_SCHEMES: dict[int, _Scheme] = {64: _python, 16: _javascript}  # by the length of their ids


def recover_positions(parents: dict[str, str | None]) -> dict[str, str]:
    """Logical position of each operation.

    Parameters
    ----------
    parents
        Parent's id (None at the top) by id, in the order in which the operations started.

    Returns
    -------
    dict
        Position by id: ``"2"``, ``"2-1"``; ``"?1ced8f5b"`` where an id is no such hash. An operation in a FLAT branch,
        whose parent is the map itself, is found at the branch: ``"2-0-1"``.
    """
    known = list(map(_KNOWN.get, parents))
    if None not in known:
        return dict(zip(parents, known, strict=True))  # type: ignore[arg-type]
    positions, missing = _in_sequence(parents)
    if missing:
        _Search(parents, positions).run(missing)
    if len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN.update((each, position) for each, position in positions.items() if "?" not in position)
    return positions


def _in_sequence(parents: dict[str, str | None]) -> tuple[dict[str, str], dict[str | None, set[str]]]:
    """Positions of those that are the next one of their context, as nearly all are; the others by parent."""
    positions: dict[str, str] = {}
    missing: dict[str | None, set[str]] = {}
    following: dict[str | None, int] = {}
    for operation, parent in parents.items():
        inside = "" if parent is None else positions.get(parent)
        first = following.get(parent, 0)
        for n in (
            (first, first + 1) if inside is not None else ()
        ):  # contexts count from 1, maps and parallels from 0
            position = f"{inside}-{n}" if inside else str(n)
            if operation == (operation_id(parent, n) if len(operation) == 64 else _javascript_id(position)):
                positions[operation] = position
                following[parent] = n + 1
                break
        else:
            missing.setdefault(parent, set()).add(operation)
    return positions, missing


class _Search:
    """For those that are not: a context may leave out numbers, and a virtual one is not recorded itself."""

    def __init__(self, parents: dict[str, str | None], positions: dict[str, str]) -> None:
        self._parents = parents
        self._positions = positions
        self._hashes = 0

    def run(self, missing: dict[str | None, set[str]]) -> None:
        for parent, wanted in missing.items():
            place = _Place(
                parent, self._positions.get(parent, f"?{parent[:_SHORT]}") if parent is not None else ""
            )
            for scheme in {scheme for operation in wanted if (scheme := _SCHEMES.get(len(operation)))}:
                for widths in _SEARCHES:
                    if wanted and self._hashes < _MOST_HASHES:
                        self._sweep(scheme, place, widths, wanted)
            for operation in wanted:
                self._positions[operation] = f"?{operation[:_SHORT]}"

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
                        self._positions[found] = inner.position
                    elif found not in self._parents and depth + 1 < len(widths):
                        deeper.append(inner)  # perhaps a context that left no operation
                if not wanted or self._hashes > _MOST_HASHES:
                    return
            level = deeper
