"""Tables of RESULTS.md, from the committed numbers: exit 1 where one says something else; `--write` writes them.

A table stands between `<!-- metrics/<run>/summary.csv -->` and `<!-- end -->`; its rows and columns are below.
"""

import csv
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "RESULTS.md"
NONE = "–"


class Column(NamedTuple):
    """A column: its title, and which number of a method it shows with its interval."""

    title: str
    protocol: str
    metric: str
    number: str = "mca"


class Table(NamedTuple):
    """A table: its columns, the rows' names with their methods, and whether rows that learn show their seeds."""

    columns: Sequence[Column]
    rows: Mapping[str, str]
    seeds: bool


NULLS = {
    "*null: one caption for all, the best of each metric*": "null_constant",
    "*null: captions of other classes*": "null_shuffled",
    "*null: a keyword of every class*": "null_every_class",
}
TABLES = {
    "smarthome_vlm": Table(
        [Column(f"`{metric}`", "cs", metric) for metric in ("keyword", "keyword_word", "similarity", "nearest_class")],
        {
            "DeepSeek-VL2": "deepseek_vl2",
            "InternVL2.5, 2 keyframes": "internvl2_5",
            "InternVL2.5, video": "internvl2_5_videocaps",
            "Llama 3.2 Vision": "llama3_2_vision",
            **NULLS,
        },
        False,
    ),
    "home": Table(
        [
            Column("`answer`", "cs", "answer"),
            Column("`nearest_class`", "cs", "nearest_class"),
            Column("`similarity`", "cs", "similarity"),
            Column("`nearest_class`, 13 seen", "cs_seen", "nearest_class"),
            Column("`nearest_class`, 3 unseen", "cs_unseen", "nearest_class"),
        ],
        {
            "R(2+1)D, trained": "r2plus1d_cs",
            "embedded, head and LoRA (FT-C-LoRA)": "embedded_ft_c_lora_cs",
            "embedded, head (FT-LC)": "embedded_ft_lc_cs",
            "embedded, describe": "embedded_describe",
            "embedded, list": "embedded_list",
            "embedded, per class": "embedded_per_class",
            "embedded, caption judged": "embedded_judge",
            **NULLS,
        },
        True,
    ),
    "kitchen": Table(
        [
            Column("action", "given", "action_1", "accuracy"),
            Column("verb", "given", "verb_1", "accuracy"),
            Column("noun", "given", "noun_1", "accuracy"),
            Column("action, unseen people", "unseen", "action_1", "accuracy"),
            Column("action, tail", "tail_any", "action_1", "accuracy"),
            Column("action, new pairs", "new_pairs", "action_1", "accuracy"),
        ],
        {
            "R(2+1)D, labels alone": "ce",
            "taught by language (KD)": "kd",
            "taught by language, with regression (LanViKD)": "kd_regression",
            "taught by language, lambda 0.8": "kd_08",
            "*null: one action for all*": "null_constant",
            "*null: actions of other clips*": "null_shuffled",
        },
        True,
    ),
    "interactions": Table(
        [
            Column("named, 15 seen classes", "seen_classes", "answer"),
            Column("with passers-by", "passers_by", "answer"),
            Column("named, 4 unseen classes", "unseen_classes", "answer"),
            Column("said, unseen classes", "unseen_classes", "nearest_class"),
            Column("cosine to the sentence, seen", "seen_classes", "narration_similarity", "mean"),
            Column("cosine, unseen", "unseen_classes", "narration_similarity", "mean"),
        ],
        {
            "R(2+1)D on whole frames": "r2plus1d_given",
            "classifier on frozen features of streams, true masks": "frozen_streams",
            "classifier on frozen ViT features of whole frames": "frozen_vit",
            "OV-HHIR, found people": "ov_hhir",
            "OV-HHIR, true masks": "ov_hhir_true_masks",
            "OV-HHIR, true masks, no background": "ov_hhir_no_background",
            "OV-HHIR, true masks, the two swapped (a control)": "ov_hhir_swapped",
            "the same language model on whole frames": "ov_hhir_whole_frames",
            "embedded, head and LoRA, on whole frames": "embedded_ft_c_lora_given",
            "embedded, list, on whole frames": "embedded_list",
            "*null: one answer for all*": "null_constant",
            "*null: answers of other clips*": "null_shuffled",
        },
        True,
    ),
    "resuscitation": Table(
        [
            Column("macro-F1", "unseen_recordings", "labels", "macro_f1"),
            Column("macro-AP", "unseen_recordings", "labels", "macro_ap"),
            Column("rules broken", "unseen_recordings", "labels", "violations"),
            Column("invented", "unseen_recordings", "labels", "invented"),
        ],
        {
            "TimeSformer, trained": "timesformer_unseen_recordings",
            "embedded, head and LoRA in vision and language (not the paper's)": (
                "embedded_ft_c_lora_vision_unseen_recordings"
            ),
            "embedded, head and LoRA (FT-C-LoRA, the paper's: q, k, v, o of the language model)": (
                "embedded_ft_c_lora_unseen_recordings"
            ),
            "embedded, head (FT-LC)": "embedded_ft_lc_unseen_recordings",
            "embedded, list": "embedded_list",
            "embedded, caption judged": "embedded_judge",
            "embedded, per class": "embedded_per_class",
            "*null: every label*": "null_every_class",
            "*null: one set for all*": "null_constant",
            "*null: answers about other clips*": "null_shuffled",
        },
        True,
    ),
}


