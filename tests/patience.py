"""How tests wait: for what must come, as long as a busy machine may take. No test says how quickly something is done."""

from __future__ import annotations

import time
from typing import Any, Callable

PATIENCE = 60.0  # seconds, spent only where something never comes


def comes(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until `look` gives something, and give it; what it gave last where that never happens."""
    give_up = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < give_up:
        time.sleep(0.005)
    return found
