"""Which Python `make` sets up with: a path of stubs stands for each kind of system."""

import shutil
import subprocess

import pytest

from tests.conftest import ROOT

#: What stubs are: they answer the one question that is asked of a Python, whether it will do.
FITS = "exit 0"
NEWER = 'case "$*" in *platform*) echo python3 is 3.13.0;; *) exit 1;; esac'
BROKEN_SHIM = "echo 'pyenv: python3.11: command not found' >&2; exit 127"


@pytest.fixture
def system(tmp_path):
    """Return a folder that is all of PATH, with the system's tools but no Python in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "cat", "rm", "mkdir", "mktemp", "chmod", "cp"):
        (folder / tool).symlink_to(shutil.which(tool))
    (tmp_path / "tmp").mkdir()
    return folder


def stub(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def chosen(system, *given):
    env = {"PATH": str(system), "TMPDIR": str(system.parent / "tmp"), "HOME": str(system.parent)}
    done = subprocess.run(
        [ROOT / "tools/python", *given], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert list((system.parent / "tmp").iterdir()) == []
    return done.returncode, (done.stdout or done.stderr).strip()


def test_python3_where_it_is_3_11(system):
    assert chosen(system)[0] == 1
    path = stub(system, "python3", FITS)
    assert chosen(system) == (0, str(path))


def test_python3_11_beside_a_newer_python3(system):
    stub(system, "python3", NEWER)
    path = stub(system, "python3.11", FITS)
    assert chosen(system) == (0, str(path))


def test_a_shim_that_does_not_run(system):
    stub(system, "python3.11", BROKEN_SHIM)
    path = stub(system, "python3", FITS)
    assert chosen(system) == (0, str(path))


FETCHES = """
there="{folder}/fetched"
case "$*" in
  "python install 3.11") cp "{python}" "$there";;
  "python find --no-python-downloads 3.11") [ -x "$there" ] && echo "$there";;
  *) exit 2;;
esac
"""


def test_uv_fetches_it(system, tmp_path):
    stub(system, "python3", NEWER)
    stub(system, "uv", FETCHES.format(folder=tmp_path, python=stub(tmp_path, "python", FITS)))
    assert chosen(system) == (0, f"{tmp_path}/fetched")


def test_uv_is_installed_for_that_and_gone_afterwards(system, tmp_path):
    uv = stub(tmp_path, "uv", FETCHES.format(folder=tmp_path, python=stub(tmp_path, "python", FITS)))
    inner = stub(tmp_path, "inner", f'[ "$*" = "-m pip install --quiet uv" ] && cp {uv} "${{0%/python}}/uv"')
    stub(
        system,
        "python3",
        f'case "$*" in "-m venv "*) mkdir -p "$3/bin" && cp {inner} "$3/bin/python";; *) exit 1;; esac',
    )
    assert chosen(system) == (0, f"{tmp_path}/fetched")


@pytest.mark.parametrize("python3", [NEWER, None, BROKEN_SHIM], ids=["newer", "none", "a shim"])
def test_none_can_be_had(system, python3):
    if python3:
        stub(system, "python3", python3)
    status, said = chosen(system)
    assert status == 1
    has = "python3 is 3.13.0" if python3 == NEWER else "there is no python3"
    assert f"error: Python 3.11 is needed; here {has}, and uv could not fetch one" in said
    for command in ("sudo apt install python3.11 python3.11-venv", "brew install python@3.11", "make PYTHON=/path"):
        assert command in said


def test_one_that_was_named(system):
    stub(system, "python3.11", FITS)
    mine = stub(system, "mine", FITS)
    assert chosen(system, str(mine)) == (0, str(mine))
    status, said = chosen(system, "python3.13")
    assert (status, "error: PYTHON=python3.13 is no Python 3.11" in said) == (1, True)


def test_make_stops_there(tmp_path):
    done = subprocess.run(
        ["make", "setup", f"VENV={tmp_path / 'venv'}", "PYTHON=/nowhere/python3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "error: PYTHON=/nowhere/python3 is no Python 3.11" in done.stderr
    assert not (tmp_path / "venv").exists()
