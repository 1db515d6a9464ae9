import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.labels.words import in_words
from stages.pretrain.blank import END, blank
from stages.pretrain.frames import JOINTS as JOINTS_OF_A_PERSON
from stages.pretrain.frames import MIRROR, NOWHERE, PLACES, read_clips, together
from stages.pretrain.language import answer_loss
from stages.pretrain.lessons import LESSONS, Activity, Lesson
from stages.pretrain.make import make
from stages.pretrain.packed import pack
from stages.pretrain.params import PretrainParams
from stages.pretrain.schedule import Optimiser
from stages.pretrain.table_lessons import LABELS, TABLE_LESSONS, Deeds
from stages.pretrain.tables import read_windows, windows_of
from stages.pretrain.teacher import Teacher
from stages.pretrain.views import windows
from stages.simulate.body import JOINTS
from stages.simulate.make import make as render
from stages.simulate.make_table import make_table as render_table
from stages.simulate.params import Scene, Table
from stages.vlm.base import Media, Request
from stages.vlm.load import load
from stages.vlm.params import LocalParams
from tests.conftest import ROOT

PARAMS = PretrainParams.model_validate(
    {
        "scene": "pretrain",
        "tables": "pretrain_table",
        "seed": 0,
        "threads": 1,
        "size": [64, 64],
        "channels": [8, 8, 8, 16],
        "hidden": 32,
        "layers": 1,
        "vocabulary": 400,
        "frames": 2,
        "vision": {"steps": 4, "batch": 4, "rate": 0.001, "window": 32, "zoom": [0.7, 1.2], "whole": 0.5},
        "language": {"steps": 8, "batch": 4, "rate": 0.001, "questions": 3, "text_first": 0.3},
    }
)
TABLE = Table(
    style="resuscitation",
    seed=5,
    recordings=2,
    fps=4,
    size=(64, 48),
    seconds=(15, 16),
    subjects=[50, 51],
    helped=0.5,
    newborns=2,
    tables=2,
    first=100,
)
CUP = Activity("Drink_Fromcup", "drinking from a cup", "drinking", "cup")
OTHERS = [
    Activity("Drink_Fromcan", "drinking from a can", "drinking", "can"),
    Activity("Walk", "walking through the room", "walking", None),
    Activity("Readbook", "reading a book", "reading", "book"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Eight rendered clips of two activities, and two short recordings of tables; returns the folder of both."""
    folder = tmp_path_factory.mktemp("scene")
    block = Scene(
        seed=1,
        clips=8,
        fps=4,
        size=(64, 48),
        seconds=(1, 1.5),
        subjects=[50, 51],
        cameras=[11, 12],
        rooms=2,
        activities=["Drink_Fromcup", "Walk"],
        style="pretrain",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        render(block, Run("pretrain"), 1, lambda _: None)
        render_table(TABLE, Run("pretrain_table"), 1, lambda _: None)
    return folder / "data"


class Plain:
    def __call__(self, images, **_):
        return {"pixel_values": np.stack([np.asarray(image).transpose(2, 0, 1) for image in images])}


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_model_loads_by_path_and_answers_like_any_other(scene, tmp_path):
    made = make(PARAMS, scene, tmp_path / "model")
    assert made.weights > 0
    assert (tmp_path / "model/README.md").read_text().count("Walk") == 1
    block = LocalParams(
        backend="local",
        name=str(tmp_path / "model"),
        revision=None,
        media="images",
        frames=2,
        processor={},
        dtype="float32",
        quantisation=None,
        attention="eager",
        max_new_tokens=4,
        temperature=0,
        seed=0,
    )
    frames = [np.full((48, 64, 3), shade, np.uint8) for shade in (10, 200)]
    request = Request(
        "Is this activity shown: walking? Answer Yes or No.", Media("images", frames), options=("Yes", "No")
    )
    ((_, answer),) = load(block, "embedded").answer([request])
    assert answer.status == "ok"
    assert sum(answer.p.values()) == pytest.approx(1)


def test_same_seed_same_bytes_another_seed_others(scene, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make(PARAMS.model_copy(update={"seed": seed}), scene, tmp_path / name)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a")["model.safetensors"] != digest(tmp_path / "c")["model.safetensors"]


class Killed(BaseException):
    pass


def stopped(monkeypatch, after: int, scene: Path, folder: Path) -> None:
    """Train, keeping each step, until so many steps are taken."""
    step, taken = Optimiser.step, []

    def counted(self, loss):
        if len(taken) == after:
            raise Killed
        taken.append(loss)
        step(self, loss)

    with monkeypatch.context() as patch:
        patch.setattr(Optimiser, "step", counted)
        with pytest.raises(Killed):
            make(PARAMS, scene, folder, every=0)
    assert not folder.exists()


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 9, 11])
def test_stopped_after_any_step_it_goes_on_to_the_same_bytes(scene, tmp_path, stop, monkeypatch):
    whole = make(PARAMS, scene, tmp_path / "whole")
    stopped(monkeypatch, stop, scene, tmp_path / "model")
    # Other params are another run.
    assert make(PARAMS.model_copy(update={"seed": 3}), scene, tmp_path / "other").cached == 0
    resumed = make(PARAMS, scene, tmp_path / "model", every=0)
    assert resumed == whole._replace(cached=stop)
    assert digest(tmp_path / "model") == digest(tmp_path / "whole")
    assert not list(Path(os.environ["HAR_JOURNAL"]).glob("pretrain/*"))


def test_a_damaged_state_is_left_aside_for_the_one_before(scene, tmp_path, monkeypatch, capsys):
    whole = make(PARAMS, scene, tmp_path / "whole")
    stopped(monkeypatch, 10, scene, tmp_path / "model")
    (file,) = Path(os.environ["HAR_JOURNAL"]).glob("pretrain/*/state.pt")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert make(PARAMS, scene, tmp_path / "model") == whole._replace(cached=9)
    said = capsys.readouterr().err
    assert f"left aside, training starts earlier: {file}" in said
    assert f"training goes on from {file.with_name('state.old.pt')}" in said
    assert digest(tmp_path / "model") == digest(tmp_path / "whole")


def test_joints_follow_the_frames(scene):
    clips = read_clips(scene / "pretrain", Plain())
    assert clips.pixels.shape == (8, 6, 3, 48, 64)
    assert clips.joints.shape == (8, 6, PLACES, 2)
    assert (clips.joints[:, :, JOINTS_OF_A_PERSON:] == NOWHERE).all()
    assert clips.classes["label"] == ["Drink_Fromcup", "Walk"]
    assert [topic.label for topic in clips.topics] == clips.classes["label"]


def test_windows_of_a_table_say_what_is_done_most_of_the_time(scene):
    clips = read_windows(scene / "pretrain_table", Plain())
    assert clips.of_table.all()
    assert clips.pixels.shape[1:] == (6, 3, 48, 64)
    assert (clips.joints[:, :, :JOINTS_OF_A_PERSON] == NOWHERE).all()
    assert (clips.joints[:, :, JOINTS_OF_A_PERSON:] != NOWHERE).all()
    assert [topic.label for topic in clips.topics] == clips.classes["label"]
    spans = {"baby_visible": [(0.0, 9.0)], "ventilation": [(1.2, 4.4)]}
    # Windows of 2 s, one after the other; ventilation has 0.8, 2, 0.4 and 0 s of the four.
    held = [window.deeds.labels for window in windows_of(36, 4, spans)]
    assert held == [("baby_visible",), ("baby_visible", "ventilation"), ("baby_visible",), ("baby_visible",)]


def test_two_scenes_as_one(scene):
    """What each clip is of does not change when its classes get new numbers."""
    home, table = read_clips(scene / "pretrain", Plain()), read_windows(scene / "pretrain_table", Plain())
    both = together(home, table)
    assert len(both.pixels) == len(home.pixels) + len(table.pixels)
    for kind in ("label", "object", "posture"):
        said = [both.classes[kind][place] for place in both.targets[kind]]
        parts = [[one.classes[kind][place] for place in one.targets[kind]] for one in (home, table)]
        assert said == parts[0] + parts[1]
    assert [topic.label for topic in both.topics] == both.classes["label"]


def test_a_step_asks_about_one_scene_and_what_stands_first_is_alone(scene):
    both = together(read_clips(scene / "pretrain", Plain()), read_windows(scene / "pretrain_table", Plain()))
    teacher, rng = Teacher(both, PARAMS.language), np.random.default_rng(0)
    tables, first = 0, 0
    for _ in range(200):
        picked, rows = teacher.step(rng)
        of_table = both.of_table[picked]
        assert of_table.all() or not of_table.any()
        tables += bool(of_table.all())
        if rows[0][0].text_first:
            first += 1
            assert all(len(row) == 1 for row in rows)
    assert tables / 200 == pytest.approx(float(both.of_table.float().mean()), abs=0.1)
    assert first / 200 == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("kind", ["one_class", "judge_text"])
def test_answers_about_tables_are_right(kind):
    rng = np.random.default_rng(0)
    for deeds in (Deeds(()), Deeds(("baby_visible",)), Deeds(("baby_visible", "suction", "stimulation"))):
        for _ in range(60):
            lesson = TABLE_LESSONS[kind][0](deeds, rng)
            asked = next(label for label in LABELS if f"{in_words(label)}?" in lesson.question)
            assert lesson.answer == ("Yes" if asked in deeds.labels else "No")


def test_a_list_of_a_table_is_answered_in_its_order():
    rng = np.random.default_rng(0)
    deeds = Deeds(("baby_visible", "ventilation"))
    for _ in range(40):
        lesson = TABLE_LESSONS["choose"][0](deeds, rng)
        listed = lesson.question.split(": ")[1].split("?")[0].split(", ")
        expected = [name for name in listed if name in ("baby visible", "ventilation")]
        assert lesson.answer == (", ".join(expected) or "none")


def test_no_scene():
    with pytest.raises(InputError, match="simulate"):
        read_clips(Path("nowhere"), None)


@pytest.mark.parametrize("kind", ["one_class", "judge", "judge_text"])
def test_yes_and_no_are_balanced_and_right(kind):
    rng = np.random.default_rng(0)
    lessons = [LESSONS[kind][0](CUP, OTHERS, rng) for _ in range(400)]
    yes = [lesson for lesson in lessons if lesson.answer in ("Yes", "True")]
    assert 160 < len(yes) < 240
    asked = "drinking from a cup"
    if kind == "one_class":
        assert all((asked in lesson.question) == (lesson in yes) for lesson in lessons)
    if kind == "judge":
        assert all((lesson.question.count(asked) == 2) == (lesson in yes) for lesson in lessons)


def test_choice_lists_the_answer_among_others():
    rng = np.random.default_rng(0)
    for _ in range(50):
        lesson = LESSONS["choose"][0](CUP, OTHERS, rng)
        assert lesson.answer in lesson.question


def test_shares_add_up():
    assert sum(share for _, share in LESSONS.values()) == pytest.approx(1)


def test_windows_carry_along_what_is_known(scene):
    """In a window, mirrored or not, the joints lie where the person is seen."""
    clips = read_clips(scene / "pretrain", Plain())
    clip = torch.arange(8).repeat(8)
    frame = torch.arange(8).repeat_interleave(8) % 6
    view = windows(clips, clip, frame, (32, 32), (0.7, 1.2), torch.Generator().manual_seed(0))
    assert view.pixels.shape == (64, 3, 32, 32)
    assert view.person.shape == (64, 1, 32, 32)
    inside = ((view.joints >= 0) & (view.joints < 1)).all(2) & (view.person.flatten(1).sum(1) > 0)[:, None]
    assert inside.float().mean() > 0.4
    place = (view.joints.clamp(0, 0.999) * 32).long()
    around = torch.nn.functional.max_pool2d(view.person, 7, 1, 3)[:, 0]
    near = around[torch.arange(64)[:, None], place[..., 1], place[..., 0]]
    assert (near[inside] > 0.5).float().mean() > 0.9


def test_mirror_exchanges_left_and_right():
    swapped = [name.replace("left", "*").replace("right", "left").replace("*", "right") for name in JOINTS]
    assert [JOINTS[joint] for joint in MIRROR[:JOINTS_OF_A_PERSON]] == swapped
    assert MIRROR[JOINTS_OF_A_PERSON:] == list(range(JOINTS_OF_A_PERSON, PLACES))


def test_questions_in_one_row_are_answered_as_alone(scene):
    """Packed with others a question costs the same loss as by itself."""
    torch.manual_seed(0)
    student = blank(PARAMS, [lesson.question for lesson in _lessons()])
    visual = torch.randn(1, 2 * student.tokens_an_image, PARAMS.channels[-1])
    with torch.no_grad():
        alone = [(float(answer_loss(student, [[one]], visual)), _tokens(student, one)) for one in _lessons()]
        together = float(answer_loss(student, [_lessons()], visual))
        turned = float(answer_loss(student, [_lessons()[::-1]], visual))
    expected = sum(loss * count for loss, count in alone) / sum(count for _, count in alone)
    assert together == pytest.approx(expected, rel=1e-5)
    assert turned == pytest.approx(expected, rel=1e-5)


def test_a_question_alone_is_read_as_transformers_reads_it(scene):
    """By slots as by the model's own causal attention."""
    torch.manual_seed(0)
    student = blank(PARAMS, [lesson.question for lesson in _lessons()])
    visual = torch.randn(1, 2 * student.tokens_an_image, PARAMS.channels[-1])
    for lesson in [*_lessons(), *_before()]:
        packed = pack(student.processor, [[lesson]], visual.shape[1])
        with torch.no_grad():
            embedded = student.model.get_input_embeddings()(packed.ids)
            if lesson.sees:
                place = (packed.ids == student.model.config.image_token_index).unsqueeze(-1)
                embedded = embedded.masked_scatter(place, student.model.model.multi_modal_projector(visual))
            hidden = student.model.model.language_model(inputs_embeds=embedded).last_hidden_state
            logits = student.model.lm_head(hidden[:, :-1])
            loss = torch.nn.functional.cross_entropy(logits[0], packed.wanted[0, 1:])
            assert float(answer_loss(student, [[lesson]], visual)) == pytest.approx(float(loss), rel=1e-5)


def _lessons():
    rng = np.random.default_rng(0)
    return [lesson(CUP, OTHERS, rng) for lesson, _ in LESSONS.values()]


def _before() -> list[Lesson]:
    """Lessons whose question stands before the images."""
    return [lesson._replace(text_first=True) for lesson in _lessons() if lesson.sees]


def _tokens(student, lesson):
    return len(student.processor.tokenizer(lesson.answer + END)["input_ids"])


def test_the_command_line_takes_a_recipe_and_the_scenes(scene, tmp_path):
    """What it makes is what the same recipe makes of the same scenes; a recipe names no scene."""
    (tmp_path / "data").symlink_to(scene)
    recipe = PARAMS.model_dump(mode="json", exclude={"scene", "tables"})
    (tmp_path / "compute.yaml").write_text("workers: 1\n")

    def call(*arguments, **changed):
        (tmp_path / "params.yaml").write_text(yaml.safe_dump({"recipes": {"tiny": recipe | changed}}))
        command = [sys.executable, "-m", "stages.pretrain", *arguments]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    done = call("small", "tiny", "pretrain", "pretrain_table")
    assert done.returncode == 0, done.stderr
    assert "pretrain small: " in done.stdout
    make(PARAMS, scene, tmp_path / "here")
    assert {path.name for path in (scene / "models/small").iterdir()} == {
        path.name for path in (tmp_path / "here").iterdir()
    }
    for arguments, changed, said in [
        (("small", "other", "pretrain", "pretrain_table"), {}, "recipes.other"),
        (("small", "tiny", "nowhere", "pretrain_table"), {}, "nowhere"),
        (
            ("small", "tiny", "pretrain", "pretrain_table"),
            {"scene": "pretrain"},
            "recipes.tiny.scene",
        ),
    ]:
        wrong = call(*arguments, **changed)
        assert wrong.returncode == 1
        assert said in wrong.stderr
        assert "Traceback" not in wrong.stderr
