"""What a deploy does, as text."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from durable_debug.audits.deploy import FATES
from durable_debug.wording import counted

if TYPE_CHECKING:
    from durable_debug.audits.deploy import DeployCheck, Fate

__all__ = ["report"]


def report(found: DeployCheck, patch: str | None = None) -> str:
    """Tell what a deploy does to each running execution, the worst first, alike ones together.

    Parameters
    ----------
    patch
        The file that the guard was written to; by default it is told in full.
    """
    lines = [
        f"{found.old} -> {found.new}: {counted(len({row.history for row in found.rows}), 'running execution')}"
    ]
    if found.ended:
        lines[0] += (
            f" ({counted(found.ended, 'history', 'histories')} of executions that have ended passed over)"
        )
    if not found.rows:
        return lines[0]
    lines += [f"  {count:>5}  {FATES[fate]}" for fate, count in found.counts.items()]
    for fate in FATES:
        groups: dict[tuple[object, ...], list[Fate]] = {}
        for row in found.rows:
            if row.fate == fate and fate != "as_before":
                groups.setdefault((row.sdk, row.file, row.line, row.lambda_effect, row.why), []).append(row)
        for rows in groups.values():
            lines += ["", *_group(rows)]
    return "\n".join([*lines, *_guard(found, patch)])


def _guard(found: DeployCheck, patch: str | None) -> list[str]:
    guard = found.guard
    if guard is None:
        return ["", f"  no guard: {found.no_guard}"] if found.no_guard else []
    here = f"git apply {patch}" if patch else "git apply"
    told = [
        "",
        f"  or guard them: `{here}` in {guard.folder} keeps {counted(guard.executions, 'execution')} on the old statements",
        f"     seen      in {counted(guard.verified, 'replay')}: each of them goes on as before, and new ones take the new way",
        "     not kept  what begins after these histories were fetched: fetch them again just before you deploy",
    ]
    return told if patch else [*told, "", *guard.patch.rstrip("\n").split("\n")]


def _group(rows: list[Fate]) -> list[str]:
    first = rows[0]
    where = f" at {PurePath(first.file).name}:{first.line}" if first.file else ""
    line = f", SDK {first.sdk}" if first.sdk else ""
    names = [row.name or row.history for row in rows]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    told = [f"  {FATES[first.fate]}{where}{line}: {shown}", f"     why       {first.why}"]
    if first.lambda_effect:
        told.append(f"     Lambda    {first.lambda_effect}")
    return [*told, f"     move      {first.move}"]
