"""What is known of each kind of model, before it is asked; one that cannot be had fails by name and writes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from stages.vlm import tiny
from stages.vlm.checkpoint import folder_hash
from stages.weights.unchanged import FILL_IN
from tests.conftest import ROOT
from tests.stage import Workplace, workplace  # noqa: F401 (a fixture)
from tests.vlm.given import api_params, params

COMMIT = "0123456789abcdef" * 2 + "01234567"


def local(name: Path | str, **differs: Any) -> dict[str, Any]:
    """Return a file of params/models of a model of weights."""
    return params(name, **differs).model_dump(mode="json")


def api(**differs: Any) -> dict[str, Any]:
    """Return a file of params/models of a model behind a server."""
    return api_params(**differs).model_dump(mode="json")


def find(place: Workplace, block: dict[str, Any], name: str = "asked", **compute: Any) -> str:
    """Find a model whose file is `block`; return the user's error, empty without one."""
    folder = place.folder / "params/models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(block))
    return place.run("model", name, values={}, compute={"workers": 1} | compute)


def written(place: Workplace, name: str = "asked") -> dict[str, Any] | None:
    """Return what the stage has written; None where it has written nothing."""
    path = place.folder / f"data/models/{name}/model.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save("smolvlm", tmp_path_factory.mktemp("tiny"))


def test_a_published_file_is_known_by_its_bytes_and_its_texts(workplace: Workplace, capsys: Any) -> None:  # noqa: F811
    file = workplace.folder / "said.json"
    file.write_text(json.dumps(["Walk_p1.mp4#walks", "Walk_p1.mp4#runs", "Sit_p2.mp4#sits", "no clip and no text"]))
    revision = md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    assert find(workplace, {"backend": "recorded", "file": "said.json"}) == ""
    known = {"backend": "recorded", "name": "said.json", "revision": revision, "texts": 2, "problems": 2}
    assert written(workplace) == known
    assert capsys.readouterr().out.startswith(f"model asked: said.json at {revision}")
    file.write_text('{"Walk_p1": "walks"}')
    assert find(workplace, {"backend": "recorded", "file": "said.json"}) == ""
    assert written(workplace) != known


@pytest.mark.parametrize(
    ("text", "said"), [(None, "no such file"), ('["Walk_p1.mp4#wa', "not JSON"), ("3", "expected a list or an object")]
)
def test_a_published_file_that_is_not_there_or_not_whole(
    workplace: Workplace,  # noqa: F811
    text: str | None,
    said: str,
) -> None:
    if text is not None:
        (workplace.folder / "said.json").write_text(text)
    told = find(workplace, {"backend": "recorded", "file": "said.json"})
    assert "said.json" in told
    assert said in told
    assert "what to do" in told
    assert written(workplace) is None


def test_a_pointer_to_the_file_says_how_to_pull_it(workplace: Workplace) -> None:  # noqa: F811
    (workplace.folder / "said.json.dvc").write_text("outs: []\n")
    assert "dvc pull said.json.dvc" in find(workplace, {"backend": "recorded", "file": "said.json"})


def test_a_folder_is_known_by_its_files(workplace: Workplace, checkpoint: Path) -> None:  # noqa: F811
    about = {"licence": "MIT", "gated": False}
    assert find(workplace, local(checkpoint, about=about)) == ""
    known = written(workplace)
    assert known == {
        "backend": "local",
        "name": str(checkpoint),
        "revision": folder_hash(checkpoint),
        "licence": "MIT",
        "gated": False,
        "architecture": "smolvlm",
        "context": 512,
    }
    first = (workplace.folder / "data/models/asked/model.json").read_bytes()
    assert find(workplace, local(checkpoint, about=about)) == ""
    assert (workplace.folder / "data/models/asked/model.json").read_bytes() == first


