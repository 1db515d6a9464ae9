"""Every architecture, back end and stage in a process of its own, as a user starts it.

A test that shares a process with others proves nothing here: what one model's loading imported, the next one finds.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
import transformers

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from stages.vlm.architectures import ARCHITECTURES
from tests.conftest import ROOT
from tests.small_run import MODEL, PARAMS, write_run
from tests.vlm.given import media
from tests.vlm.test_architectures import CASES, generated_directly

Tiny = Callable[[str], Path]
ROOMS = sorted(path.parent.name for path in (ROOT / "stages").glob("*/__main__.py"))
PROMPT = "Describe the activity"

#: What `infer` does up to the tokens that the model writes.
WRITE = """
import json, sys, time
import stages.infer.__main__
from stages.vlm.base import Request
from stages.vlm.local import Local
from tests.vlm.given import media, params

folder, kind, frames, prompt = json.loads(sys.argv[1])
start = time.perf_counter()
engine = Local(params(folder), "cpu", threads=1).engine()
seconds = time.perf_counter() - start
written = engine.write([engine.encode(Request(prompt, media(kind, frames, 0) if kind else None))])
print(json.dumps([written.tokens[0], seconds]))
"""


def alone(root: Path, *command: str, **env: str) -> str:
    """Run Python in a process of its own; return what it printed."""
    ran = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=1200,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HAR_JOURNAL": str(root / ".journal"), **env},
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def written_directly(folder: Path, prompt: str) -> list[int]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": "user", "content": prompt}]
    inputs = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return out[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_writes_the_tokens_of_generate(
    tiny_model: Tiny, tmp_path: Path, record_property: Callable[[str, object], None], name: str
) -> None:
    _, kind, frames = next((case for case in CASES if case[0] == name), (name, None, 0))
    folder = tiny_model(name)
    printed = alone(tmp_path, "-c", WRITE, json.dumps([str(folder), kind, frames, PROMPT]))
    written, seconds = json.loads(printed.splitlines()[-1])
    record_property("seconds to load", round(seconds, 1))
    print(f"{name}: {seconds:.1f} s to load, in a process of its own")
    assert written == (
        generated_directly(folder, media(kind, frames, 0), PROMPT) if kind else written_directly(folder, PROMPT)
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_stage_starts_and_imports_no_torch_before_it_computes(tmp_path: Path, room: str) -> None:
    listed = f"import sys, stages.{room}.__main__; print('torch' in sys.modules, 'torchvision' in sys.modules)"
    assert alone(tmp_path, "-c", listed) == "False False\n"


@pytest.mark.parametrize(
    "imports",
    [
        "import torchvision",
        "from transformers import LlamaConfig",
        "from transformers import AutoModel, AutoProcessor, Idefics3Processor",
        "import peft",
        "import sentence_transformers",
        "import bert_score",
    ],
)
def test_what_imports_torchvision_is_imported_first(tmp_path: Path, imports: str) -> None:
    alone(tmp_path, "-c", f"import stages\n{imports}")


class Server(BaseHTTPRequestHandler):
    """A chat completion that says the same to everybody."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "A man walks."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
        reply = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        body = json.dumps(reply | {"usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def predicted(root: Path, block: dict[str, Any], strategy: str = "describe") -> set[str]:
    """The statuses of the rows that `python -m stages.infer` writes for a model."""
    strategies = {**PARAMS["strategies"], "published": {"kind": "published"}}
    write_run(root, clips=6, values=PARAMS | {"vlm": {"asked": block}, "strategies": strategies})
    alone(root, "-m", "stages.infer", "home", "asked", "asked", strategy, "all")
    table = read_table(root / Run("home").predictions("asked"), PREDICTIONS)
    assert table.height == 5  # of six clips, those of the test part
    return set(table["status"])


@pytest.mark.parametrize("name", ["internvl", "llava_next_video"])
def test_local_answers(tiny_model: Tiny, tmp_path: Path, name: str) -> None:
    block = MODEL | {"name": str(tiny_model(name)), "revision": None, "max_new_tokens": 4}
    assert predicted(tmp_path, block) == {"ok"}


def test_api_answers(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    (tmp_path / "compute.yaml").write_text(f"endpoints: {{asked: '{address}'}}")
    block = {
        "backend": "api",
        "name": "m",
        "engine": "test 1",
        "key": None,
        "media": "images",
        "frames": 2,
        "image_format": "png",
        "image_side": None,
        "detail": None,
        "max_new_tokens": 8,
        "temperature": 0,
        "seed": None,
        "logprobs": False,
        "constrain": None,
    }
    try:
        assert predicted(tmp_path, block) == {"ok"}
    finally:
        server.shutdown()
        server.server_close()


def test_recorded_answers(tmp_path: Path) -> None:
    answers = {f"clip{number:05}": "A man walks." for number in range(6)}
    (tmp_path / "said.json").write_text(json.dumps(answers))
    assert predicted(tmp_path, {"backend": "recorded", "file": "said.json"}, "published") == {"ok"}
