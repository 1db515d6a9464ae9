"""Some of the clips only: evenly of each class, a larger number containing a smaller, and said in every count."""

from collections import Counter
from itertools import pairwise

import yaml

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from stages.infer.limit import limited
from tests.small_run import PARAMS, guessing, write_run

LABELS = {f"{name}_{number:03}": [name] for name, count in (("a", 40), ("b", 7), ("c", 90)) for number in range(count)}


def test_a_larger_limit_contains_a_smaller_and_classes_take_turns():
    chosen = [set(limited(sorted(LABELS), LABELS, limit)) for limit in range(1, len(LABELS) + 1)]
    for smaller, larger in pairwise(chosen):
        assert smaller < larger
    counts = Counter(LABELS[clip][0] for clip in chosen[29])
    assert counts["b"] == 7
    assert abs(counts["a"] - counts["c"]) <= 1
    assert limited(sorted(LABELS)[::-1], LABELS, None) == sorted(LABELS)


def test_a_clip_more_in_the_set_moves_no_other_class():
    grown = LABELS | {"b_new": ["b"]}
    of_a = [clip for clip in limited(sorted(LABELS), LABELS, 12) if clip.startswith("a")]
    assert of_a == [clip for clip in limited(sorted(grown), grown, 12) if clip.startswith("a")]


def test_what_is_not_asked_is_a_row_that_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path)
    infer = {"home": PARAMS["infer"]["home"] | {"limit": 4}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS | {"infer": infer}))
    guessing("infer", ["home", "guess_list", "guess", "list", "all"])
    table = read_table(Run("home").predictions("guess_list"), PREDICTIONS)
    asked, not_asked = (table.filter((table["status"] == "missing") == missing) for missing in (False, True))
    assert (len(asked), len(not_asked)) == (4, 6)
    assert set(not_asked["detail"]) == {"not asked: limit 4"}
    assert "6 beyond the limit not asked" in capsys.readouterr().out
    assert run.name == "home"
