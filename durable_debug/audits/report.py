"""What an audit found: one row a history, and the causes."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from durable_debug.audits.causes import SEVERITIES, Cause, by_level
from durable_debug.audits.rows import PackedRows, Row
from durable_debug.errors import DivergenceError, OptionError
from durable_debug.views import view
from durable_debug.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from durable_debug.audits.baseline import Acceptance
    from durable_debug.audits.coverage import Coverage
    from durable_debug.audits.levels import Levels
    from durable_debug.audits.selection import Selection
    from durable_debug.audits.tally import Tally

__all__ = ["Interrupted", "Report", "Row"]


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


_TYPES = {
    "clean": "bool",
    "divergences": "int64",
    "line": "Int64",
    "cause": "Int64",
    "known": "int64",
    "seconds": "float64",
    "redacted": "bool",
    "started": "datetime64[us, UTC]",
}


class Interrupted(KeyboardInterrupt):
    """An audit was stopped.

    Attributes
    ----------
    report
        What it had found so far.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, repr=False)
class Report:
    """What an audit found. A value: nothing of it changes.

    Attributes
    ----------
    rows
        One `Row` each, in the order of the histories; each is made when it is looked at.
    causes
        What is behind them: those of the code before what could not be compared; of these the most severe first, then
        the one of the most histories.
    handler, against
        Names of the handler, and of the one that it was compared with.
    seconds
        How long the audit took.
    tally
        What was counted: in all, and by function and version.
    notes
        How the audit went, a sentence each.
    coverage
        Which lines the executions took; None where that was not asked for.
    selection
        Which of the histories were chosen; None where that are all.
    acceptance
        What came of the baseline; None where there is none.
    levels
        Where the levels of kinds are written; empty where they are nowhere.
    """

    rows: PackedRows
    causes: tuple[Cause, ...]
    handler: str
    against: str | None
    seconds: float
    tally: Tally = field(repr=False)
    notes: tuple[str, ...] = ()
    coverage: Coverage | None = field(default=None, repr=False)
    selection: Selection | None = None
    acceptance: Acceptance | None = None
    levels: str = ""

    @property
    def ok(self) -> bool:
        """Whether every history replayed clean, or as under the handler compared with, or shows only what does not count."""
        return not any(cause.counts for cause in self.causes)

    def counts(self, row: Row) -> bool:
        """Whether a history shows something that is neither accepted nor switched off."""
        return not self._counting.isdisjoint(row.causes)

    @functools.cached_property
    def _counting(self) -> frozenset[int]:
        return frozenset(cause.id for cause in self.causes if cause.counts)

    def weighed(self, levels: Levels) -> Report:
        """The same, each cause as the project's levels have it, and in the order of these."""
        if not levels.by_kind:
            return self
        causes = sorted(
            (
                replace(cause, level=levels.of_cause(cause.divergence, cause.statuses))
                for cause in self.causes
            ),
            key=by_level,
        )
        final = {cause.id: place for place, cause in enumerate(causes, 1)}
        return replace(
            self,
            rows=self.rows.renumbered(final),
            causes=tuple(replace(cause, id=final[cause.id]) for cause in causes),
            levels=levels.origin,
        )

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
        """Give the highest level of what counts: ``"error"``, ``"warning"`` or ``"info"``; None where nothing does."""
        return max((one.level for one in self.causes if one.counts), key=SEVERITIES.index, default=None)

    def raise_for_divergence(self) -> None:
        """Raise if `ok` is not so.

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
        of = self.tally
        if not of.histories:
            return "no history was audited"
        parts = [f"{of.clean:,} of {counted(of.histories, 'history', 'histories')} clean"]
        if of.as_before:
            parts.append(f"{of.as_before:,} as before")
        if of.diverging:
            parts.append(f"{of.diverging:,} diverge" if of.diverging > 1 else "1 diverges")
        if of.uncompared:
            parts.append(f"{of.uncompared:,} could not be compared")
        if self.causes:
            parts.append(counted(len(self.causes), "cause"))
        for word, count in (
            ("accepted", sum(cause.accepted for cause in self.causes)),
            ("off", sum(not cause.accepted and not cause.counts for cause in self.causes)),
        ):
            if count:
                parts.append(f"{count:,} of them {word}")
        return ", ".join(parts)

    def report(self) -> str:
        """Plain text for a terminal: the counts, then the causes with an example each; a page, however many there are."""
        return str(view("audit.text")(self))

    def remarks(self) -> list[str]:
        """Tell what was left out and why, what could not be compared, and what came of the baseline."""
        remarks = [*self.notes, *([str(self.selection)] if self.selection is not None else [])]
        of = self.tally
        if of.redacted:
            remarks.append(
                f"{counted(of.redacted, 'history', 'histories')} redacted: values are placeholders, which are compared by "
                "their form; what the handler decides by them is not judged."
            )
        if of.known:
            divergences = counted(of.known, "divergence")
            histories = counted(of.with_known, "history", "histories")
            remarks.append(f"{divergences} left out, in {histories}: the same under {self.against}.")
        if of.lost is not None:
            label, reason = of.lost
            remarks.append(
                f"No baseline for {counted(of.no_baseline, 'history', 'histories')}: all found there is told, though "
                f"{self.against} may do it too. {label}: no baseline: {reason}"
            )
        if self.acceptance is not None:
            remarks += self.acceptance.remarks()
        off = [cause for cause in self.causes if cause.level == "off"]
        if off:
            kinds = ", ".join(dict.fromkeys(cause.divergence.kind for cause in off))
            remarks.append(f"{counted(len(off), 'cause')} switched off by {self.levels}: {kinds}.")
        return remarks

    def to_json(self) -> str:
        """Give it as JSON: ``ok``, counts, ``causes`` and ``rows``."""
        causes = [
            {
                "id": cause.id,
                "count": cause.count,
                "level": cause.level,
                "accepted": cause.accepted,
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
            "clean": self.tally.clean,
            "as_before": self.tally.as_before,
            "seconds": round(self.seconds, 3),
            "selection": asdict(self.selection) if self.selection is not None else None,
            "baseline": asdict(self.acceptance) if self.acceptance is not None else None,
            "causes": causes,
            "rows": [asdict(row) for row in self.rows],
        }
        return json.dumps(document, indent=2, default=str)

    def to_html(self) -> str:
        """Give it as a page of its own, which a person reads in a minute: verdict, causes, versions."""
        return str(view("audit.page")(self))

    def to_sarif(self) -> str:
        """Give the causes as SARIF 2.1.0, with file and line, so that a pull request shows them."""
        return json.dumps(view("audit.sarif")(self), indent=2)

    def to_junit(self) -> str:
        """Give it as JUnit XML: a test case each history."""
        return str(view("audit.junit")(self))

    def to_markdown(self) -> str:
        """Give it as Markdown, bounded, for the page of a job: the verdict, the causes, the histories, what to do next."""
        return str(view("audit.markdown")(self))

    def _repr_html_(self) -> str:
        return str(view("audit.card")(self))

    def __repr__(self) -> str:
        return f"<Report of {self.handler}: {self.summary}>"
