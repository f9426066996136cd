"""What an audit found: one row a history, and the causes."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from durable_debug.audits.causes import Cause, Collector, worst
from durable_debug.audits.check import OBSTACLES
from durable_debug.errors import DivergenceError, OptionError
from durable_debug.views import view
from durable_debug.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from durable_debug.audits.check import Checked

__all__ = ["Report", "Row", "Rows"]


# What is told of a cause in JSON: attributes of `Divergence`.
_TOLD = (
    *(
        "kind",
        "severity",
        "message",
        "recorded",
        "asked",
        "position",
        "recorded_position",
        "event_ids",
        "source",
    ),
    *("lambda_effect", "advice", "positions", "index", "signature", "reached", "stops"),
)


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

    @property
    def as_before(self) -> bool:
        """Whether it diverges, but only as under the handler compared with."""
        return self.clean and self.known > 0


_TYPES = {
    "clean": "bool",
    "divergences": "int64",
    "line": "Int64",
    "cause": "Int64",
    "known": "int64",
    "seconds": "float64",
    "redacted": "bool",
}


class Rows:
    """Takes what was found as it comes, in any order."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._causes = Collector()

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, index: int, label: str, checked: Checked, sdk: str | None = None) -> None:
        """Take one history's outcome."""
        label = f"{label} (SDK {sdk})" if sdk is not None else label
        first = checked.findings[0] if checked.findings else None
        causes = self._causes.add(index, label, checked.findings, sdk)
        self._rows[index] = Row(
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
            cause=causes[0] if causes else None,
            causes=causes,
            message=first.message if first else None,
            known=checked.known,
            no_baseline=checked.no_baseline,
            seconds=checked.seconds,
            redacted=checked.redacted,
            sdk=sdk,
        )

    def report(self, handler: str, against: str | None, seconds: float) -> Report:
        """Put them in order."""
        causes, number = self._causes.causes()
        rows = (self._rows[index] for index in sorted(self._rows))
        numbered = tuple(
            row
            if row.cause is None
            else replace(row, cause=number[row.cause], causes=tuple(number[n] for n in row.causes))
            for row in rows
        )
        return Report(numbered, causes, handler, against, seconds)


@dataclass(frozen=True, repr=False)
class Report:
    """What an audit found. A value: nothing of it changes.

    Attributes
    ----------
    rows
        One `Row` each, in the order of the histories.
    causes
        What is behind them: those of the code before what could not be compared; of these the most severe first, then
        the one of the most histories.
    handler, against
        Names of the handler, and of the one that it was compared with.
    seconds
        How long the audit took.
    """

    rows: tuple[Row, ...]
    causes: tuple[Cause, ...]
    handler: str
    against: str | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every history replayed clean, or as under the handler compared with."""
        return all(row.clean for row in self.rows)

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """One row a history; columns as the attributes of `Row`, ``kinds`` joined by commas.

        The tuples of ``causes`` are left as they are: ``frame[frame["causes"].map(lambda ids: 2 in ids)]``.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            one.name: [getattr(row, one.name) for row in self.rows] for one in fields(Row)
        }
        columns["kinds"] = [", ".join(kinds) for kinds in columns["kinds"]]
        frame = pd.DataFrame(columns)
        for name in columns:
            if name != "causes":
                frame[name] = frame[name].astype(_TYPES.get(name, "string"))
        return frame

    def histories(self, cause: int | None = None) -> tuple[str, ...]:
        """Name the histories that are not clean, or those that show one cause.

        Parameters
        ----------
        cause
            Number of the cause, from 1.

        Raises
        ------
        OptionError
            There is no such cause.
        """
        if cause is not None and not any(one.id == cause for one in self.causes):
            known = len(self.causes)
            raise OptionError(
                f"This report has no cause {cause!r:.40}.",
                cure=f"It has {counted(known, 'cause')}{', numbered from 1' if known else ''}: see report.causes.",
            )
        return tuple(
            row.history for row in self.rows if (cause in row.causes if cause is not None else not row.clean)
        )

    def worst(self) -> str | None:
        """Give the highest severity found; None where all are clean."""
        return worst(cause.divergence for cause in self.causes)

    def raise_for_divergence(self) -> None:
        """Raise if a history did not replay clean.

        Raises
        ------
        DivergenceError
            With the causes in its message.
        """
        __tracebackhide__ = True  # pytest shows the line of the test instead
        if not self.ok:
            raise DivergenceError(self.report())

    @functools.cached_property
    def summary(self) -> str:
        """The counts, in one line."""
        broken = sum(1 for row in self.rows if not row.clean)
        compared = sum(1 for row in self.rows if not row.clean and not set(row.kinds) <= set(OBSTACLES))
        as_before = sum(1 for row in self.rows if row.as_before)
        clean = len(self.rows) - broken - as_before
        parts = [f"{clean:,} of {counted(len(self.rows), 'history', 'histories')} clean"]
        if as_before:
            parts.append(f"{as_before:,} as before")
        if compared:
            parts.append(f"{compared:,} diverge" if compared > 1 else "1 diverges")
        if broken > compared:
            parts.append(f"{broken - compared:,} could not be compared")
        if self.causes:
            parts.append(counted(len(self.causes), "cause"))
        return ", ".join(parts)

    def report(self) -> str:
        """Plain text for a terminal: the counts, then each cause with its example."""
        return str(view("audit.text")(self))

    def remarks(self) -> list[str]:
        """Tell what could not be compared, what comparing with another handler left out, and where it could not."""
        remarks = []
        redacted = sum(1 for row in self.rows if row.redacted)
        if redacted:
            remarks.append(
                f"{counted(redacted, 'history', 'histories')} redacted: values are placeholders, which are compared by "
                "their form; what the handler decides by them is not judged."
            )
        known = [row for row in self.rows if row.known]
        if known:
            divergences = counted(sum(row.known for row in known), "divergence")
            histories = counted(len(known), "history", "histories")
            remarks.append(f"{divergences} left out, in {histories}: the same under {self.against}.")
        lost = [row for row in self.rows if row.no_baseline]
        if lost:
            remarks.append(
                f"No baseline for {counted(len(lost), 'history', 'histories')}: all found there is told, though {self.against} "
                f"may do it too. {lost[0].history}: no baseline: {lost[0].no_baseline}"
            )
        return remarks

    def to_json(self) -> str:
        """Give it as JSON: ``ok``, counts, ``causes`` and ``rows``."""
        causes = [
            {
                "id": cause.id,
                "count": cause.count,
                "example": cause.example,
                **{name: getattr(cause.divergence, name) for name in _TOLD},
                "place": asdict(cause.divergence.place) if cause.divergence.place else None,
            }
            for cause in self.causes
        ]
        document = {
            "ok": self.ok,
            "handler": self.handler,
            "against": self.against,
            "histories": len(self.rows),
            "clean": sum(1 for row in self.rows if row.clean and not row.as_before),
            "as_before": sum(1 for row in self.rows if row.as_before),
            "seconds": round(self.seconds, 3),
            "causes": causes,
            "rows": [asdict(row) for row in self.rows],
        }
        return json.dumps(document, indent=2, default=str)

    def to_sarif(self) -> str:
        """Give the causes as SARIF 2.1.0, with file and line, so that a pull request shows them."""
        return json.dumps(view("audit.sarif")(self), indent=2)

    def to_junit(self) -> str:
        """Give it as JUnit XML: a test case each history."""
        return str(view("audit.junit")(self))

    def _repr_html_(self) -> str:
        return str(view("audit.card")(self))

    def __repr__(self) -> str:
        return f"<Report of {self.handler}: {self.summary}>"
