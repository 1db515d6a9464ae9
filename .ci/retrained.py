"""Train from nothing in a clone, and compare: exit 1 where the weights of `shipped/` do not come of the code.

It trains where `RETRAIN=1`, or where an entry of `dvc.lock` of a cell that learns has changed since it was shipped. On
the kind of processor that the shipped weights come from, the same bytes have to come of it. Training elsewhere ends in
other weights: there the rest of the graph runs too, and each headline number of what learnt has to be where Student's
distribution expects one more value, given its n values in `metrics/<data set>/seeds/seeds.csv`: within mean +- t sd
sqrt(1 + 1/n), with t of n - 1 degrees of freedom. This tree stays as it is.
"""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev

from scipy.special import stdtrit

from stages.ship.cells import hashes, learns, locked
from stages.ship.processor import kind
from stages.ship.record import read_record

ROOT = Path(__file__).resolve().parents[1]
#: A number in `metrics/` is rounded; seeds that all agree would else allow nothing.
ROUNDING = 5e-7
#: Chance that a number falls outside though nothing is wrong; there are many numbers, which rise and fall together.
OUTSIDE = 0.001


def outputs(root: Path) -> dict[str, str]:
    """Return path -> hash of all outputs of the cells that learn, as a lock has them."""
    cells = locked((root / "dvc.lock").read_text())
    return {path: md5 for name, cell in cells.items() if learns(name) for path, md5 in hashes(cell["outs"]).items()}


def same_kind() -> bool:
    """Tell whether this processor is of the kind that all shipped weights come from."""
    shipped = read_record(ROOT / "shipped").values()
    return bool(shipped) and kind() is not None and {one.processor for one in shipped} == {kind()}


def learnt(root: Path) -> list[Path]:
    """Return the headline files, `metrics/<data set>/headlines/<method>.json`, of what follows from training.

    Null models answer without knowing the clip, whatever the texts that they exchange were learnt by.
    """
    cells = locked((root / "dvc.lock").read_text())
    makers = {Path(path): name for name, cell in cells.items() for path in hashes(cell.get("outs", []))}

    def follows(name: str) -> bool:
        needed = [Path(path) for path in hashes(cells[name].get("deps", []))]
        before = {maker for path in needed for out, maker in makers.items() if path == out or out in path.parents}
        return learns(name) or any(follows(maker) for maker in before)

    def source(headlines: Path) -> Path:
        data, method = Path("data", headlines.parts[1]), headlines.stem
        return data / ("captions.parquet" if method == "references" else f"predictions/{method}.parquet")

    files = [file.relative_to(root) for file in root.glob("metrics/*/headlines/*.json")]
    return sorted(
        file
        for file in files
        if not file.name.startswith("null_") and source(file) in makers and follows(makers[source(file)])
    )


def spreads(seeds: Path) -> dict[tuple[str, str], list[float]]:
    """Return the values over seeds by method and headline (`<protocol>.<metric>.<aggregate>`); none without a file."""
    found = defaultdict(list)
    with seeds.open(newline="") if seeds.exists() else open(os.devnull) as stream:
        for row in csv.DictReader(stream):
            headline = f"{row['protocol']}.{row['metric']}.{row['aggregate']}"
            found[row["method"], headline].append(float(row["value"]))
    return found


def outside(retrained: Path) -> list[str]:
    """Return, in words, which headline numbers of a retrained tree are not within the spread over seeds."""
    found = []
    for file in learnt(retrained):
        seeds = ROOT / file.parents[1] / "seeds/seeds.csv"
        known = spreads(seeds)
        for headline, value in json.loads((retrained / file).read_text()).items():
            if ":" in headline or headline.endswith("_sd"):
                continue  # of single classes and rules, and of repeated draws: no table over seeds has them
            values = known.get((file.stem, headline), [])
            if len(values) < 2:
                found.append(
                    f"{file} {headline}: {len(values)} values in {seeds.relative_to(ROOT)}, at least 2 are "
                    "needed; `make seeds` trains them"
                )
                continue
            times = float(stdtrit(len(values) - 1, 1 - OUTSIDE / 2))
            centre, width = mean(values), times * stdev(values) * math.sqrt(1 + 1 / len(values)) + ROUNDING
            if not abs(value - centre) <= width:
                found.append(
                    f"{file} {headline}: {value}, not within {centre:.4f} +- {width:.4f} of {len(values)} seeds"
                )
    return found


def clone(to: Path) -> None:
    """Make a clone of this tree as it is now, with an empty cache."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(to)], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)


def main() -> None:
    """Decide, train, compare."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    asked = [sys.executable, "-m", "stages.ship", "moved"]
    moved = subprocess.run(asked, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if not moved and os.environ.get("RETRAIN") != "1":
        print("retrained: nothing that learns has changed since it was shipped; RETRAIN=1 trains all the same")
        return
    print(f"retrained: from nothing, for {'RETRAIN=1' if not moved else ', '.join(moved) + ' changed'}", flush=True)
    with tempfile.TemporaryDirectory(prefix="retrained-") as folder:
        tree = Path(folder) / "tree"
        clone(tree)
        subprocess.run([sys.executable, "-m", "stages.ship", "retrain"], cwd=tree, env=env, check=True)
        before, now = outputs(ROOT), outputs(tree)
        others = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
        if not others:
            print(f"retrained: the same bytes in all {len(now)} outputs of the cells that learn")
        elif same_kind():
            sys.exit(
                "error: retrained on the same kind of processor, other bytes: " + ", ".join(others) + "\n"
                "  what to do: find what of the training is not determined, or run `make ship` after a training"
            )
        else:
            print(f"retrained: other weights, on another kind of processor than shipped/record.json names ({kind()})")
            subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=tree, env=env, check=True)
            if wrong := outside(tree):
                sys.exit("error: retrained, not within the spread over seeds:\n  " + "\n  ".join(wrong))
            print(f"retrained: all headline numbers of {len(learnt(tree))} methods are within the spread over seeds")


if __name__ == "__main__":
    main()
