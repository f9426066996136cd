"""A run as a card in a notebook: what diverges, and the two operation trees side by side."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import objection
from durable_debug.reports.page import SIGNS, chip, code, page, severity, text, where
from durable_debug.reports.side_by_side import Fold, Line, diff, folded
from durable_debug.reports.words import located, whose
from durable_debug.wording import abridged, counted, short_ids

if TYPE_CHECKING:
    from durable_debug.divergence.divergence import Divergence
    from durable_debug.divergence.run import Run
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.history import Operation

__all__ = ["card", "finding"]

_MOST_DIVERGENCES = 50
_MOST_OPEN = 5  # divergences above the tree; those below it are folded
_MOST_LINES = 240
_MOST_UNCHECKED = 20
_DEEPEST = 12
_SHORT_NAME = 24  # shown whole
_TAIL = 12  # of a longer one, what is cut last
_LEAST = 4  # characters that stay of what is cut first
_WORD_BEGUN = re.compile(r"[^\W_]{0,12}$")

_STATUS_SIGNS = {
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "TIMED_OUT": "⊘",
    "CANCELLED": "■",
    "STOPPED": "■",
    "STARTED": "▶",
    "PENDING": "↻",
}
_KINDS = {
    "ChainedInvoke": "invoke",
    "MapIteration": "item",
    "ParallelBranch": "branch",
    "RunInChildContext": "child",
    "WaitForCallback": "callback wait",
    "WaitForCondition": "condition",
}
_FOLDS = {
    "same": "unchanged",
    "changed": "changed alike",
    "added": "new",
    "removed": "gone",
    "moved": "moved",
    "next": "would run now",
    "unreached": "not reached by the replay",
    "unseen": "in contexts that were not entered",
}
# By mark: sign and class of the recorded side, sign and class of the side asked for.
_SIDES = {
    "same": ("", "", "", ""),
    "changed": ("≠", "o", "≠", "w"),
    "added": ("", "z", "+", "w"),
    "removed": ("−", "o", "", "z"),  # noqa: RUF001 - a minus, as wide as the plus
    "moved": ("↕", "o", "↕", "w"),
    "next": ("", "z", "▸", "q"),
    "unreached": ("", "q", "", "z"),
    "unseen": ("", "q", "", "z"),
}


def card(run: Run) -> str:
    """Show a run.

    Returns
    -------
    str
        HTML for light and dark pages; everything from the history and the handler escaped, and its size bounded.
    """
    body = [_headline(run)]
    found = [
        finding(number, one, folded=number > _MOST_OPEN)
        for number, one in enumerate(run.divergences[:_MOST_DIVERGENCES], 1)
    ]
    body += found[:_MOST_OPEN]
    if run.divergences:
        body.append(_tree(run))
    body += found[_MOST_OPEN:]
    if len(run.divergences) > _MOST_DIVERGENCES:
        body.append(
            f'<section class="mut">… and {len(run.divergences) - _MOST_DIVERGENCES:,} more: see run.divergences</section>'
        )
    body.append(_unchecked(run))
    return page("".join(body))


def _headline(run: Run) -> str:
    history, count = run.history, len(run.divergences)
    if count:
        worst = next(
            level
            for level in ("error", "warning", "info")
            if any(one.severity == level for one in run.divergences)
        )
        told = counted(count, "divergence")
    elif run.ok:
        how = "Fails as recorded" if run.status == "FAILED" else "Clean"
        worst, told = "clean", f"{how}: the replay did what the history says"
    else:
        worst, told = "warning", "No divergence, but the replay ended early"
    facts = [f"replay {_status(run.status)}", f"recorded {_status(history.status)}"]
    if history.redacted is not None:
        facts.append("redacted")
    facts.append(run.counts)
    lines = [] if run.other_function is None else [f"<p><b>{text(whose(run.other_function), 600)}</b></p>"]
    lines += [f'<b><i class="{worst}">{SIGNS[worst]}</i>{told}</b>']
    lines.append(
        f"<small>{text(run.recording.runner.name, 120)} over {text(history.name or history.arn or 'a history', 120)}</small><br>"
    )
    lines.append(f"<small>{' · '.join(facts)}</small>")
    lines += [f"<p>In the record: {text(remark, 600)}</p>" for remark in history.remarks]
    if run.stopped:
        lines.append(f"<p>Ended early: {text(run.stopped)}</p>")
    if run.error and not any(_tells_of_objection(one) for one in run.divergences):
        kind = str(run.error.get("ErrorType") or "error").rpartition(".")[2]
        lines.append(f"<p>{text(kind, 120)}: {text(run.error.get('ErrorMessage'))}</p>")
        lines.append(f"<p>{where(run.failed_at)}</p>{code(run.failed_at)}" if run.failed_at else "")
    return f"<header>{''.join(lines)}</header>"


def _tells_of_objection(one: Divergence) -> bool:
    stop = one.effect.stop if one.effect is not None else None
    return stop is not None and (stop.how == "fails" or stop.caught)


def _status(status: str) -> str:
    return f"{_STATUS_SIGNS.get(status, '')} {text(status, 40)}".strip()


def finding(number: int, one: Divergence, more: str = "", *, folded: bool = False) -> str:
    """One divergence: its line of code, both sides, what Lambda does, what to do."""
    spread = f"<small>{counted(one.occurrences, 'place')}</small>" if one.occurrences > 1 else ""
    at = f"<small>{text(in_history, 120)}</small>" if (in_history := located(one)) else ""
    title = f"{chip(number)}<span>{text(one.kind.replace('_', ' '))}</span>{severity(one.severity)}{where(one.place)}"
    facts = []
    if not (_is_told(one.recorded, one.message) and _is_told(one.asked, one.message)):
        facts += [
            _fact("history", one.recorded or "(nothing)", "old"),
            _fact("code", one.asked or "(nothing)", "new"),
        ]
    facts += [_fact("Lambda", one.lambda_effect), _fact("advice", one.advice)]
    rest = f"<p>{text(one.message, 500)}</p>{code(one.place)}<dl>{''.join(facts)}</dl>"
    if folded:
        return f"<section><details><summary><h4>{title}</h4></summary>{at}{spread}{more}{rest}</details></section>"
    return f"<section><h4>{title}{at}{spread}{more}</h4>{rest}</section>"


def _is_told(side: str | None, message: str) -> bool:
    """Whether a sentence has all that a side says."""
    told = message.lower()
    return side is None or all(word in told for word in short_ids(side).lower().replace(":", " ").split())


def _fact(name: str, value: str, css: str = "") -> str:
    if not value:
        return ""
    return f"<dt>{name}</dt><dd{f' class={css}' if css else ''}>{text(value, 500)}</dd>"


def _tree(run: Run) -> str:
    lines = folded(diff(run))
    rows = [_fold(one) if isinstance(one, Fold) else _line(one, run) for one in lines[:_MOST_LINES]]
    left = sum(one.count if isinstance(one, Fold) else 1 for one in lines[_MOST_LINES:])
    if left:
        rows.append(
            f'<div class="fold">… {left:,} more lines: see run.operations and run.history.operations</div>'
        )
    head = '<div class="head"><span><u></u>recorded</span><span><u></u>asked for by the code</span></div>'
    end = _end(run)
    return f'<section class="tree">{head}{"".join(rows)}{end}</section>'


def _line(line: Line, run: Run) -> str:
    old_sign, old_css, new_sign, new_css = _SIDES[line.mark]
    old, new = _recorded(line), _asked(line)
    if line.mark == "moved":  # one side stands here, the other elsewhere
        old_css, new_css = (old_css, "z") if old else ("z", new_css)
    pad = "&nbsp;" * (2 * min(line.depth, _DEEPEST))
    chips = "".join(chip(number) for number in line.numbers[:5])
    left = _side(old_sign, old_css, old and pad + old, "" if new else chips)
    last = f'<div class="last">{_last(run)}</div>' if line.last else ""
    return f"<div>{left}{_side(new_sign, new_css, new and pad + new, chips)}</div>{last}"


def _last(run: Run) -> str:
    """What Lambda does at the last call that it comes to."""
    below = "below is what the code would ask for after it"
    if objection(run.recording) is None:
        return f"▸ Lambda goes on by itself here ({text(run.stopped, 120)}); {below}"
    if run.status == "FAILED":
        return f"✗ Lambda fails here; {below}"
    return f"▲ the SDK objects here, and the handler catches it; {below}"


def _name(operation: Operation | AskedOperation, other: Operation | AskedOperation | None) -> str:
    """A name, in parts where it is long: a narrow page cuts what is far from where the two sides part."""
    name = abridged(operation.name or "(no name)")
    if len(name) <= _SHORT_NAME:
        return f"<i>{text(name)}</i>"
    twin = abridged((other.name if other is not None else None) or name)
    start, end = len(name) - _TAIL, 0
    if twin != name:
        start = len(_WORD_BEGUN.sub("", name[: _shared(name, twin)]))
        end = _shared(name[start:][::-1], twin[start:][::-1])
    end = len(name) - end
    parts = ((name[:start], ' class="far"'), (name[start:end], ""), (name[end:], ' class="far"'))
    return "".join(
        f"<i{css if len(part) > _LEAST else ''}>{text(part, 80)}</i>" for part, css in parts if part
    )


def _side(sign: str, css: str, content: str, chips: str) -> str:
    attribute = f' class="{css}"' if css else ""
    return (
        f"<span{attribute}><u>{sign}</u>{content}{chips}</span>" if content else f"<span{attribute}></span>"
    )


_VIRTUAL = "<s>virtual context</s>"


def _recorded(line: Line) -> str:
    operation = line.recorded
    if operation is None:
        return _VIRTUAL if line.asked is None or line.mark == "same" else ""
    sign = _STATUS_SIGNS.get(operation.status, "?")
    return f"{_name(operation, line.asked)}<s>{_kind(operation.type, operation.sub_type)} {sign}</s>"


def _shared(one: str, other: str) -> int:
    """How many characters two names begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _asked(line: Line) -> str:
    operation = line.asked
    if operation is None:
        return ""
    kind = "virtual context" if operation.answer == "virtual" else _kind(operation.type, operation.sub_type)
    return f"{_name(operation, line.recorded)}<s>{kind} :{operation.line}</s>"


