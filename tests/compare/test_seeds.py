"""What other trainings gave, in the tables of `compare`: bounds of a row, of pairs, and what a wrong table is told."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.base.errors import InputError
from stages.compare.seeds import COLUMNS
from tests.score import small as world
from tests.score import table as windows
from tests.score.small import RUN, run

HEAD = ",".join(COLUMNS)
SEEDED = ["seeds", "seeds_mean", "seeds_sd", "low_seeds", "high_seeds"]


@pytest.fixture
def scored(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for method in world.METHODS:
        run(monkeypatch, "score", method)
    run(monkeypatch, "compare")
    return small


def rows(name: str) -> list[dict[str, str]]:
    with (RUN.metrics / f"{name}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def of(table: list[dict[str, str]], **keys: str) -> dict[str, str]:
    (found,) = [row for row in table if all(row[name] == value for name, value in keys.items())]
    return found


def write(*lines: object) -> None:
    (RUN.metrics / "seeds.csv").write_text("\n".join([HEAD, *map(str, lines)]) + "\n")


def shipped(aggregate: str = "mca", **keys: str) -> float:
    return float(of(rows("summary"), **keys)[aggregate])


def test_a_table_with_its_first_line_only_changes_no_byte(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [RUN.metrics / f"{name}.csv" for name in ("summary", "differences")]
    before = [path.read_bytes() for path in names]
    write()
    run(monkeypatch, "compare")
    assert [path.read_bytes() for path in names] == before


def test_a_method_that_learns_gets_its_seeds_and_nothing_else_moves(
    scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, pairs = rows("summary"), rows("differences")
    value = shipped(model="second", protocol="cs", metric="named")
    key = "second,cs,named,mca"
    # Draws of the base model are no draws of the shipped one: they must not count.
    write(f"{key},0,0,{value}", f"{key},0,2,{value + 0.06}", f"{key},0,1,{value - 0.03}", f"{key},1,0,0.9")
    run(monkeypatch, "compare")
    table = rows("summary")
    assert [{k: v for k, v in row.items() if k not in SEEDED} for row in table] == before
    row = of(table, model="second", protocol="cs", metric="named")
    assert (row["seeds"], float(row["seeds_mean"])) == ("3", pytest.approx(value + 0.01, abs=1e-6))
    assert float(row["seeds_sd"]) == pytest.approx(np.std([0, 0.06, -0.03], ddof=1), abs=1e-6)
    assert float(row["low_seeds"]) < float(row["seeds_mean"]) < float(row["high_seeds"])
    assert [of(table, model="first", protocol="cs", metric="named")[name] for name in SEEDED] == [""] * 5
    # A number of the method without seeds has one training: no interval.
    alone = of(table, model="second", protocol="loso", metric="named")
    assert [alone[name] for name in SEEDED] == ["1", alone["mca"], "", "", ""]

    found = rows("differences")
    new = ("low_seeds", "high_seeds", "p_seeds")
    assert [{k: v for k, v in one.items() if k not in new} for one in found] == pairs
    pair = of(found, protocol="cs", metric="named", model="first", other="second")
    middle = (float(pair["low_seeds"]) + float(pair["high_seeds"])) / 2
    assert middle == pytest.approx(float(pair["difference"]) - 0.01, abs=2e-6)
    neither = of(found, protocol="cs", metric="named", model="first", other="null_shuffled")
    assert [neither[name] for name in new[:2]] == [neither["low"], neither["high"]]
    untold = of(found, protocol="loso", metric="named", model="first", other="second")
    assert [untold[name] for name in new] == [""] * 3


def test_p_with_seeds_is_corrected_over_the_family(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = shipped(model="second", protocol="cs", metric="named")
    write(*(f"second,cs,named,mca,0,{seed},{value}" for seed in range(5)))
    run(monkeypatch, "compare")
    for pair in rows("differences"):
        if (pair["protocol"], pair["metric"]) == ("cs", "named"):
            # Seeds that agree add no variance, so that all is as without them.
            assert [float(pair[name]) for name in ("low_seeds", "high_seeds", "p_seeds")] == pytest.approx(
                [float(pair[name]) for name in ("low", "high", "p_holm")], abs=2e-6
            )


def test_a_listed_method_without_seeds_is_named(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    block = {**world.PARAMS["compare"]["small"], "learnt": ["second"]}
    world.write(scored / "params.yaml", {**world.PARAMS, "compare": {"small": block}})
    run(monkeypatch, "compare")
    assert "no seeds of the shipped training of second: run `make seeds`" in capsys.readouterr().out
    assert {row["low_seeds"] for row in rows("summary")} == {""}


def test_seeds_of_another_training_do_not_count(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    value = shipped(model="second", protocol="cs", metric="named")
    write(*(f"second,cs,named,mca,0,{seed},{value + 0.01}" for seed in range(3)))
    run(monkeypatch, "compare")
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
        run(monkeypatch, "compare")


def test_another_table_is_named(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (RUN.metrics / "seeds.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"seeds\.csv, row 1: columns \['method'"):
        run(monkeypatch, "compare")


def test_sets_have_seeds_of_macro_f1(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for method in windows.METHODS:
        run(monkeypatch, "score", method)
    run(monkeypatch, "compare")
    row = of(rows("summary"), model="good")
    write(*(f"good,new,labels,macro_f1,0,{seed},{row['macro_f1']}" for seed in range(3)))
    run(monkeypatch, "compare")
    seeded = of(rows("summary"), model="good")
    # Seeds that agree: the interval is that of the shipped run, which `score` made.
    assert [float(seeded[name]) for name in ("low_seeds", "high_seeds")] == pytest.approx(
        [float(row[name]) for name in ("macro_f1_low", "macro_f1_high")], abs=2e-6
    )
    write(*(f"good,new,labels,macro_f1,0,{seed},{float(row['macro_f1']) + 0.02 * seed}" for seed in range(3)))
    run(monkeypatch, "compare")
    wider = pl.read_csv(RUN.metrics / "differences.csv").filter(model="good", other="poor").row(0, named=True)
    assert (wider["low_seeds"] + wider["high_seeds"]) / 2 == pytest.approx(wider["difference"] + 0.02, abs=2e-6)
    assert wider["aggregate"] == "macro_f1"
