"""The api back end against a real server, `transformers serve`: the words are those of the local back end."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from transformers.utils.import_utils import is_serve_available

from stages.vlm.api import Api
from stages.vlm.base import Request
from stages.vlm.local import Local
from tests.vlm.given import api_params, media, params

#: `transformers serve`; where torchvision's compiled parts do not load (a wheel for CUDA beside a CPU torch), Pillow
#: decodes the PNGs that the server is sent.
SERVE = """
import io
import stages
import torchvision.io
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor
from transformers.cli.transformers import main

if not torchvision.io.image._has_image_ops():
    torchvision.io.decode_image = lambda raw, **_: pil_to_tensor(Image.open(io.BytesIO(bytes(raw))).convert("RGB"))
main()
"""


@pytest.fixture
def served(tiny_model: Callable[[str], Path], tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A tiny SmolVLM and the address of the server that has it."""
    if not is_serve_available():
        pytest.skip("needs the extra `serving` (pip install transformers[serving])")
    folder = tiny_model("smolvlm")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, "--device", "cpu", "--dtype", "float32"],
            stdout=out,
            stderr=out,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.2)
            else:
                raise AssertionError(log.read_text())
            yield folder, f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_a_real_server_gives_the_words_that_local_gives(served: tuple[Path, str]) -> None:
    pytest.importorskip("openai", reason="needs the extra `api`")
    folder, address = served
    requests = [
        Request("Describe the activity", media("images", 2, 0)),
        Request("Describe the activity", media("images", 1, 1), system="Be brief"),
        Request("Describe the activity", media("images", 2, 2)),
        Request("Is it so?"),
    ]
    local = dict(Local(params(folder), "cpu").answer(requests))
    served_by = Api(api_params(name=str(folder), engine="transformers 5", logprobs=False, seed=None), address, tries=3)
    for request, answer in served_by.answer(requests):
        assert answer == local[request]