def _kind(type_: str, sub_type: str | None) -> str:
    return text(_KINDS.get(sub_type or "", sub_type or type_).lower().replace("_", " "), 24)


def _fold(fold: Fold) -> str:
    told = [(fold.marks[mark], word) for mark, word in _FOLDS.items() if fold.marks[mark]]
    if len(told) == 1:
        return f'<div class="fold">… {fold.count:,} operations {told[0][1]}</div>'
    parts = ", ".join(f"{count:,} {word}" for count, word in told)
    return f'<div class="fold">… {fold.count:,} operations: {parts}</div>'


def _end(run: Run) -> str:
    """How the execution ended, and how Lambda would end it now."""
    history = run.history
    if run.status == "HALTED" or history.status not in {"SUCCEEDED", "FAILED"}:
        return ""
    same = run.status == history.status and run.result == history.result
    error = text((run.error or {}).get("ErrorType", "").rpartition(".")[2], 60)
    told = f"execution {_status(run.status)}" + (f'<i class="far"><s>{error}</s></i>' if error else "")
    if run.status == history.status == "SUCCEEDED" and not same:
        told += "<s>another result</s>"
    sign, old, new = ("", "", "") if same else ("≠", "o", "w")
    return f"<div>{_side(sign, old, f'execution {_status(history.status)}', '')}{_side(sign, new, told + '<s>on Lambda</s>', '')}</div>"


def _unchecked(run: Run) -> str:
    sentences = run.unchecked
    if not sentences:
        return ""
    items = "".join(f"<li>{text(sentence, 400)}</li>" for sentence in sentences[:_MOST_UNCHECKED])
    if len(sentences) > _MOST_UNCHECKED:
        items += f"<li>… and {len(sentences) - _MOST_UNCHECKED:,} more: see run.unchecked</li>"
    return f"<section><details><summary>Not checked ({len(sentences)})</summary><ul>{items}</ul></details></section>"
