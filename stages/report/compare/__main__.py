"""Say what changed between two revisions: which headline numbers moved, why stages ran again, which clips flipped.

    python -m stages.report.compare HEAD~1                # against the working tree
    python -m stages.report.compare main HEAD --html changes.html

Reads `dvc.lock`, the committed metrics and, where verdicts differ, both revisions' tables from DVC's cache or remote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.tables import write_text
from stages.report.compare import causes, moved, show
from stages.report.compare.revision import WORKSPACE, open_revisions


def main() -> None:
    """Compare the revisions that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="revision: a commit, branch or tag")
    parser.add_argument("after", nargs="?", default=WORKSPACE, help="revision; without it the working tree")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page too")
    parser.add_argument("--flips", type=int, default=5, metavar="N", help="clips named for each number, in the text")
    arguments = parser.parse_args()
    before, after = open_revisions(arguments.before, arguments.after)
    ran = causes.ran_again(before, after)
    numbers = moved.numbers(before, after)
    flips = moved.flips(before, after)
    show.text(before, after, ran, numbers, flips, arguments.flips)
    if arguments.html:
        write_text(arguments.html, show.page(before, after, ran, numbers, flips))
        print(f"written: {arguments.html}")


if __name__ == "__main__":
    guard(main)
