"""SDK 2.x: what is asked for is compared with the record, as in 3.x, and sub types are as in 1.x."""

from __future__ import annotations

from durable_debug.engine.sdk.lines.since_2 import Since2
from durable_debug.engine.sdk.lines.until_2 import Until2

__all__ = ["LINE"]


class Line2(Until2, Since2):
    """All of it is that of one of its neighbours."""


LINE = Line2()
