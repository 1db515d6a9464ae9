"""Times as people write them: numbers with a decimal point or comma, and HH:MM:SS.mmm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

Unit = Literal["seconds", "milliseconds", "frames"]

#: How many of a unit a second has; of frames the video says it.
PER_SECOND: dict[Unit, float] = {"seconds": 1.0, "milliseconds": 1000.0, "frames": 1.0}

EXAMPLE: dict[Unit, str] = {
    "seconds": "seconds, such as 12.5, or 00:00:12.500",
    "milliseconds": "milliseconds, such as 12500",
    "frames": "the frame's number, such as 312; the first frame is 0",
}

#: ASCII only: `float` also takes 1_000, nan and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_CLOCK = re.compile(r"([0-9]{1,3}):([0-5]?[0-9]):([0-5]?[0-9](?:[.,][0-9]+)?)")
#: A comma that may group thousands as well as mark decimals.
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def ambiguity(times: Iterable[str], separator: str) -> tuple[str, str] | None:
    """Return a time whose comma may mean one thing or another, and why; None where it is clear what commas mean.

    A file has one decimal mark. Where fields are separated by semicolons, commas are decimal: that is what the
    semicolons are for. Elsewhere `1,234` is a decimal only next to such as `2,4`, which is none of thousands.
    """
    numbers = [time for time in times if _NUMBER.fullmatch(time)]
    commas = [time for time in numbers if "," in time]
    if commas and any("." in time for time in numbers):
        return commas[0], "other times have a decimal point"
    if commas and separator != ";" and all(_THOUSANDS.fullmatch(time) for time in commas):
        return commas[0], "its comma may mark decimals or group thousands"
    return None


def parse_time(said: str, unit: Unit) -> float:
    """Return a time in seconds, or in frames where that is the unit.

    Raises:
        ValueError: it is none; the message says what it is instead.
    """
    clock = _CLOCK.fullmatch(said)
    if clock:
        if unit != "seconds":
            raise ValueError(f"is a time of a clock, and `unit` says {unit}")
        hours, minutes, seconds = clock.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds.replace(",", "."))
    if re.fullmatch(r"[0-9]+:[0-9]+(?:[.,][0-9]+)?", said):
        raise ValueError("may be hours and minutes or minutes and seconds: expected HH:MM:SS")
    if not _NUMBER.fullmatch(said):
        raise ValueError("is no number")
    value = float(said.replace(",", ".")) / PER_SECOND[unit]
    if unit == "frames" and not value.is_integer():
        raise ValueError("is no frame's number")
    return value


def units_that_fit(end: float, duration: float, fps: float | None, slack: float) -> Sequence[Unit]:
    """Return the units in which a time, too late in seconds, would lie within a video of `duration` seconds."""
    found: list[Unit] = []
    if end / PER_SECOND["milliseconds"] <= duration + slack:
        found.append("milliseconds")
    if fps and float(end).is_integer() and end / fps <= duration + slack:
        found.append("frames")
    return found
