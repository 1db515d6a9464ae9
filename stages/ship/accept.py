"""Take what was learnt for what the present code learns, where only code has changed since: a name, a message, a room.

`dvc repro` would train all of it again, and `dvc commit` takes whatever lies in the tree, pages of older code and
results of an experiment among it. Here a cell's entry in `dvc.lock` gets the hashes of the present code and keeps all
else; what does not learn then runs as ever, and a cell whose inputs that moves is trained. That nothing else would be
learnt is the claim of who calls it; `RETRAIN=1 .ci/run` proves it.
"""

from __future__ import annotations

from typing import Any

from stages.ship.cells import Cell, learning, stale

#: Where all code is that a stage depends on.
CODE = "stages/"


def accept(repo: Any) -> None:
    """Write the hashes of the present code into `dvc.lock` for each cell that learns; name those that are left."""
    taken, left = [], []
    for cell in learning(repo):
        changed = stale(repo, cell.stage)
        code = [name for name in changed if name.startswith(CODE)]
        if changed != code:
            left.append(f"{cell.name} ({', '.join(name for name in changed if name not in code)})")
        elif code:
            with repo.lock:
                _lock(cell, code)
            taken.append(f"  {cell.name}: {', '.join(code)}")
    print(f"ship: {len(taken)} cells that learn are locked with the present code, as if it had trained them")
    if taken:
        print("\n".join([*taken, "ship: `dvc repro` runs all else; `RETRAIN=1 .ci/run` proves that it is so"]))
    if left:
        print(f"ship: more than code has changed, so they are left to be trained: {', '.join(left)}")


def _lock(cell: Cell, code: list[str]) -> None:
    """Give a cell's entry in the lock the hashes of the named code."""
    for dep in cell.stage.deps:
        if dep.def_path in code:
            dep.save()
    cell.stage.dump(update_pipeline=False)
