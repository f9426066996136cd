"""Who is called after each change of a debugger."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Subscribers"]

_LOG = logging.getLogger(__name__)


class Subscribers:
    """Functions to call, from whichever thread something changed in.

    The tuple of them is replaced, never changed: who goes through it needs no lock, and may subscribe or unsubscribe
    meanwhile.
    """

    def __init__(self) -> None:
        self._all: tuple[Callable[[], None], ...] = ()
        self._lock = threading.RLock()  # a view that is collected meanwhile may unsubscribe

    def __len__(self) -> int:
        return len(self._all)

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have a function called from now on; gives the way to end that."""
        with self._lock:
            self._all = (*self._all, callback)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._all:
                    at = self._all.index(callback)
                    self._all = self._all[:at] + self._all[at + 1 :]

        return unsubscribe

    def clear(self) -> None:
        """Call nobody any more."""
        with self._lock:
            self._all = ()

    def tell(self) -> None:
        """Call them all. One that fails is logged: a view that is gone must not stop a verb half-way."""
        for callback in self._all:
            try:
                callback()
            except Exception:  # noqa: BLE001 - somebody else's code
                _LOG.exception("A subscriber of the debugger failed: %r", callback)
