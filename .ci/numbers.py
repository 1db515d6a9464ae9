"""Compare the numbers under `metrics/` with the committed ones: exit 1 where one differs in its third digit.

What a data set's models learnt has to be the same bytes for that: a processor that rounds one product otherwise ends in
another model, whose numbers cannot agree to three digits. Where the weights of a run are not the committed ones, this
says so, and holds the numbers that follow from them to `floors.csv` instead: what every training has to reach.
"""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 0.0005

#: Stages that learn, and the numbers that follow from what they learnt.
LEARNING = ("pretrain@", "train@", "train_from@", "adapt@", "adapt_captions@")
LEARNT = ("metrics/home/", "metrics/resuscitation/")


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


def weights(lock: str) -> dict[str, str]:
    """Return the hash of everything that stages which learn have made, by path, from the text of a dvc.lock."""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    return {
        out["path"]: out["md5"]
        for name, stage in stages.items()
        if name.startswith(LEARNING)
        for out in stage["outs"]
        if "/models/" in out["path"]
    }


def fallen() -> list[str]:
    """Return what is outside its limits in `floors.csv`."""
    found = []
    for limit in csv.DictReader((Path(__file__).parent / "floors.csv").read_text().splitlines()):
        name, row, column = f"metrics/{limit['file']}", limit["row"], limit["column"]
        values = dict(cells(name, (ROOT / name).read_text())) if (ROOT / name).exists() else {}
        value = next((v for place, v in values.items() if place.rpartition(":")[0].rstrip("/") == row
                      and place.endswith(f":{column}")), "missing")  # fmt: skip
        if not numeric(value) or not float(limit["least"]) <= float(value) <= float(limit["most"]):
            found.append(f"{name} {row}:{column}: {value}, not within {limit['least']} to {limit['most']}")
    return found


def main() -> None:
    """Compare all files, print what moved."""
    listed = subprocess.run(["git", "ls-files", "metrics"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(listed.stdout.split()) | {
        str(path.relative_to(ROOT)) for path in (ROOT / "metrics").rglob("*") if path.suffix in {".json", ".csv"}
    }
    before, now = weights(committed("dvc.lock") or ""), weights((ROOT / "dvc.lock").read_text())
    others = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    moved, compared = fallen() if others else [], 0
    if others:
        print(f"other weights than committed: {', '.join(others)}; {', '.join(LEARNT)} are held to floors.csv instead")
    for name in sorted(names):
        if not name.endswith((".json", ".csv")) or name.endswith("/seeds.csv") or (others and name.startswith(LEARNT)):
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
        moved += [f"{name} {place}: {old.get(place)} -> {new.get(place)}" for place in sorted(old.keys() | new.keys())
                  if not same(old.get(place, "none"), new.get(place, "none"))]  # fmt: skip
    print("\n".join(moved[:40]))
    print(f"numbers: {compared} values compared, {len(moved)} moved in the third digit or outside floors.csv")
    sys.exit(1 if moved or not compared else 0)


if __name__ == "__main__":
    main()
