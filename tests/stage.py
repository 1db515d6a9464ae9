"""Run a stage as its command line does, in a folder of its own and in this process (an import of DVC is dear)."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from stages.base import params
from stages.base.errors import guard
from stages.text import tokens


class Workplace:
    """A folder with params.yaml in which stages run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        Repo.init(str(folder), no_scm=True).close()
        monkeypatch.chdir(folder)
        monkeypatch.delenv("DVC_STAGE", raising=False)
        self._monkeypatch = monkeypatch

    def run(self, room: str, *arguments: str, values: dict[str, Any], compute: dict[str, Any] | None = None) -> str:
        """Run `python -m stages.<room> <arguments>` under these params; return the user's error, empty without one."""
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))
        (self.folder / "compute.yaml").write_text(yaml.safe_dump(compute or {"workers": 1}))
        self._monkeypatch.setattr(sys, "argv", [room, *arguments])
        params.forget()
        tokens._encoder.cache_clear()  # a process knows no texts of the one before
        try:
            guard(importlib.import_module(f"stages.{room}.__main__").main)
        except SystemExit as end:
            return str(end.code or "")
        finally:
            params.forget()
        return ""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """Return a new folder to run stages in."""
    return Workplace(tmp_path, monkeypatch)
