import json
from pathlib import Path

import polars as pl
import pytest

from stages.base.errors import InputError
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_table
from tests.score import small as world
from tests.score.small import METHODS, RUN, score


def scores(method: str = "first") -> pl.DataFrame:
    return read_table(RUN.scores(method), SCORES)


def one(frame: pl.DataFrame, protocol: str, metric: str, aggregate: str = "mca") -> dict[str, object]:
    return frame.row(
        by_predicate=(pl.col("protocol") == protocol)
        & (pl.col("metric") == metric)
        & (pl.col("aggregate") == aggregate),
        named=True,
    )


@pytest.fixture
def first(small: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    score(monkeypatch, "first")
    return scores()


def test_only_the_test_part_is_scored_and_broken_clips_are_left_out(first: pl.DataFrame) -> None:
    assert one(first, "cs", "similarity")["clips"] == 3 * 3 * 6 - 1
    assert one(first, "cs", "similarity")["subjects"] == 3
    assert one(first, "loso", "similarity")["clips"] == 3 * 4 * 6 - 1
    verdicts = read_table(RUN.verdicts("first"), VERDICTS)
    broken = verdicts.filter(pl.col("left_out").str.contains("no video stream"))
    assert set(broken["clip_id"]) == {"walk_s4_5"}
    assert broken["right"].null_count() == len(broken) == 4


def test_value_is_the_mean_over_classes_of_what_exceeds_the_threshold(first: pl.DataFrame) -> None:
    rows = pl.DataFrame(world.measures("first")).filter(pl.col("metric") == "similarity")
    rows = rows.filter(~pl.col("clip_id").str.contains("_s1_") & (pl.col("clip_id") != "walk_s4_5"))
    right = rows.group_by(pl.col("clip_id").str.split("_").list.first()).agg((pl.col("value") > 0.5).mean())
    assert one(first, "cs", "similarity")["value"] == pytest.approx(right["value"].mean())


def test_an_unparsed_judgement_is_left_out_and_counted_not_taken_for_no(first: pl.DataFrame) -> None:
    verdicts = read_table(RUN.verdicts("first"), VERDICTS).filter(pl.col("metric") == "judge")
    assert one(first, "loso", "judge")["clips"] == 3 * 4 * 4 - 1
    assert verdicts.filter(pl.col("left_out") == "unparsed")["clip_id"].str.ends_with("_1").all()
    assert verdicts.filter(pl.col("left_out") == "no answer was measured")["clip_id"].str.ends_with("_2").all()
    assert (verdicts["right"].is_null() == verdicts["left_out"].is_not_null()).all()


def test_a_metric_is_scored_where_params_say(first: pl.DataFrame) -> None:
    assert set(first.filter(pl.col("metric") == "rare")["protocol"]) == {"few"}


def test_a_method_that_learnt_is_scored_on_its_own_protocol(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another it may have learnt from test clips; a metric's own protocols hold besides."""
    score(monkeypatch, "first", "second", learnt={"first"}, protocols={"first": "cs"})
    assert set(scores("first")["protocol"]) == {"cs"}
    assert "rare" not in set(scores("first")["metric"])
    assert set(scores("second")["protocol"]) == {"cs", "loso", "few"}


def test_macro_f1_is_there_for_metrics_that_name_a_class(first: pl.DataFrame) -> None:
    assert set(first.filter(pl.col("aggregate") == "macro_f1")["metric"]) == {"named"}


def test_headlines_name_themselves_and_absent_ones_are_said(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    score(monkeypatch, "first")
    assert set(json.loads(RUN.headlines("first").read_text())) == {"cs.similarity.mca", "cs.named.macro_f1"}
    assert "no.such.mca" in capsys.readouterr().out


def test_rows_in_another_order_give_the_same_bytes(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [RUN.scores(METHODS[1]), RUN.verdicts(METHODS[1]), RUN.headlines(METHODS[1])]
    score(monkeypatch, METHODS[1])
    before = [file.read_bytes() for file in files]
    world.shuffle(RUN.measures(METHODS[1]) / "measures.parquet", MEASURES, 1)
    world.shuffle(RUN.manifest, MANIFEST, 2)
    world.shuffle(RUN.splits, SPLITS, 3)
    score(monkeypatch, METHODS[1])
    assert [file.read_bytes() for file in files] == before


def test_a_threshold_outside_0_to_1_names_key_and_file(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**world.PARAMS, "score": {"small": world.PARAMS["score"]["small"] | {"thresholds": {"similarity": 1.5}}}}
    world.write(small / "params.yaml", wrong)
    with pytest.raises(InputError, match=r"params\.yaml, key 'score\.small\.thresholds\.similarity'.*1\.5"):
        score(monkeypatch, "first")


def test_a_threshold_for_a_metric_that_names_a_class_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its value is no verdict: laid against a threshold, an answer that names a wrong class would be right."""
    scored = world.PARAMS["score"]["small"]
    scored = scored | {"thresholds": scored["thresholds"] | {"nearest_class": 0.5}}
    world.write(small / "params.yaml", world.PARAMS | {"score": {"small": scored}})
    rows = world.measures("first")
    world.write_measures("first", [row | {"metric": "nearest_class"} for row in rows if row["metric"] == "named"])
    with pytest.raises(InputError, match=r"score\.thresholds\.nearest_class': metric nearest_class names a class"):
        score(monkeypatch, "first")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": float("nan")}, r"cook_s1_0, key 'similarity': value is nan"),
        ({"clip_id": "unheard_of"}, "unheard_of: 1 clips are not in the manifest"),
        ({"metric": "mystery"}, "mystery names no class and has no threshold"),
        ({"method": "other"}, "rows of other methods"),
    ],
)
def test_bad_measures_are_a_clear_error(
    small: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], message: str
) -> None:
    rows = world.measures("first")
    rows[0] = {**rows[0], **change}
    world.write_measures("first", rows)
    with pytest.raises(InputError, match=message):
        score(monkeypatch, "first")


def test_a_split_that_names_unknown_clips_is_a_clear_error(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = {"protocol": "cs", "fold": "", "clip_id": "nobody", "part": "test"}
    write_table(RUN.splits, [*world.splits(), strange], SPLITS)
    with pytest.raises(InputError, match=r"splits\.parquet, row nobody"):
        score(monkeypatch, "first")


def test_a_clip_with_two_labels_is_left_out_with_its_reason(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = world.clips()
    clips[0]["labels"] = ["cook", "read"]
    write_table(RUN.manifest, clips, MANIFEST)
    score(monkeypatch, "first")
    verdicts = read_table(RUN.verdicts("first"), VERDICTS).filter(pl.col("clip_id") == clips[0]["clip_id"])
    assert set(verdicts["left_out"]) == {"clip has 2 labels, expected one"}
