"""Tables that are opened with a spreadsheet: no text is a formula, machines read what was written."""

import ast
import csv
import io
import subprocess
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.base.spreadsheet import as_written, csv_text, text_as_written
from stages.compare.write import write_csv
from stages.report.inputs import read_csv
from tests.conftest import ROOT

FORMULAS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'=1",
    "''-x",
    '=HYPERLINK("http://x","a")',
    "-",
    "=",
]
BEGINNINGS = tuple("=+-@\t\r\n")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_class_that_is_a_formula(tmp_path, text):
    """As `compare` writes and `report` reads it, beside numbers below nought."""
    table = pl.DataFrame({"class": [text, "walk"], "value": [-0.25, -1.0]})
    write_csv(tmp_path / "t.csv", table)
    written = list(csv.reader(io.StringIO((tmp_path / "t.csv").read_bytes().decode(), newline="")))
    assert not written[1][0].startswith(BEGINNINGS)
    assert [row[1] for row in written[1:]] == ["-0.25", "-1.0"]
    assert text_as_written(written[1][0]) == text
    assert read_csv(tmp_path / "t.csv", ["class"]).equals(table)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
@example(["'", "''", "'a", "''=", "'''@"])
def test_any_text_is_read_as_it_was(texts):
    table = pl.DataFrame(
        {"text": texts, "number": [-1.5] * len(texts)}, schema={"text": pl.String, "number": pl.Float64}
    )
    written = csv_text(table)
    assert not any(row[0].startswith(BEGINNINGS) for row in csv.reader(io.StringIO(written, newline="")) if row)
    found = pl.read_csv(io.StringIO(written), schema=table.schema, empty_string_is_null=False)
    assert as_written(found).equals(table)


def test_committed_tables_keep_their_bytes():
    """Nothing in them begins like a formula but numbers."""
    listed = subprocess.run(["git", "ls-files", "-z", "*.csv"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert files
    for file in files:
        table = pl.read_csv(file, infer_schema_length=None)
        assert csv_text(table) == table.write_csv(), file


def test_no_table_is_written_another_way():
    """But what `simulate` writes, whose labels are of its scenes and which `ingest` reads as any data set's."""
    writers = set()
    for path in (ROOT / "stages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                asked = ast.unparse(node.func)
                if asked.endswith((".write_csv", ".to_csv")) or asked in ("csv.writer", "csv.DictWriter"):
                    writers.add(str(Path(path).relative_to(ROOT)))
    assert writers == {"stages/base/spreadsheet.py", "stages/simulate/lists.py"}
