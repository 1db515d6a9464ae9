"""The local back end: what it promises of words, probabilities, draws and bad input."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch
import transformers

from stages.base.errors import InputError
from stages.vlm.base import Media, Request, request_key
from stages.vlm.checkpoint import folder_hash
from stages.vlm.constraint import found
from stages.vlm.decoding import Draw, MustHold
from stages.vlm.local import VERSION, Local
from stages.vlm.thinking import Reader
from tests.vlm.given import media, params

Tiny = Callable[[str], Path]


def answer(backend: Local, request: Request):
    [(_, given)] = backend.answer([request])
    return given


def test_a_required_word_is_in_every_answer(tiny_model: Tiny) -> None:
    words = [("cooking",), ("drink tea", "pour kettle"), ("sit",), ("zzz-x",), ("Uselaptop", "Ätzend")]
    requests = [Request("Describe", media("images", 1, seed), must_hold=words[seed % len(words)]) for seed in range(20)]
    for room in (10, 40):
        for request, given in Local(params(tiny_model("smolvlm"), max_new_tokens=room), "cpu").answer(requests):
            assert given.status == "ok", given
            assert found(given.text, request.must_hold), given.text
            assert given.tokens_out <= room


@pytest.mark.parametrize("spaced", [True, False])
def test_a_forced_word_is_not_glued_to_the_next(tiny_model: Tiny, spaced: bool) -> None:
    """The model would end at once, and once the word is forced go on with a letter, else with a word of its own."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_model("smolvlm"))
    ids = {text: tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("q", " a", "<|end|>")}
    (letter,), (other,), (end,) = ids.values()
    rule = MustHold(Reader(tokenizer, ()), [["table"]], [[letter]], 12, [end])
    written = torch.tensor([[letter]])
    while written.shape[1] < 12 and written[0, -1] not in (end, other):
        likes = [letter, *([other] if spaced else []), end] if "table" in tokenizer.decode(written[0, 1:]) else [end]
        scores = torch.zeros(1, len(tokenizer))
        scores[0, likes] = torch.arange(len(likes), 0, -1.0)
        written = torch.cat([written, rule(written, scores).argmax(-1, keepdim=True)], 1)
    assert tokenizer.decode(written[0, 1:]) == (" table a" if spaced else " table<|end|>")


def test_a_required_word_changes_nothing_where_the_model_writes_it_anyway(tiny_model: Tiny) -> None:
    backend = Local(params(tiny_model("smolvlm"), max_new_tokens=30), "cpu")
    free = answer(backend, Request("Describe", media("images", 1, 0)))
    words = tuple(word for word in free.text.split() if word.isalpha())[:1]
    assert words, "the tiny model writes no word"
    assert answer(backend, Request("Describe", media("images", 1, 0), must_hold=words)) == free


def test_a_word_without_room_is_an_error_answer(tiny_model: Tiny) -> None:
    backend = Local(params(tiny_model("smolvlm"), max_new_tokens=3), "cpu")
    given = answer(backend, Request("Describe", media("images", 1, 0), must_hold=("extraordinarily",)))
    assert given.status == "error"
    assert "extraordinarily" in given.detail


