"""vLLM on a CPU, as a real server for the api back end and in process: `make vllm-check` builds its venv.

A tiny Qwen2.5-VL with random weights is asked the same by vLLM and by the local back end.
"""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from stages.base.journal.store import root
from stages.vlm.api import Api
from stages.vlm.architectures import ARCHITECTURES
from stages.vlm.base import Answer, Request
from stages.vlm.constraint import found
from stages.vlm.local import Local
from tests.vlm.given import api_params, media, params
from tests.vlm.vllm_inside import ROOM, TOO_LONG, constrained, questions

ROOT = Path(__file__).parents[2]
VLLM = ROOT / ".venv-vllm"
ENV = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "PYTHONPATH": str(ROOT)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (VLLM / ".complete").exists(), reason="needs vLLM: `make vllm-check` builds its venv"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2.5-VL whose heads are wide enough for vLLM's attention on a CPU (32 or more)."""
    text = {"hidden_size": 128, "num_attention_heads": 2, "num_key_value_heads": 2}
    text |= {"rope_parameters": {"rope_type": "default", "mrope_section": [8, 12, 12]}}
    config, processor = ARCHITECTURES["qwen2_5_vl"](text, {"out_hidden_size": 128})
    torch.manual_seed(0)
    model = transformers.AutoModelForImageTextToText.from_config(config)
    path = tmp_path_factory.mktemp("vllm") / "model"
    model.save_pretrained(path)
    processor.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server that has the model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [VLLM / "bin" / "vllm", "serve", folder, "--dtype", "float32", "--max-model-len", "512"]
    command += ["--enforce-eager", "--host", "127.0.0.1", "--port", str(port), "--limit-mm-per-prompt", '{"image": 4}']
    env = os.environ | ENV | {"PATH": f"{VLLM / 'bin'}:{os.environ['PATH']}"}
    begun = time.monotonic()
    log = tmp_path_factory.mktemp("log") / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out, env=env)
        try:
            for _ in range(1200):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                    print(f"vLLM as a server: ready in {time.monotonic() - begun:.0f} s")
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    assert process.poll() is None, log.read_text()[-4000:]
                    time.sleep(0.5)
            else:
                raise AssertionError(log.read_text()[-4000:])
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(60)


def served(folder: Path, address: str, requests: list[Request], **differs: object) -> list[Answer]:
    block = api_params(name=str(folder), engine="vllm 0.32", max_new_tokens=ROOM, **differs)
    return [answer for _, answer in Api(block, address, tries=2, seconds=120).answer(requests)]


def test_vllm_gives_the_words_that_local_gives(folder: Path, address: str) -> None:
    requests = [Request("Describe the activity", media("images", 1 + seed % 2, seed)) for seed in range(8)]
    requests += [Request("Is it so?"), Request("Who is there?", system="Be brief")]
    local = dict(Local(params(folder, max_new_tokens=ROOM), "cpu").answer(requests))
    pairs = list(zip((local[request] for request in requests), served(folder, address, requests), strict=True))
    same = sum(one.text == other.text for one, other in pairs)
    print(f"vLLM as a server and local: {same} of {len(pairs)} answers are the same to the letter")
    assert all((one.tokens_in, one.ended) == (other.tokens_in, other.ended) for one, other in pairs)
    assert same >= 0.7 * len(pairs)


def test_shares_of_a_closed_question(folder: Path, address: str) -> None:
    request = Request("Is it so?", media("images", 1, 0), options=("Yes", "No"))
    [answer] = served(folder, address, [request])
    assert answer.status == "ok"
    assert answer.p is None or sum(answer.p.values()) == pytest.approx(1)
    assert "no log-probabilities" not in (answer.detail or "")


def test_a_cut_answer_says_so(folder: Path, address: str) -> None:
    [answer] = served(folder, address, [Request("Describe the activity", media("images", 1, 0))])
    assert (answer.tokens_out, answer.ended) == (ROOM, "length") or answer.ended == "stop"


def test_structured_output_holds_a_keyword(folder: Path, address: str) -> None:
    requests = [Request("Describe", media("images", 1, 0), must_hold=("cup", "laptop"))]
    [answer] = served(folder, address, requests, constrain="structured_outputs")
    # A random model writes on and on: the word comes, or the answer is cut before it and is an error, never ok.
    assert found(answer.text, ("cup", "laptop")) or (answer.status, answer.ended) == ("error", "length")


def test_the_server_says_what_it_has(folder: Path, address: str) -> None:
    served(folder, address, [Request("Describe")])
    [file] = (root() / "served").iterdir()
    assert f'"root": "{folder}"' in file.read_text()


@pytest.fixture(scope="module", params=["local", "ray"])
def inside(folder: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What vLLM said that this process, or a worker of Ray's, holds: see `vllm_inside.py`."""
    work = tmp_path_factory.mktemp("inside")
    (work / "compute.yaml").write_text(f"{{engine: {request.param}, workers: 1, batch: 4, threads: 1, device: cpu}}")
    command = [VLLM / "bin" / "python", "-m", "tests.vlm.vllm_inside", folder, work / "answers.json"]
    env = os.environ | ENV | {"HAR_JOURNAL": str(work / "journal")}
    run = subprocess.run([str(word) for word in command], cwd=work, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-4000:]
    found: dict[str, Any] = json.loads((work / "answers.json").read_text())
    return found


def test_in_process_it_gives_the_answers_that_local_gives(folder: Path, inside: dict[str, Any]) -> None:
    requests = [request for request in questions() if request.prompt != TOO_LONG]
    local = dict(Local(params(folder, max_new_tokens=ROOM), "cpu").answer(requests))
    answers = [Answer(**values) for values in inside["answers"]]
    [refused] = [answer for answer in answers if answer.status == "error"]
    assert "512" in (refused.detail or "")
    pairs = list(zip((local[request] for request in requests), (a for a in answers if a is not refused), strict=True))
    same = sum(one.text == other.text for one, other in pairs)
    print(f"vLLM in process ({inside['class']}) and local: {same} of {len(pairs)} answers are the same to the letter")
    print(f"loaded, and all answered, in {inside['seconds']:.0f} s")
    assert all((one.tokens_in, one.ended) == (other.tokens_in, other.ended) for one, other in pairs)
    assert same >= 0.7 * len(pairs)
    weighed = [(one.p, other.p) for one, other in pairs if one.p]
    assert len(weighed) == 1
    assert all(other == pytest.approx(one, abs=0.001) for one, other in weighed)


def test_in_process_a_refused_question_is_asked_again_and_no_other(inside: dict[str, Any]) -> None:
    assert inside["first"] == [len(questions()), 1]
    assert inside["again"] == [1, 1]


def test_in_process_an_answer_holds_a_keyword_or_is_an_error(inside: dict[str, Any]) -> None:
    [held] = [Answer(**values) for values in inside["held"]]
    words = constrained().must_hold
    assert bool(found(held.text, words)) == (held.status == "ok")
    assert held.status == "ok" or (held.ended, "was cut before" in (held.detail or "")) == ("length", True)


def test_in_process_draws_are_a_questions_own(inside: dict[str, Any]) -> None:
    three, two = inside["drawn"]
    assert three[1:] == two, "whatever is asked next to it"
    assert len(set(three)) == 3, "and each repeat is another draw"


def test_in_process_the_key_names_what_was_installed(inside: dict[str, Any]) -> None:
    assert inside["shape"]["libraries"]["vllm"]
    assert inside["shape"]["batch_invariant"] is False
