"""Mutated inputs for what reads foreign bytes: so many, and counts of what became of them.

A reader may refuse an input (an `InputError`, a sample that is not there), report a part of it, or read it as it was.
It may not raise anything else, hang, or return another value without a word. `make fuzz INPUTS=10000` tries so many
inputs on each reader, `make test` a few. An input is drawn from the reader's name and the input's number alone, so a
fault that is named by both comes again: `HAR_FUZZ_FROM=1234 HAR_FUZZ_INPUTS=1`.

Drawn by `random`, not by hypothesis: that takes one to two milliseconds for an input, longer than most readers do.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

from stages.base.errors import InputError

Outcome = Literal["unchanged", "reported"]
Draw = Callable[[random.Random], Any]

INPUTS = int(os.environ.get("HAR_FUZZ_INPUTS", "0"))
FROM = int(os.environ.get("HAR_FUZZ_FROM", "0"))
#: How many inputs `make test` tries, after how many seconds a reader is said to hang, how many faults are shown.
_FEW, HANGS, _SHOWN = 200, 20, 5

OPS = ("insert", "delete", "set", "flip", "cut")
Edit = tuple[str, int, bytes]


def edits(pieces: Sequence[bytes] | None = None, ops: Sequence[str] = OPS) -> Draw:
    """Return what draws one to three edits; `pieces` are what is inserted or set, any bytes if null."""

    def draw(of: random.Random) -> list[Edit]:
        return [
            (of.choice(ops), of.randrange(2**20), of.choice(pieces) if pieces else of.randbytes(of.randint(1, 4)))
            for _ in range(of.randint(1, 3))
        ]

    return draw


def edited(content: bytes, changes: Sequence[Edit], at: Callable[[bytes], Sequence[int]] | None = None) -> bytes:
    """Return changed bytes; `at` gives the places that may be changed, all of them if null."""
    for op, number, piece in changes:
        places = at(content) if at else range(len(content))
        if not len(places):
            continue
        place = places[number % len(places)]
        if op == "insert":
            content = content[:place] + piece + content[place:]
        elif op == "delete":
            content = content[:place] + content[place + 1 :]
        elif op == "set":
            content = content[:place] + piece + content[place + len(piece) :]
        elif op == "flip":
            content = content[:place] + bytes([content[place] ^ 1 << number % 8]) + content[place + 1 :]
        else:
            content = content[:place]
    return content


def any_text(of: random.Random, longest: int, surrogates: bool = False) -> str:
    """Draw a text: of plain letters, of marks that mean something to a parser, or of any characters."""
    ranges = of.choice([((0x20, 0x7F),), ((0, 0x30), (0x5B, 0x60)), ((0, 0xD800), (0xE000, 0x110000))])
    found = "".join(chr(of.randrange(*of.choice(ranges))) for _ in range(of.randint(0, longest)))
    return found + ("\ud83d" if surrogates and of.random() < 0.2 else "")


def fuzz(name: str, draw: Draw, attempt: Callable[[Any], Outcome], refusals: tuple[type[Exception], ...] = ()) -> None:
    """Try drawn inputs; print the counts. `attempt` asserts that nothing changed in silence.

    Raises:
        AssertionError: a reader raised what it may not, hung, or changed something in silence; the first such inputs.
    """
    counts: Counter[str] = Counter()
    faults: list[str] = []

    def late(*_: object) -> None:
        raise TimeoutError(f"not done after {HANGS} s")

    signal.signal(signal.SIGALRM, late)
    for number in range(FROM, FROM + (INPUTS or _FEW)):
        value = draw(random.Random(f"{name} {number}"))
        signal.setitimer(signal.ITIMER_REAL, HANGS)
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # what is left aside is said there
                counts[attempt(value)] += 1
        except (InputError, *refusals):
            counts["refused"] += 1
        except Exception as error:
            counts["silent changes" if isinstance(error, AssertionError) else "other errors"] += 1
            faults.append(f"input {number}, {value!r:.300}: {type(error).__name__}: {error!s:.300}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    if INPUTS:
        kinds = ("refused", "reported", "unchanged", "silent changes", "other errors")
        print(f"\n{name}: {counts.total()} inputs: {', '.join(f'{counts[kind]} {kind}' for kind in kinds)}")
    assert not faults, f"{name}: {len(faults)} inputs\n" + "\n".join(faults[:_SHOWN])