def option_logs(folder: Path, prompt: str, ways: list[list[int]]) -> list[float]:
    """Log-probabilities of token sequences after a prompt, by one forward pass over prompt and sequence."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    turns = [{"role": "user", "content": prompt}]
    start = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)["input_ids"]
    logs = []
    for way in ways:
        with torch.inference_mode():
            scores = model(torch.tensor([start + way])).logits[0].double().log_softmax(-1)
        logs.append(sum(scores[len(start) - 1 + step, token].item() for step, token in enumerate(way)))
    return logs


@pytest.mark.parametrize("options", [("True", "False"), ("Yes, certainly", "No way", "True")])
def test_probabilities_of_options_are_those_of_their_token_sequences(
    tiny_model: Tiny, options: tuple[str, ...]
) -> None:
    folder = tiny_model("llama")
    backend = Local(params(folder), "cpu")
    plain = backend.engine().tokenizer
    sums = []
    for option in options:
        ways = [plain(text, add_special_tokens=False)["input_ids"] for text in (option, f" {option}")]
        shortest = [way for way in ways if len(way) == min(map(len, ways))]
        sums.append(math.fsum(math.exp(log) for log in option_logs(folder, "Is it so?", shortest)))
    expected = [each / math.fsum(sums) for each in sums]
    given = answer(backend, Request("Is it so?", options=options)).p
    assert list(given) == list(options)
    assert list(given.values()) == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_an_option_that_begins_another_is_weighed_with_its_end(tiny_model: Tiny) -> None:
    folder = tiny_model("llama")
    backend = Local(params(folder), "cpu")
    engine = backend.engine()
    ways = engine._option_ways(("Cook", "Cook.Cut"))
    assert all(way[-1] in engine.ends for option in ways for way in option)
    p = answer(backend, Request("Which?", options=("Cook", "Cook.Cut"))).p
    assert sum(p.values()) == pytest.approx(1)


def test_draws_follow_the_softmax() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    requests = [Request("?", repeat=repeat) for repeat in range(4000)]
    drawn = Draw(requests, temperature=0.7, seed=0)(torch.zeros(4000, 1), scores.expand(4000, 4)).argmax(-1)
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert shares.tolist() == pytest.approx((scores[0] / 0.7).softmax(-1).tolist(), abs=0.03)


def test_draws_depend_on_seed_and_repeat_and_on_no_neighbour(tiny_model: Tiny) -> None:
    def texts(seed: int, batch: int) -> dict[int, str]:
        backend = Local(params(tiny_model("llama"), temperature=1.0, seed=seed), "cpu", batch=batch)
        return {request.repeat: given.text for request, given in backend.answer(requests)}

    requests = [Request("Describe", repeat=repeat) for repeat in range(5)]
    alone = texts(0, 1)
    assert texts(0, 5) == alone
    assert len(set(alone.values())) > 1
    assert texts(1, 5) != alone


def test_a_repeat_is_part_of_the_key_only_where_decoding_samples(tiny_model: Tiny) -> None:
    greedy, drawing = (Local(params(tiny_model("llama"), temperature=t)) for t in (0, 1.0))
    first, second = Request("Describe"), Request("Describe", repeat=1)
    assert request_key(greedy, first) == request_key(greedy, second)
    assert request_key(drawing, first) != request_key(drawing, second)


def test_nothing_is_loaded_for_a_key(tiny_model: Tiny) -> None:
    backend = Local(params(tiny_model("llama")))
    request_key(backend, Request("Describe"))
    assert backend._engine is None


def test_a_prompt_longer_than_the_context_is_an_error_answer(tiny_model: Tiny) -> None:
    backend = Local(params(tiny_model("llama")), "cpu")
    fine, long = Request("Describe"), Request("water " * 600)
    given = dict(backend.answer([long, fine]))
    assert given[fine].status == "ok"
    assert given[long].status == "error"
    assert "context of 512" in given[long].detail


def test_a_placeholder_in_the_prompt_is_an_error_answer(tiny_model: Tiny) -> None:
    given = answer(Local(params(tiny_model("smolvlm")), "cpu"), Request("Describe <image>", media("images", 1, 0)))
    assert given.status == "error"


def test_a_system_turn_is_never_lost(tiny_model: Tiny, tmp_path: Path) -> None:
    engine = Local(params(tiny_model("smolvlm")), "cpu").engine()
    own = engine.processor.chat_template
    deaf = own.replace("{% for message in messages %}", "{% for message in messages if message['role'] == 'user' %}")
    strict = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + own
    request = Request("Describe", media("images", 1, 0), system="Be brief")
    for template in (own, deaf, strict):
        engine.processor.chat_template = template
        text = engine.tokenizer.decode(engine.encode(request).tensors["input_ids"][0])
        assert text.count("Be brief") == 1


def test_a_folder_is_named_by_its_files_wherever_it_lies(tiny_model: Tiny, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model("llama"), tmp_path / "elsewhere")
    (copy / "README.md").write_text("a model card")
    assert Local(params(copy)).shape() == Local(params(tiny_model("llama"))).shape()
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-3}))
    assert folder_hash(copy) != folder_hash(tiny_model("llama"))


def without(folder: Path, tmp_path: Path, *names: str) -> Path:
    copy = shutil.copytree(folder, tmp_path / "copy")
    for name in names:
        (copy / name).unlink()
    return copy


def test_what_a_user_can_get_wrong_says_what_to_do(tiny_model: Tiny, tmp_path: Path) -> None:
    smolvlm, seen = tiny_model("smolvlm"), Request("Describe", media("images", 1, 0))
    blind = without(smolvlm, tmp_path / "a", "processor_config.json")
    mute = without(smolvlm, tmp_path / "b", "chat_template.jinja")
    weightless = without(smolvlm, tmp_path / "c", "model.safetensors")
    video = Request("Describe", media("video", 2, 0))
    hub = {"name": "nobody/nothing", "revision": "0" * 40}
    for differs, request, expected in [
        ({"name": "data/nowhere/model"}, seen, "no such folder"),
        ({"name": str(tmp_path)}, seen, "no config.json"),
        ({"name": "nobody/nothing"}, seen, "needs a revision"),
        (hub, seen, "hub cannot be reached"),
        (hub | {"revision": "main"}, seen, "'main' is no commit"),
        ({"name": str(smolvlm), "revision": "main"}, seen, "a path has no revision"),
        ({"name": str(blind)}, seen, "no image processor"),
        ({"name": str(mute)}, seen, "no chat template"),
        ({"name": str(weightless)}, seen, "no safetensors"),
        ({"name": str(smolvlm), "quantisation": "int8"}, seen, "bitsandbytes"),
        ({"name": str(tiny_model("mllama"))}, video, "no video processor"),
        ({"name": str(tiny_model("llama"))}, seen, "no image processor"),
    ]:
        with pytest.raises(InputError, match=expected) as raised:
            answer(Local(params("x", **differs), "cpu"), request)
        assert "what to do" in str(raised.value)
        assert "Traceback" not in str(raised.value)


class Hub(BaseHTTPRequestHandler):
    """A hub that knows no model, and one model that it does not give to everybody."""

    def do_HEAD(self) -> None:
        gated = "gated" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("name", "expected"), [("nobody/nothing", "not a valid model"), ("some/gated", "gated")])
def test_a_name_that_a_hub_does_not_give(name: str, expected: str, tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    code = f"""
from stages.base.errors import guard
from stages.vlm.base import Request
from stages.vlm.local import Local
from tests.vlm.given import params
backend = Local(params({name!r}, revision="{"0" * 40}"), "cpu")
guard(lambda: list(backend.answer([Request("Describe")])))
"""
    env = os.environ | {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_OFFLINE": "0"}
    env |= {"HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    server.shutdown()
    assert done.returncode == 1
    assert expected in done.stderr
    assert "what to do" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gpu_that_is_not_there(tiny_model: Tiny) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match="no GPU"):
        answer(Local(params(tiny_model("llama")), "cuda"), Request("Describe"))


def test_more_images_than_an_answer_needs_memory_for(tiny_model: Tiny) -> None:
    """Requests are taken one at a time: none is drawn long before its batch runs."""
    drawn = 0

    def requests():
        nonlocal drawn
        for seed in range(40):
            drawn += 1
            yield Request("Describe", Media("images", media("images", 1, seed).frames))

    backend = Local(params(tiny_model("smolvlm"), max_new_tokens=1), "cpu", batch=4)
    answers = backend.answer(requests())  # type: ignore[arg-type]
    next(answers)
    assert drawn <= 4


def test_answers_are_those_of_this_version(tiny_model: Tiny) -> None:
    """Golden: a change of answers without a change of VERSION leaves stale rows in every journal."""
    golden = json.loads(Path(__file__).with_name("golden.json").read_text())
    backend = Local(params(tiny_model("smolvlm")), "cpu")
    libraries = backend.shape()["libraries"]
    if libraries != golden["libraries"]:
        pytest.skip(f"golden answers are of {golden['libraries']}, installed are {libraries}")
    requests = [
        Request("Describe the activity", media("images", 2, 0)),
        Request("Describe the activity", media("images", 2, 0), must_hold=("cooking",)),
        Request("Is it so?", media("video", 2, 1), system="Be brief", options=("True", "False", "Not at all")),
    ]
    found = [
        {"text": given.text, "p": given.p and {option: round(p, 3) for option, p in given.p.items()}}
        for _, given in sorted(backend.answer(requests), key=lambda pair: requests.index(pair[0]))
    ]
    assert golden["version"] == VERSION, "write golden.json anew for the new VERSION"
    assert found == golden["answers"], (
        "answers changed: raise VERSION in stages/vlm/local.py and write golden.json anew"
    )
