"""A collaborator's session over S3 on loopback, on the default run: `python -m bench.remote` (after `make repro`).

One clone pushes what `dvc.lock` records; a second one, with an empty cache and no journal, pulls it, runs the graph
(nothing should run), changes a threshold (nothing on the GPU's side should be computed) and renders 50 more clips (50
should be): up to the captions and the zero-shot answers, since what learns from the clips has to learn again. Prints
seconds, bytes, the stages that ran and what each says it did. Clones the last commit.
"""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.pipeline import remotes
from tests.pipeline.project import edit_yaml, git, ran

ROOT = Path(__file__).resolve().parents[1]
PAGE = "data/home/report/index.html"
MORE = 50
#: Cells of zero-shot answers.
ASKED = [f"infer@home_embedded_{strategy}" for strategy in ("describe", "list", "per_class", "judge")]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, remotes.s3(Path(folder)) as remote:
        first, second = Path(folder) / "first", Path(folder) / "second"
        for clone in (first, second):
            git("clone", "-q", str(ROOT), str(clone), cwd=ROOT)
            remote.add(clone)
        timed("cache dir --local", str(ROOT / ".dvc/cache"), cwd=first, env=remote.env, quiet=True)
        timed("checkout dvc.yaml", cwd=first, env=remote.env, quiet=True)
        timed("push dvc.yaml", cwd=first, env=remote.env)
        timed("pull dvc.yaml", cwd=second, env=remote.env)
        size = sum(path.stat().st_size for path in (second / ".dvc/cache").rglob("*") if path.is_file())
        print(f"  {size / 1e6:.1f} MB in the second clone's cache", flush=True)
        timed("repro", cwd=second, env=remote.env)
        same = filecmp.cmp(first / PAGE, second / PAGE, shallow=False)
        print(
            f"  page byte for byte the same: {same}; git status: {git('status', '--porcelain', cwd=second) or 'clean'}"
        )
        params = second / "params/datasets/home.yaml"
        edit_yaml(params, lambda values: values["score"]["thresholds"].update(similarity=0.6))
        timed("repro", cwd=second, env=remote.env, why="a changed threshold")
        edit_yaml(params, more)
        timed("repro", "caption@home", *ASKED, cwd=second, env=remote.env, why=f"{MORE} more clips")


def more(values: dict[str, dict[str, int]]) -> None:
    """Ask for more clips of the benchmark."""
    values["simulate"]["clips"] += MORE


def timed(command: str, *arguments: str, cwd: Path, env: dict[str, str], why: str = "", quiet: bool = False) -> None:
    """Run a command of DVC and print how long it took, which stages ran and the line with which each ended."""
    environment = {
        **os.environ,
        **env,
        "HAR_JOURNAL": str(cwd / ".journal"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *command.split(), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"dvc {command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    if quiet:
        return
    print(f"dvc {command}{why and ', ' + why}: {seconds:.1f} s, {len(ran(done.stdout))} stages ran", flush=True)
    for line in done.stdout.splitlines():
        if line.endswith(" from journal"):  # the line with which a stage ends
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
