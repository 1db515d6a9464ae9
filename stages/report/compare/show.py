"""The comparison as text and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from stages.report.compare.causes import Ran
from stages.report.compare.moved import Flips, Number
from stages.report.compare.revision import WORKSPACE, Revision
from stages.report.render import inline, template

#: Columns that the table of numbers needs; a narrower terminal or a file gets no less.
WIDTH = 140


def text(
    before: Revision, after: Revision, ran: Sequence[Ran], numbers: Sequence[Number], flips: Sequence[Flips], most: int
) -> None:
    """Print the comparison; at most `most` clips are named for each direction of a number's flips."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.width = max(console.width, WIDTH)
    console.print(f"{named(before)} → {named(after)}\n")
    moved = [number for number in numbers if number.before != number.after]
    console.print(f"Headline numbers: {len(moved)} moved, {len(numbers) - len(moved)} the same")
    if moved:
        console.print(_numbers(moved))
    console.print(f"\nStages: {len(ran)} ran again, came or went")
    for stage in ran:
        tail = "" if stage.changed else ", with the same result"
        console.print(f"  {stage.stage}: {stage.kind}{tail}")
        for cause in stage.causes:
            console.print(f"      {cause}")
    console.print(f"\nClips that flipped: {sum(one.total for one in flips)}")
    for one in flips:
        console.print(
            f"  {one.run} {one.method} {one.protocol}.{one.metric}: "
            f"{len(one.right)} became right, {len(one.wrong)} wrong"
        )
        for sign, clips in (("+", one.right), ("-", one.wrong)):
            for clip in clips[:most]:
                console.print(f"      {sign} {clip}{_said(one, clip)}")
            if len(clips) > most:
                console.print(f"      {sign} ... {len(clips) - most} more")


def page(
    before: Revision, after: Revision, ran: Sequence[Ran], numbers: Sequence[Number], flips: Sequence[Flips]
) -> str:
    """Return the comparison as one self-contained page."""
    rendered: str = template("compare.html.j2").render(
        before=named(before),
        after=named(after),
        ran=ran,
        moved=[number for number in numbers if number.before != number.after],
        same=sum(number.before == number.after for number in numbers),
        flips=flips,
        style=inline(["base", "tables", "gallery", "print"], "css"),
    )
    return rendered


def named(revision: Revision) -> str:
    """Return a revision in words."""
    return "working tree" if revision.commit == WORKSPACE else f"{revision.name} ({revision.commit[:7]})"


def _numbers(moved: Sequence[Number]) -> Table:
    table = Table(box=None, pad_edge=True)
    for title in ("run", "method", "number"):
        table.add_column(title, no_wrap=True)
    for title in ("before", "after", "difference", "95 % interval", "clips"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in moved:
        interval = "" if one.low is None else f"{_points(one.low)} to {_points(one.high)}{' *' if one.sure else '  '}"
        table.add_row(
            one.run,
            one.method,
            one.name,
            _percent(one.before),
            _percent(one.after),
            _points(one.difference),
            interval,
            str(one.clips or ""),
        )
    return table


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"


def _said(one: Flips, clip: str) -> str:
    was, now = one.texts.get(clip, (None, None))
    return "" if was == now else f": {_short(was)} → {_short(now)}"


def _short(text: str | None) -> str:
    flat = " ".join((text or "no answer").split())
    return repr(flat if len(flat) <= 60 else flat[:59] + "…")
