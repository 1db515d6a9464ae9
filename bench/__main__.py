"""Run the benchmarks one after the other: `python -m bench [name ...]`; without names, all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: What each needs beside an installed project; those without their data say so and are passed over.
NEEDS = {
    "text": "data/smarthome_vlm/captions.parquet",
    "replay": "data/published/vlms_har_rhms/captions.json",
    "cluster": "data/home/report/index.html",
    "simulate": "data/home/truth.parquet",
    "keyframes": "data/weizmann/clips",
    "streams": "data/ut_interaction/clips",
    "remote": "data/home/report/index.html",
    "processors": "data/models/embedded/config.json",
}
HELPERS = {"__init__", "__main__", "flops", "seed_worlds", "worlds"}


def main() -> None:
    """Run what is asked for."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HELPERS)
    unknown = set(sys.argv[1:]) - set(known)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in sys.argv[1:] or known:
        need = NEEDS.get(name)
        if need and not Path(need).exists():
            print(f"== {name}: passed over, needs {need}", flush=True)
            continue
        print(f"== {name}", flush=True)
        subprocess.run(
            [
                sys.executable,
                "-m",
                f"bench.{name}",
                *([need.rpartition("/")[0]] if name == "simulate" and need else []),
            ],
            check=False,
        )


if __name__ == "__main__":
    main()
