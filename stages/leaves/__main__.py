"""What leaves this machine: `python -m stages.leaves list`, and checks that refuse licensed material.

- `list`: what `dvc push` and `git push` would send, by data set and licence.
- `push [REMOTE]`: `dvc push` of everything else than what is licensed.
- `hooks`: have `git push` and `dvc push` ask before they send, with `--dvc` that one only, as `make setup` does;
  `unhook` ends that.
- `git REMOTE`: what git's hook asks; git's lines about the refs come on standard input.
- `dvc ARGUMENTS`: what the check before DVC's `push` asks; its arguments as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys

from stages.base.errors import guard


def main() -> None:
    """List, push, install, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("list", "unhook"):
        commands.add_parser(name)
    commands.add_parser("hooks").add_argument("--dvc", action="store_true", help="leave git's hooks as they are")
    commands.add_parser("push").add_argument("remote", nargs="?")
    commands.add_parser("git").add_argument("remote")
    commands.add_parser("dvc").add_argument("given", type=json.loads)
    given = parser.parse_args()
    if given.command in ("hooks", "unhook"):
        from stages.leaves import hooks

        return hooks.install(by_git=not given.dvc) if given.command == "hooks" else hooks.remove()

    from dvc.repo import Repo  # takes half a second

    from stages.leaves import by_dvc, by_git, listing

    with Repo() as repo:
        if given.command == "list":
            print("\n".join(listing.lines(repo)))
        elif given.command == "push":
            by_dvc.push(repo, given.remote)
        elif given.command == "git":
            by_git.check(repo, given.remote, sys.stdin)
        else:
            by_dvc.check(repo, given.given)


if __name__ == "__main__":
    guard(main)
