"""Each architecture that the studies name, as a tiny instance saved and loaded by path."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image as PilImage

from stages.vlm import engine
from stages.vlm.base import Media, Request
from stages.vlm.local import Local
from tests.vlm.given import media, params

CASES = [
    ("internvl", "images", 2),
    ("internvl", "video", 3),
    ("mllama", "images", 1),
    ("llava", "images", 2),
    ("llava_next_video", "video", 3),
    ("video_llava", "video", 3),
    ("idefics3", "images", 2),
    ("smolvlm", "images", 2),
    ("smolvlm", "video", 3),
    ("qwen2_5_vl", "images", 2),
    ("qwen2_5_vl", "video", 4),
    ("qwen3_vl", "images", 2),
    ("qwen3_vl", "video", 4),
]


def generated_directly(folder: Path, shown: Media, prompt: str) -> list[int]:
    """The new tokens of `generate` on what the model's own processor makes of the conversation."""
    processor = transformers.AutoProcessor.from_pretrained(folder)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    part = {"type": "image"} if shown.kind == "images" else {"type": "video"}
    parts = [part] * (len(shown.frames) if shown.kind == "images" else 1)
    turns = [{"role": "user", "content": [*parts, {"type": "text", "text": prompt}]}]
    text = processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    if shown.kind == "images":
        inputs = processor(text=[text], images=[[PilImage.fromarray(f) for f in shown.frames]], return_tensors="pt")
    else:
        count = len(shown.frames)
        metadata = {"total_num_frames": count, "fps": 2.0, "duration": count / 2, "frames_indices": list(range(count))}
        inputs = processor(
            text=[text],
            videos=[np.stack(shown.frames)],
            video_metadata=[metadata],
            return_tensors="pt",
            do_sample_frames=False,
        )
    out = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    return out[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_options_weigh_the_same_from_the_prompts_cache_as_from_the_prompt_read_again(
    tiny_model: Any, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, frames: int
) -> None:
    options = ("Yes, certainly", "No way", "True", "Not at all, I should say")
    requests = [Request("Is it so?", media(kind, frames, seed), options=options) for seed in range(3)]
    backend = Local(params(tiny_model(name)), "cpu")
    cached = dict(backend.answer(requests))
    encoded = [backend.engine().encode(request) for request in requests]
    # Llama's cross-attention keeps images, not places, Qwen places its own; all others can be cut back to the prompt.
    assert (backend.engine().write(encoded).read is None) == (name in ("mllama", "qwen2_5_vl", "qwen3_vl"))
    monkeypatch.setattr(engine, "_of_prompt", lambda cache, start: None)
    again = dict(backend.answer(requests))
    for request in requests:
        assert cached[request].text == again[request].text
        assert cached[request].p == pytest.approx(again[request].p, abs=1e-5)


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_words_are_those_of_generate_token_for_token(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    backend = Local(params(tiny_model(name)), "cpu")
    request = Request("Describe the activity", media(kind, frames, 0))
    encoded = backend.engine().encode(request)
    written = backend.engine().write([encoded]).tokens[0]
    assert written == generated_directly(tiny_model(name), request.media, request.prompt)
    [(_, answer)] = backend.answer([request])
    assert answer.text == backend.engine().tokenizer.decode(written, skip_special_tokens=True).strip()
    assert (answer.status, answer.tokens_out) == ("ok", len(written))


@pytest.mark.parametrize(("name", "kind", "frames"), [*CASES, ("llama", None, 0)])
def test_batched_equals_single_in_any_order(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    prompts = ["Describe", "Describe the activity", "Yes or no"]
    requests = [
        Request(
            prompts[i % 3] if kind else f"{prompts[i % 3]} {i}",
            media(kind, frames, i) if kind else None,
            options=("True", "False") if i % 2 else (),
        )
        for i in range(6)
    ]
    alone = dict(Local(params(tiny_model(name)), "cpu", batch=1).answer(requests))
    together = dict(Local(params(tiny_model(name)), "cpu", batch=4).answer(requests[::-1]))
    for request in requests:
        assert together[request] == alone[request]


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_media_of_many_questions_are_looked_at_once(
    tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, frames: int
) -> None:
    shown = [media(kind, frames, seed) for seed in range(2)]
    questions = [
        Request(prompt, each, options=("True", "False"))
        for each in (*shown, shown[0])
        for prompt in ("Yes or no", "Is it so or not so")
    ]
    backend = Local(params(tiny_model(name)), "cpu", batch=3)
    rows: list[int] = []
    for module in backend.engine().model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d):  # the first thing that a tower does
            module.register_forward_hook(lambda _, given, __: rows.append(len(given[0])))
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "together"))
    together = dict(backend.answer(questions))
    looked = sum(rows)
    for number, request in enumerate(questions):
        rows.clear()
        monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / str(number)))  # nothing was seen before
        ((_, alone),) = backend.answer([request])
        assert together[request] == alone
        assert looked == 2 * sum(rows) > 0, "two media, however many questions"


@pytest.mark.parametrize(("name", "kind", "frames"), CASES)
def test_another_image_changes_the_logits(tiny_model: Any, name: str, kind: str, frames: int) -> None:
    engine = Local(params(tiny_model(name)), "cpu").engine()
    seen = [Request("Describe", media(kind, frames, seed), options=("True", "False")) for seed in (0, 1)]
    first, other = (engine.write([engine.encode(request)]).first for request in seen)
    assert not torch.allclose(first, other, atol=1e-2)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_a_question_without_images_is_answered_too(tiny_model: Any, name: str) -> None:
    request = Request("Is the caption true? A man sits down.", options=("True", "False"))
    [(_, answer)] = Local(params(tiny_model(name)), "cpu").answer([request])
    assert answer.status == "ok"
    assert sum(answer.p.values()) == pytest.approx(1)


def test_threads_round_nothing(tiny_model: Any) -> None:
    if not torch.backends.mkl.is_available() or not os.environ.get("MKL_CBWR", "").endswith("STRICT"):
        pytest.skip("needs MKL, and its strict reproducibility")
    requests = [Request("Describe", media("images", 2, seed), options=("True", "False")) for seed in range(5)]
    found = []
    for threads in (2, 1):
        backend = Local(params(tiny_model("internvl")), "cpu", batch=threads + 1, threads=threads)
        found.append(dict(backend.answer(requests)))
    assert found[0] == found[1]
