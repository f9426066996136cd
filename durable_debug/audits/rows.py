"""The rows of an audit: one a history, packed, so that a hundred thousand take a few megabytes."""

from __future__ import annotations

import bisect
import itertools
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, overload

from durable_debug.audits.causes import Collector, worst
from durable_debug.audits.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from durable_debug.audits.baseline import Baseline
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.check import Checked

__all__ = ["PackedRows", "Row", "Rows"]

_TOGETHER = 512  # rows that are packed together


@dataclass(frozen=True, slots=True)
class Row:
    """One history of an audit.

    Attributes
    ----------
    history
        The path, as given; the execution's name or ``"[3]"`` for what came from memory.
    arn, name, function
        As the history has them.
    recorded_status, status
        Of the execution, and of the replay (``SUCCEEDED``, ``FAILED``, ``PENDING`` …); None where there was none.
    clean
        Whether it replayed clean. Compared with another handler: whether it shows nothing that the other does not.
    divergences
        How many.
    severity
        The worst: ``"error"``, ``"warning"`` or ``"info"``; None where there is nothing.
    kinds
        Kinds of divergence, or what kept it from being compared, in order.
    file, line
        Where in the user's code it begins; None where no line can be named.
    cause
        Number of the cause of the first; None where clean.
    causes
        Numbers of all of them.
    message
        The first, in a sentence.
    known
        Divergences left out, since the handler compared with has them too.
    no_baseline
        Why the handler compared with was of no use here, so that nothing could be left out; None where it was.
    seconds
        The replay's time.
    redacted
        Whether its values are placeholders, which are compared by their form.
    sdk
        Version of the SDK that was asked for; None for the installed one.
    version
        Of the function, as the history has it.
    started
        When the execution began, in UTC; None where it could not be read.
    """

    history: str
    arn: str | None
    name: str | None
    function: str | None
    recorded_status: str | None
    status: str | None
    clean: bool
    divergences: int
    severity: str | None
    kinds: tuple[str, ...]
    file: str | None
    line: int | None
    cause: int | None
    causes: tuple[int, ...]
    message: str | None
    known: int
    no_baseline: str | None
    seconds: float
    redacted: bool = False
    sdk: str | None = None
    version: str | None = None
    started: datetime | None = None

    @property
    def as_before(self) -> bool:
        """Whether it diverges, but only as under the handler compared with."""
        return self.clean and self.known > 0


_FIELDS = tuple(one.name for one in fields(Row))


