"""What was learnt, carried in git: `python -m stages.ship pull | push | check | moved | accept | retrain`.

pull     fetch it from shipped/ and check it out; say what will be trained all the same (first step of `make repro`)
push     put it into shipped/, drop what no lock names (`make ship`)
check    tell whether shipped/, dvc.lock, code and params fit each other; status 1 where they do not
moved    name the cells whose entries in dvc.lock have changed since they were shipped
accept   take it for what the present code learns, where only code has changed (first step of `make relock`)
retrain  learn all of it from nothing (first step of `make retrain`)
"""

from __future__ import annotations

import argparse

from stages.base.errors import InputError, guard

COMMANDS = ("pull", "push", "check", "moved", "accept", "retrain")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    from stages.ship.accept import accept
    from stages.ship.pull import pull
    from stages.ship.push import check, moved, push
    from stages.ship.retrain import retrain

    commands = {"pull": pull, "push": push, "check": check, "accept": accept, "retrain": retrain}
    try:
        with Repo() as repo:
            if command == "moved":
                print("\n".join(moved(repo)))
            else:
                commands[command](repo)
    except DvcException as error:
        raise InputError(str(error), do="correct what DVC names, then run the same command again") from None


if __name__ == "__main__":
    guard(main)
