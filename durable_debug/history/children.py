"""The executions that an execution invoked, and all of them as one frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from durable_debug.history.record import History

__all__ = ["Children", "family_frame"]

_DEEPEST = 32  # an execution cannot invoke itself, but a made-up history can


class Children(Mapping[str, "History"]):
    """Histories of invoked executions by the logical position of the invoke; each is loaded when first asked for.

    Parameters
    ----------
    arns
        ARN of the invoked execution by position.
    source
        Loads an execution by its ARN; None where none can be had.
    """

    def __init__(self, arns: dict[str, str], source: Callable[[str], History] | None) -> None:
        self.arns = arns
        self._source = source
        self._loaded: dict[str, History] = {}

    def __getitem__(self, position: str) -> History:
        if position not in self._loaded:
            arn = self.arns[position]
            if self._source is None:
                raise HistoryError(
                    f"It is not known where to get {arn} from.",
                    cure="Load the parent by its ARN, or from a folder that holds its children too.",
                )
            self._loaded[position] = self._source(arn)
        return self._loaded[position]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arns)

    def __len__(self) -> int:
        return len(self.arns)

    def __contains__(self, position: object) -> bool:
        return position in self.arns

    def __repr__(self) -> str:
        return f"<Children {self.arns}>"


def family_frame(history: History) -> pd.DataFrame:
    """Operations of an execution and of all that it invoked: see `History.family`."""
    import pandas as pd

    parts = list(_frames(history, "", 0))
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _frames(history: History, before: str, generation: int) -> Iterator[pd.DataFrame]:
    frame = history.operations.copy()
    frame.insert(0, "path", before + frame["position"])
    frame.insert(1, "execution", history.name or history.arn or "")
    frame["execution"] = frame["execution"].astype("str")
    frame["depth"] += generation
    children = history.children if generation < _DEEPEST else {}
    start = 0
    for at, position in enumerate(history.operations["position"]):
        if position in children:
            yield frame.iloc[start : at + 1]
            yield from _frames(children[position], f"{before}{position}/", int(frame["depth"].iloc[at]) + 1)
            start = at + 1
    if start < len(frame) or start == 0:
        yield frame.iloc[start:]
