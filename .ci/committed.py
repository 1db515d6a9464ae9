"""Compare the numbers under `metrics/` with the committed ones: exit 1 where one differs in its third digit.

On any processor: what was learnt is the same bytes everywhere, for `make repro` takes it from `shipped/`.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 0.0005


def cells(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield (place, value) for each value in a JSON or CSV file."""
    if name.endswith(".csv"):
        for row in csv.DictReader(io.StringIO(text)):
            key = "/".join(value for value in row.values() if value and not numeric(value))
            yield from ((f"{key}:{column}", value) for column, value in row.items())
    else:
        yield from leaves(json.loads(text), "")


def leaves(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield (place, value) for each leaf of a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{place}[{index}]")
    else:
        yield place, str(value)


def numeric(text: str) -> bool:
    """Tell whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def same(one: str, other: str) -> bool:
    """Tell whether two values agree to the third digit."""
    if numeric(one) and numeric(other):
        a, b = float(one), float(other)
        return abs(a - b) <= TOLERANCE * max(1.0, abs(a))
    return one == other


def committed(name: str) -> str | None:
    """Return a file's text in the last commit."""
    done = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def main() -> None:
    """Compare all files, print what moved."""
    listed = subprocess.run(["git", "ls-files", "metrics"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(listed.stdout.split()) | {
        str(path.relative_to(ROOT)) for path in (ROOT / "metrics").rglob("*") if path.suffix in {".json", ".csv"}
    }
    moved, compared = [], 0
    for name in sorted(names):
        if not name.endswith((".json", ".csv")) or "/seeds/" in name:
            continue
        text = committed(name)
        if text is None:
            print(f"{name}: not committed, nothing to compare it with")
            continue
        if not (ROOT / name).exists():
            moved.append(f"{name}: not made by this run")
            continue
        old, new = dict(cells(name, text)), dict(cells(name, (ROOT / name).read_text()))
        compared += len(old)
        moved += [
            f"{name} {place}: {old.get(place)} -> {new.get(place)}"
            for place in sorted(old.keys() | new.keys())
            if not same(old.get(place, "none"), new.get(place, "none"))
        ]
    print("\n".join(moved[:40]))
    print(f"numbers: {compared} values compared, {len(moved)} moved in the third digit")
    sys.exit(1 if moved or not compared else 0)


if __name__ == "__main__":
    main()