class PackedRows(Sequence[Row]):
    """Rows in the order of the histories, each made again when it is looked at.

    Parameters
    ----------
    packs
        Rows, packed by the handful.
    counts
        How many each holds.
    numbers
        By the number that a cause had while rows came in, the one that it has now.
    """

    def __init__(self, packs: Sequence[bytes], counts: Sequence[int], numbers: Mapping[int, int]) -> None:
        self._packs = tuple(packs)
        self._ends = tuple(itertools.accumulate(counts))
        self._numbers = dict(numbers)
        self._opened: tuple[int, list[Row]] = (-1, [])

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, key: int) -> Row: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, key: int | slice) -> Row | tuple[Row, ...]:
        """One row, or some of them."""
        if isinstance(key, slice):
            return tuple(self[at] for at in range(*key.indices(len(self))))
        at = key + len(self) if key < 0 else key
        if not 0 <= at < len(self):
            raise IndexError(f"there are {len(self):,} rows")
        pack = bisect.bisect_right(self._ends, at)
        opened, rows = self._opened
        if opened != pack:
            rows = self._unpacked(pack)
            self._opened = pack, rows
        return rows[at - (self._ends[pack - 1] if pack else 0)]

    def __iter__(self) -> Iterator[Row]:
        for pack in range(len(self._packs)):
            yield from self._unpacked(pack)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(one == two for one, two in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash((len(self), self[0] if self else None))

    def __repr__(self) -> str:
        return f"<{len(self):,} rows>"

    def renumbered(self, numbers: Mapping[int, int]) -> PackedRows:
        """Give the same rows, their causes having other numbers."""
        counts = [end - start for start, end in itertools.pairwise((0, *self._ends))]
        return PackedRows(self._packs, counts, {key: numbers[value] for key, value in self._numbers.items()})

    def _unpacked(self, pack: int) -> list[Row]:
        rows = [Row(*values) for values in pickle.loads(zlib.decompress(self._packs[pack]))]  # noqa: S301 - our own
        return [self._numbered(row) for row in rows]

    def _numbered(self, row: Row) -> Row:
        if row.cause is None:
            return row
        return replace(
            row, cause=self._numbers[row.cause], causes=tuple(self._numbers[n] for n in row.causes)
        )


class Rows:
    """Takes what was found as it comes, in any order, and holds little of it; what is accepted is asked of the baseline."""

    def __init__(self, baseline: Baseline | None = None) -> None:
        self._baseline = baseline
        self._open: dict[int, dict[int, Row]] = {}  # by the handful, those that have come
        self._packs: dict[int, tuple[bytes, int]] = {}
        self.causes = Collector()
        self.tally = Tally()

    def __len__(self) -> int:
        return self.tally.histories

    def add(self, index: int, label: str, checked: Checked, sdk: str | None = None) -> Row:
        """Take one history's outcome."""
        label = f"{label} (SDK {sdk})" if sdk is not None else label
        first = checked.findings[0] if checked.findings else None
        accepted = self._baseline.accepts(checked) if self._baseline is not None else ()
        numbers = self.causes.add(index, label, checked, sdk, accepted)
        row = Row(
            history=label,
            arn=checked.arn,
            name=checked.name,
            function=checked.function,
            recorded_status=checked.recorded_status,
            status=checked.status,
            clean=checked.ok,
            divergences=checked.divergences,
            severity=worst(checked.findings),
            kinds=tuple(dict.fromkeys(one.kind for one in checked.findings)),
            file=first.file if first else None,
            line=first.line if first else None,
            cause=numbers[0] if numbers else None,
            causes=numbers,
            message=first.message if first else None,
            known=checked.known,
            no_baseline=checked.no_baseline,
            seconds=checked.seconds,
            redacted=checked.redacted,
            sdk=sdk,
            version=checked.version,
            started=checked.started,
        )
        self._keep(index, row)
        return row

    def recall(
        self, index: int, label: str, kept: Mapping[str, Any], marks: Sequence[tuple[str, int]]
    ) -> bool:
        """Take what was kept of a history that was replayed before; False where it has to be looked at anew."""
        if marks and self._baseline is not None and self._baseline.is_asked:
            return False  # findings are held against it whole
        sdk = kept["sdk"]
        label = f"{label} (SDK {sdk})" if sdk is not None else label
        row = Row(**{**kept, "history": label, "cause": None, "causes": ()})
        numbers = self.causes.recall(index, row, marks)
        if numbers is None:
            return False
        self._keep(index, replace(row, cause=numbers[0] if numbers else None, causes=numbers))
        return True

    def _keep(self, index: int, row: Row) -> None:
        self.tally.add(row)
        together = self._open.setdefault(index // _TOGETHER, {})
        together[index] = row
        if len(together) == _TOGETHER:
            self._pack(index // _TOGETHER)

    def _pack(self, number: int) -> None:
        rows = [row for _, row in sorted(self._open.pop(number).items())]
        values = [tuple(getattr(row, name) for name in _FIELDS) for row in rows]
        self._packs[number] = zlib.compress(pickle.dumps(values, pickle.HIGHEST_PROTOCOL), 1), len(rows)

    def told(self) -> tuple[PackedRows, tuple[Cause, ...]]:
        """Give the rows and the causes, in order."""
        for number in list(self._open):
            self._pack(number)
        causes, numbers = self.causes.causes()
        packs = [self._packs[number] for number in sorted(self._packs)]
        return PackedRows([pack for pack, _ in packs], [count for _, count in packs], numbers), causes
