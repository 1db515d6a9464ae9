"""What other trainings gave, in the tables of `compare`: bounds of a row, of pairs, and what a wrong table is told."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from stages.base.errors import InputError
from stages.base.schema import MEASURES, SCORES, VERDICTS
from stages.base.tables import read_table
from stages.compare.runs import COLUMNS as CLIPS
from stages.compare.seeds import COLUMNS
from stages.seeds.table import said, together, write_clips
from tests.score import small as world
from tests.score import table as windows
from tests.score.small import RUN, compare, score

SEEDS = RUN.metrics / "seeds"
HEAD = ",".join(COLUMNS)
HEAD_OF_CLIPS = ",".join(CLIPS) + "\n"
SEEDED = ["seeds", "seeds_mean", "seeds_sd", "low_seeds", "high_seeds"]
PAIRED = ["low_seeds", "high_seeds", "p_seeds"]


@pytest.fixture
def scored(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    score(monkeypatch, *world.METHODS)
    compare(monkeypatch, *world.METHODS)
    SEEDS.mkdir()
    return small


@dataclass
class Draw:
    """What a training gave: its scores and verdicts by the metrics of a protocol."""

    scores: pl.DataFrame
    verdicts: pl.DataFrame
    said: pl.DataFrame
    """As a cell of `make seeds` writes it."""


def scored_draw(method: str) -> Draw:
    scores, verdicts = read_table(RUN.scores(method), SCORES), read_table(RUN.verdicts(method), VERDICTS)
    return Draw(scores, verdicts, said(Path(), RUN.name, method))


def drawn(monkeypatch: pytest.MonkeyPatch, method: str, measures: list[dict[str, Any]]) -> Draw:
    """Score a training of a method that gave other measures, then the shipped one again."""
    shipped = read_table(RUN.measures(method) / "measures.parquet", MEASURES).to_dicts()
    found = []
    for rows in (measures, shipped):
        world.write_measures(method, rows)
        score(monkeypatch, method)
        found.append(scored_draw(method))
    return found[0]


def renamed(seed: int, share: float = 0.2) -> list[dict[str, Any]]:
    """Return measures of `second` with another class named in a share of the clips."""
    rng = np.random.default_rng([7, seed])
    rows = world.measures("second")
    for row in rows:
        if row["metric"] == "named" and rng.random() < share:
            row["label"] = str(rng.choice(world.CLASSES))
    return rows


def write_draws(method: str, number: tuple[str, str, str], draws: list[Draw]) -> list[float]:
    """Write both tables of other trainings than the shipped one; return the number by each, the shipped one first.

    What they said of a clip is the share of right answers, as tables have it that are older than the kept classes.
    """
    protocol, metric, aggregate = number
    every = [scored_draw(method), *draws]
    values = [
        float(one.scores.filter(protocol=protocol, metric=metric, aggregate=aggregate)["value"].item()) for one in every
    ]
    write(*(f"{method},{protocol},{metric},{aggregate},0,{seed},{value:.6f}" for seed, value in enumerate(values)))
    of_clip: dict[str, list[Any]] = {}
    for one in draws:
        for row in one.verdicts.filter(metric=metric).iter_rows(named=True):
            of_clip.setdefault(row["clip_id"], []).append(row["right"] if row["labels"] is None else row["labels"])
    with (SEEDS / "clips.csv").open("w", newline="") as lines:
        table = csv.writer(lines)
        table.writerow(CLIPS)
        table.writerows([method, metric, clip, json.dumps(draws)] for clip, draws in sorted(of_clip.items()))
    return values


def rows(name: str) -> list[dict[str, str]]:
    with (RUN.metrics / f"{name}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def of(table: list[dict[str, str]], **keys: str) -> dict[str, str]:
    (found,) = [row for row in table if all(row[name] == value for name, value in keys.items())]
    return found


def write(*lines: object) -> None:
    (SEEDS / "seeds.csv").write_text("\n".join([HEAD, *map(str, lines)]) + "\n")


def shipped(aggregate: str = "mca", **keys: str) -> float:
    return float(of(rows("summary"), **keys)[aggregate])


def test_a_table_with_its_first_line_only_changes_no_byte(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [RUN.metrics / f"{name}.csv" for name in ("summary", "differences")]
    before = [path.read_bytes() for path in names]
    write()
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    assert [path.read_bytes() for path in names] == before


def test_a_method_that_learns_gets_its_seeds_and_nothing_else_moves(
    scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, pairs = rows("summary"), rows("differences")
    values = write_draws(
        "second", ("cs", "named", "mca"), [drawn(monkeypatch, "second", renamed(seed)) for seed in (1, 2)]
    )
    # Draws of the base model are no draws of the shipped one: they must not count.
    with (SEEDS / "seeds.csv").open("a") as lines:
        lines.write("second,cs,named,mca,1,0,0.9\n")
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    table = rows("summary")
    assert [{k: v for k, v in row.items() if k not in SEEDED} for row in table] == before
    row = of(table, model="second", protocol="cs", metric="named")
    assert (row["seeds"], float(row["seeds_mean"])) == ("3", pytest.approx(np.mean(values), abs=1e-6))
    assert float(row["seeds_sd"]) == pytest.approx(np.std(values, ddof=1), abs=1e-6) != 0
    assert float(row["low_seeds"]) < float(row["seeds_mean"]) < float(row["high_seeds"])
    assert [of(table, model="first", protocol="cs", metric="named")[name] for name in SEEDED] == [""] * 5
    # A number of the method without seeds has one training: no interval.
    alone = of(table, model="second", protocol="loso", metric="named")
    assert [alone[name] for name in SEEDED] == ["1", alone["mca"], "", "", ""]

    found = rows("differences")
    assert [{k: v for k, v in one.items() if k not in PAIRED} for one in found] == pairs
    pair = of(found, protocol="cs", metric="named", model="first", other="second", aggregate="mca")
    middle = (float(pair["low_seeds"]) + float(pair["high_seeds"])) / 2
    assert middle == pytest.approx(float(pair["difference"]) + values[0] - np.mean(values), abs=3e-6)
    neither = of(found, protocol="cs", metric="named", model="first", other="null_shuffled")
    assert [neither[name] for name in PAIRED[:2]] == [neither["low"], neither["high"]]
    untold = of(found, protocol="loso", metric="named", model="first", other="second", aggregate="mca")
    assert [untold[name] for name in PAIRED] == [""] * 3


def test_macro_f1_has_seeds_where_the_classes_were_kept(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"protocol": "cs", "metric": "named", "model": "first", "other": "second", "aggregate": "macro_f1"}
    draws = [drawn(monkeypatch, "second", renamed(seed)) for seed in (1, 2)]
    values = write_draws("second", ("cs", "named", "macro_f1"), draws)
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    untold = of(rows("differences"), **pair)
    assert [untold[name] for name in PAIRED] == [""] * 3
    assert untold["low"]

    kept = together([one.said for one in draws])
    write_clips(SEEDS / "clips.csv", kept)
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    found = of(rows("differences"), **pair)
    assert {k: v for k, v in found.items() if k not in PAIRED} == {k: v for k, v in untold.items() if k not in PAIRED}
    middle = (float(found["low_seeds"]) + float(found["high_seeds"])) / 2
    assert middle == pytest.approx(float(found["difference"]) + values[0] - np.mean(values), abs=3e-6)
    assert np.std(values) > 0

    # Trainings that agree add no variance, so that all is as without them.
    same = drawn(monkeypatch, "second", world.measures("second"))
    write_draws("second", ("cs", "named", "macro_f1"), [same] * 3)
    write_clips(SEEDS / "clips.csv", together([same.said] * 3))
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    alike = of(rows("differences"), **pair)
    assert [float(alike[name]) for name in PAIRED] == pytest.approx(
        [float(alike[name]) for name in ("low", "high", "p")], abs=2e-6
    )


def test_classes_and_shares_tell_the_same_of_the_headline(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = [drawn(monkeypatch, "second", renamed(seed)) for seed in (1, 2)]
    write_draws("second", ("cs", "named", "mca"), draws)
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    before = rows("differences")
    write_clips(SEEDS / "clips.csv", together([draw.said for draw in draws]))
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    assert rows("differences") == before


def test_classes_of_other_trainings_than_those_of_the_values_are_refused(
    scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = [drawn(monkeypatch, "second", renamed(seed)) for seed in (1, 2)]
    write_draws("second", ("cs", "named", "macro_f1"), draws)
    others = [drawn(monkeypatch, "second", renamed(seed)) for seed in (3, 4)]
    write_clips(SEEDS / "clips.csv", together([one.said for one in others]))
    with pytest.raises(InputError, match=r"seeds/clips\.csv, row second/cs/named/macro_f1.*different trainings"):
        compare(monkeypatch, *world.METHODS, seeds=SEEDS)


def test_p_with_seeds_is_corrected_over_the_family(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = drawn(monkeypatch, "second", world.measures("second"))
    write_draws("second", ("cs", "named", "mca"), [same] * 4)
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    for pair in rows("differences"):
        if (pair["protocol"], pair["metric"], pair["aggregate"]) == ("cs", "named", "mca"):
            # Seeds that agree add no variance, so that all is as without them.
            assert [float(pair[name]) for name in PAIRED] == pytest.approx(
                [float(pair[name]) for name in ("low", "high", "p_holm")], abs=2e-6
            )


def test_both_tables_must_be_of_the_same_trainings(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = [drawn(monkeypatch, "second", renamed(seed)) for seed in (1, 2)]
    number = ("cs", "named", "mca")
    values = write_draws("second", number, draws)
    table = SEEDS / "clips.csv"
    whole = table.read_text()
    for text in ("\n".join(whole.splitlines()[:-1]) + "\n", HEAD_OF_CLIPS, whole.replace("]", ",1.0]")):
        table.write_text(text)
        with pytest.raises(InputError, match=r"seeds/clips\.csv, row .*different trainings of second by named"):
            compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    table.write_text(whole.replace("[0.0,", "[1.0,").replace("[0.0, ", "[1.0, "))
    with pytest.raises(InputError, match=r"seeds/clips\.csv, row second/cs/named/mca.*different trainings"):
        compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    table.write_text(HEAD_OF_CLIPS + "second,named,a,no\n")
    with pytest.raises(InputError, match=r"seeds/clips\.csv, row 2, key 'said': 'no' is no list"):
        compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    assert len(values) == 3


def test_a_listed_method_without_seeds_is_named(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(monkeypatch, *world.METHODS, learnt={"second"}, seeds=SEEDS)
    assert "no seeds of the shipped training of second: run `make seeds`" in capsys.readouterr().out
    assert {row["low_seeds"] for row in rows("summary")} == {""}


def test_seeds_of_another_training_do_not_count(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = shipped(model="second", protocol="cs", metric="named")
    write(*(f"second,cs,named,mca,0,{seed},{value + 0.01}" for seed in range(3)))
    compare(monkeypatch, *world.METHODS, seeds=SEEDS)
    assert "no seeds of the shipped training of second" in capsys.readouterr().out
    row = of(rows("summary"), model="second", protocol="cs", metric="named")
    assert (row["seeds"], row["low_seeds"]) == ("1", "")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stranger,cs,named,mca,0,0,0.5", r"seeds\.csv, row 2, key 'method': unknown method stranger"),
        ("second,cs,named,mca,0,0,high", r"seeds\.csv, row 2, key 'value': 'high' is no number"),
        ("second,cs,named,mca,0,0,nan", r"seeds\.csv, row 2, key 'value': 'nan' is no number"),
        ("second,cs,named,mca,0,0", r"seeds\.csv, row 2, key 'value': None is no number"),
        ("second,cs,named,mca,0,1.5,0.5", r"seeds\.csv, row 2, key 'seed': '1\.5' is no seed"),
        ("second,cs,named,mca,-1,0,0.5", r"seeds\.csv, row 2, key 'base_seed': '-1' is no seed"),
        ("second,cs,named,mca,0,0,0.5\nsecond,cs,named,mca,0,0,0.5", r"row 3, key 'seed': .* stands here twice"),
        ("second,cs,named,mca,0,1,0.5", r"row second/cs/named/mca, key 'seed': seed 0, the shipped run, is missing"),
    ],
)
def test_what_is_wrong_in_the_table_is_named(
    scored: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    write(line)
    with pytest.raises(InputError, match=message):
        compare(monkeypatch, *world.METHODS, seeds=SEEDS)


def test_another_table_is_named(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (SEEDS / "seeds.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"seeds\.csv, row 1: columns \['method'"):
        compare(monkeypatch, *world.METHODS, seeds=SEEDS)


def test_sets_have_seeds_of_macro_f1(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, *windows.METHODS)
    compare(monkeypatch, *windows.METHODS)
    SEEDS.mkdir()
    row = of(rows("summary"), model="good")
    number = ("new", "labels", "macro_f1")
    write_draws("good", number, [drawn(monkeypatch, "good", windows.measures("good"))] * 2)
    compare(monkeypatch, *windows.METHODS, seeds=SEEDS)
    seeded = of(rows("summary"), model="good")
    # Seeds that agree: the interval is that of the shipped run, which `score` made.
    assert [float(seeded[name]) for name in ("low_seeds", "high_seeds")] == pytest.approx(
        [float(row[name]) for name in ("macro_f1_low", "macro_f1_high")], abs=2e-6
    )
    draws = []
    for seed in (1, 2):
        noise = np.random.default_rng(seed)
        measures = windows.measures("good")
        for one in measures:
            scores = [min(1.0, max(0.0, score + noise.normal(0, 0.3))) for score in one["class_scores"]]
            named = [name for name, score in zip(one["classes"], scores, strict=True) if score > 0.5]
            one |= {"class_scores": scores, "labels": named}
        draws.append(drawn(monkeypatch, "good", measures))
    values = write_draws("good", number, draws)
    compare(monkeypatch, *windows.METHODS, seeds=SEEDS)
    wider = pl.read_csv(RUN.metrics / "differences.csv").filter(model="good", other="poor").row(0, named=True)
    moved = wider["difference"] + np.mean(values) - values[0]
    assert (wider["low_seeds"] + wider["high_seeds"]) / 2 == pytest.approx(moved, abs=3e-6)
    assert wider["aggregate"] == "macro_f1"
    assert np.std(values) > 0
