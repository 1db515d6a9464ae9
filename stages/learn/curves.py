"""Learning curves as dvclive writes them: a TSV a curve, for `dvc plots`. No time stands in them.

A run that goes on after a kill shows its finished epochs again, so that the files are those of an undisturbed run.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

from stages.learn.loop import Epoch


class Curves:
    """The curves of one run, in `<folder>/<name>.tsv`, with columns `step` (the epoch, from 1) and the curve's own."""

    def __init__(self, folder: Path, writes: bool = True) -> None:
        """Begin the curves anew; of several processes only one `writes`."""
        self.folder, self._live = folder, None
        if not writes:
            return
        from dvclive.live import Live  # takes a second, which only stages should pay

        shutil.rmtree(folder, ignore_errors=True)
        # The stage's outputs are declared in dvc.yaml: no experiment, no dvc.yaml of dvclive's own.
        self._live = Live(str(folder / "live"), report=None, save_dvc_exp=False, dvcyaml=None)

    def log(self, epoch: Epoch) -> None:
        """Add an epoch: rate, train_loss, and where it has them validation_loss, validation_quality and terms."""
        if self._live is None:
            return
        self._live.step = epoch.epoch
        for name, value in {**epoch._asdict(), **(epoch.terms or {})}.items():
            if name not in ("epoch", "steps", "terms") and value is not None:
                self._live.log_metric(name, round(value, 6))

    def __enter__(self) -> Curves:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is None:
            return
        self._live.end()  # type: ignore[no-untyped-call]
        plots = self.folder / "live" / "plots" / "metrics"
        for path in sorted(plots.glob("*.tsv")) if kind is None else ():
            path.rename(self.folder / path.name)
        shutil.rmtree(self.folder / "live", ignore_errors=True)
