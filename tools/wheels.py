"""Wheels that hold weights, fetched by pip from wherever it is set to look, each by its hash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from stages.base.errors import InputError


def pip(work: Path, command: str, wheel: str, folder: Path, *where: str | Path) -> None:
    """Let pip fetch one wheel without what it asks for: this environment has that, or does not need it.

    Args:
        work: a folder to work in.
        command: download or install.
        wheel: name, version and hash, as a file of requirements has them.
        folder: what the wheel is wanted for, for messages.
        where: options of the command.

    Raises:
        InputError: pip does not get it.
    """
    (work / "wanted.txt").write_text(f"{wheel}\n")
    words = [sys.executable, "-m", "pip", command, "--quiet", "--disable-pip-version-check", "--no-deps"]
    options = ["--only-binary", ":all:", "--require-hashes", "--requirement", work / "wanted.txt"]
    if subprocess.run([*words, *options, *where], check=False).returncode:
        what, do = f"pip did not get {wheel.partition(' ')[0]}", "see its words above; pip needs a package registry"
        raise InputError(what, file=folder, do=do)


def fetched(folder: Path, make: Callable[[Path, Path], str]) -> None:
    """Let `make` fill a folder that is not there, and print what it says of it.

    A folder that is there is left as it is. It is named when it is whole, so a killed run leaves none.

    Args:
        folder: where it will be.
        make: is given a folder to work in and a new one to fill.
    """
    if folder.exists():
        print(f"{folder} is there")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}_") as found:
        work = Path(found)
        whole = work / "whole"
        whole.mkdir()
        said = make(work, whole)
        whole.rename(folder)
    print(f"{folder}: {said}")
