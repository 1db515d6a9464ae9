"""Model folders of strangers: no code of theirs runs, no pickle is read, and damaged weights are not used."""

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from stages.base.errors import InputError
from stages.vlm.base import Request
from stages.vlm.local import Local
from stages.weights.unchanged import check_folder, check_hub, dvc_hash
from tests.conftest import ROOT, dvc
from tests.vlm.given import params

Tiny = Callable[[str], Path]

#: Loads a folder's config and processor as the stages do, and an encoder's as bert_score does.
LOAD = """
import sys, traceback
from stages.base.errors import InputError
from stages.vlm.checkpoint import load_config, load_processor
import transformers

folder = sys.argv[1]
for load in (
    lambda: load_config(folder, None),
    lambda: load_processor(folder, None, True),
    lambda: load_processor(folder, None, False),
):
    try:
        print("loaded", type(load()).__name__)
    except InputError as error:
        print("refused", str(error).replace(chr(10), " "))
for kind in (transformers.AutoConfig, transformers.AutoProcessor, transformers.AutoTokenizer):  # no argument given
    try:
        print("loaded", type(kind.from_pretrained(folder)).__name__)
    except (ValueError, OSError) as error:
        print("raised", str(error).splitlines()[0])
"""


def test_no_code_of_a_folder_runs_whatever_is_typed(tiny_model: Tiny, tmp_path: Path) -> None:
    folder, mark = tmp_path / "foreign", tmp_path / "ran"
    shutil.copytree(tiny_model("llava"), folder)
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')\nclass Own: pass\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "foreign", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config))
    maps = {
        "processor_config.json": {"AutoProcessor": "own.Own"},
        "tokenizer_config.json": {"AutoTokenizer": ["own.Own", "own.Own"], "AutoProcessor": "own.Own"},
        "preprocessor_config.json": {"AutoImageProcessor": "own.Own", "AutoProcessor": "own.Own"},
    }
    for name, auto_map in maps.items():
        old = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        old = {key: value for key, value in old.items() if key not in ("processor_class", "tokenizer_class")}
        (folder / name).write_text(json.dumps(old | {"auto_map": auto_map}))
    ran = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder)],
        cwd=tmp_path,
        input="y\n" * 20,
        capture_output=True,
        text=True,
        timeout=1200,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(tmp_path / "hf")},
    )
    assert not mark.exists(), ran.stdout
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert len(said) == 6, ran.stdout
    assert [line.split()[0] for line in said[:2]] == ["refused", "refused"], ran.stdout
    assert "code of its own" in said[0]
    assert "remote_code" in said[0]
    assert "Do you wish to run" not in ran.stdout + ran.stderr


class Bomb:
    """What runs when a pickle of it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def test_a_pickle_is_not_even_read(tiny_model: Tiny, tmp_path: Path) -> None:
    folder, mark = tmp_path / "pickled", tmp_path / "ran"
    shutil.copytree(tiny_model("llama"), folder)
    (folder / "model.safetensors").unlink()
    stream = io.BytesIO()
    torch.save({"bomb": Bomb(mark)}, stream, pickle_module=pickle)
    (folder / "pytorch_model.bin").write_bytes(stream.getvalue())
    read = os.stat(folder / "pytorch_model.bin").st_atime_ns
    with pytest.raises(InputError, match="pickle is not read") as found:
        Local(params(folder), "cpu").engine()
    assert "safetensors" in str(found.value)
    assert not mark.exists()
    assert read


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)


def lock(name: str, md5: str) -> str:
    return yaml.safe_dump({"schema": "2.0", "stages": {"make": {"cmd": "x", "outs": [{"path": name, "md5": md5}]}}})


def test_a_folders_hash_is_dvcs(tiny_model: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny_model("llama"), tmp_path / "model")
    (tmp_path / "model" / "sub").mkdir()
    (tmp_path / "model" / "sub" / "ä.txt").write_text("x")
    dvc("init", "--no-scm", cwd=tmp_path)
    dvc("add", "model", cwd=tmp_path)
    [out] = yaml.safe_load((tmp_path / "model.dvc").read_text())["outs"]
    assert dvc_hash(tmp_path / "model") == out["md5"]
    assert check_folder(tmp_path / "model")


def test_a_flipped_byte_of_weights_that_the_graph_made_is_found_before_use(
    tiny_model: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("data/models/tiny")
    shutil.copytree(tiny_model("llama"), folder)
    Path("dvc.lock").write_text(lock(str(folder), dvc_hash(folder)))
    [(_, before)] = Local(params(folder), "cpu").answer([Request("Is it so?")])
    assert before.status == "ok"
    copy = Path("data/models/copy")
    shutil.copytree(folder, copy)
    Path("dvc.lock").write_text(lock(str(copy), dvc_hash(folder)))
    flip(copy / "model.safetensors")
    with pytest.raises(InputError, match=r"dvc\.lock recorded") as found:
        Local(params(copy), "cpu").engine()
    assert "dvc checkout" in str(found.value)


def test_a_flipped_byte_in_the_hubs_cache_is_found_before_use(
    tiny_model: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--owner--tiny"
    (home / "blobs").mkdir(parents=True)
    (home / "snapshots" / commit).mkdir(parents=True)
    for file in tiny_model("llama").iterdir():
        content = file.read_bytes()
        weights = file.suffix == ".safetensors"
        plain = hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest()
        blob = home / "blobs" / (hashlib.sha256(content).hexdigest() if weights else plain)
        blob.write_bytes(content)
        (home / "snapshots" / commit / file.name).symlink_to(blob)
    assert check_hub("owner/tiny", commit) == len(list(tiny_model("llama").iterdir()))
    other = home / "snapshots" / commit.replace("0", "f")
    other.mkdir()
    weights = (home / "snapshots" / commit / "model.safetensors").resolve()
    moved = home / "blobs" / weights.name.replace("a", "b", 1)
    shutil.copy(weights, moved)  # bytes that are not those of the name
    (other / "model.safetensors").symlink_to(moved)
    with pytest.raises(InputError, match=r"model\.safetensors of owner/tiny is damaged"):
        check_hub("owner/tiny", other.name)