def made(run: str) -> str:
    """Return a table in Markdown."""
    table = TABLES[run]
    with (ROOT / f"metrics/{run}/summary.csv").open() as file:
        found = {(row["model"], row["protocol"], row["metric"]): row for row in csv.DictReader(file)}
    titles = [column.title for column in table.columns]
    if table.seeds:
        titles.insert(1, "over seeds")
    lines = [f"| | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for name, method in table.rows.items():
        rows = [found.get((method, column.protocol, column.metric)) for column in table.columns]
        cells = [shown(row, column.number) for row, column in zip(rows, table.columns, strict=True)]
        if table.seeds:
            cells.insert(1, over_seeds(rows[0]))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def shown(row: Mapping[str, str] | None, number: str) -> str:
    """Return a number with its interval."""
    if row is None or not row[number]:
        return NONE
    low, high = (float(row[f"{number}_{end}"]) for end in ("low", "high"))
    return f"{float(row[number]):.3f} ({low:.2f}–{high:.2f})"


def over_seeds(row: Mapping[str, str] | None) -> str:
    """Return the mean over seeds of the first number, the deviation, and the interval that holds seeds too."""
    if row is None or not row["seeds"]:
        return NONE
    if not row["seeds_sd"]:
        return "one seed"
    mean, deviation, low, high = (float(row[name]) for name in ("seeds_mean", "seeds_sd", "low_seeds", "high_seeds"))
    return f"{mean:.3f} ± {deviation:.3f} ({low:.2f}–{high:.2f})"


def main() -> None:
    """Compare or write."""
    text = RESULTS.read_text()

    def table(found: re.Match[str]) -> str:
        return f"{found['opening']}\n{made(found['run'])}\n{found['closing']}"

    pattern = r"(?P<opening><!-- metrics/(?P<run>\w+)/summary.csv -->)\n.*?\n(?P<closing><!-- end -->)"
    new, count = re.subn(pattern, table, text, flags=re.DOTALL)
    if count != len(TABLES):
        sys.exit(f"error: {count} of {len(TABLES)} tables are marked\n  what to do: mark them as .ci/results.py says")
    if "--write" in sys.argv:
        RESULTS.write_text(new)
    elif new != text:
        sys.exit("error: a table says something else than metrics/\n  what to do: python .ci/results.py --write")
    print(f"RESULTS.md: {count} tables")


if __name__ == "__main__":
    main()