def test_no_weights_are_read(workplace: Workplace, tmp_path: Path) -> None:  # noqa: F811
    folder = tiny.save("llama", tmp_path / "weightless")
    (folder / "model.safetensors").write_bytes(b"no weights")
    assert find(workplace, local(folder)) == ""
    known = written(workplace)
    assert known is not None
    assert (known["architecture"], known["licence"], known["gated"]) == ("llama", None, None)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (local("data/nowhere/model"), "data/nowhere/model: no such folder"),
        (local("."), "no config.json"),
        (local("owner/model"), "owner/model, key 'revision': not a folder, and a hub name needs a revision"),
        (local("owner/model", revision=FILL_IN), "owner/model, key 'revision': its params do not say which commit"),
        (local("owner/model", revision="main"), "'main' is no commit"),
        (local("owner/model", revision=COMMIT), "owner/model: not in the cache, and the hub cannot be reached"),
        (api(), "compute.yaml, key 'endpoints': no address of the server of some-model"),
        (api(key="NO_SUCH_KEY", engine="openai"), "NO_SUCH_KEY"),
    ],
)
def test_one_that_cannot_be_had_fails_by_name(
    workplace: Workplace,  # noqa: F811
    block: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    told = find(workplace, block)
    assert said in told
    assert told.count("what to do") == 1
    assert "Traceback" not in told
    assert written(workplace) is None


def test_a_server_is_known_by_name_and_engine_and_asked_nothing(
    workplace: Workplace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_KEY", "x")
    served = {"asked": "http://127.0.0.1:9/v1"}  # nobody listens there
    assert find(workplace, api(key="A_KEY", about={"licence": "the provider's"}), endpoints=served) == ""
    assert written(workplace) == {
        "backend": "api",
        "name": "some-model",
        "revision": "some-model on test 1",
        "licence": "the provider's",
        "gated": False,
        "engine": "test 1",
    }
    text = (workplace.folder / "data/models/asked/model.json").read_text()
    assert "127.0.0.1" not in text, "where it runs is no part of what it is"
    assert "A_KEY" not in text


def test_a_record_that_names_no_model(workplace: Workplace) -> None:  # noqa: F811
    said = workplace.run("model", "nobody", values={})
    assert "vlm.nobody" in said
    assert "no such param" in said
    said = find(workplace, {"backend": "none"}, "none")
    assert "vlm.none" in said
    assert written(workplace, "none") is None


class Hub(BaseHTTPRequestHandler):
    """A hub that knows one model, and another that it does not give to everybody."""

    config = b'{"model_type": "llama", "max_position_embeddings": 2048}'

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(self.config)

    def answer(self, body: bytes) -> None:
        refused = "gated" in self.path
        missing = not self.path.endswith("/config.json")
        self.send_response(403 if refused else 404 if missing else 200)
        if refused or missing:
            self.send_header("X-Error-Code", "GatedRepo" if refused else "EntryNotFound")
            body = b""
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(self.config) if self.command == "HEAD" and not body else len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    """Return the address of a hub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def from_hub(place: Workplace, hub: str, block: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, with another hub."""
    (place.folder / "params.yaml").write_text(yaml.safe_dump({"vlm": {"asked": block}}))
    env = os.environ | {"HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0", "HF_HOME": str(place.folder / ".hub")}
    env |= {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stages.model", "asked"]
    return subprocess.run(command, cwd=place.folder, env=env, capture_output=True, text=True, check=False)


def test_a_hub_model_with_its_commit_is_known(workplace: Workplace, hub: str) -> None:  # noqa: F811
    done = from_hub(workplace, hub, local("owner/model", revision=COMMIT, about={"licence": "MIT"}))
    assert done.returncode == 0, done.stderr
    known = written(workplace)
    assert known is not None
    assert (known["revision"], known["architecture"], known["context"]) == (COMMIT, "llama", 2048)


@pytest.mark.parametrize("gated", [True, False], ids=["said in its file", "not said"])
def test_a_gated_model_says_how_to_get_access(workplace: Workplace, hub: str, gated: bool) -> None:  # noqa: F811
    block = local("owner/gated", revision=COMMIT, about={"licence": "Llama", "gated": gated})
    done = from_hub(workplace, hub, block)
    assert done.returncode == 1
    assert "owner/gated" in done.stderr
    assert "ask for access" in done.stderr
    assert "hf auth login" in done.stderr
    assert done.stderr.count("what to do") == 1
    assert "Traceback" not in done.stderr
    assert written(workplace) is None
