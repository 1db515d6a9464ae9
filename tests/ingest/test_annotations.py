"""Tables of annotations as spreadsheets and people write them: read right, or refused with row and reason."""

import pytest

from stages.base.errors import InputError
from stages.ingest.annotations import read_annotations

RIGHT = [("r1", "ventilation", 2.4, 17.9), ("r1", "suction", 18.0, 20.25)]
PLAIN = "recording,label,start,end\nr1,ventilation,2.4,17.9\nr1,suction,18,20.25\n"
GERMAN = "recording;label;start;end\nr1;ventilation;2,4;17,9\nr1;suction;18;20,25\n"


def read(tmp_path, content, unit="seconds"):
    path = tmp_path / "annotations.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [one[:4] for one in read_annotations(path, unit, None)]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        GERMAN,
        GERMAN.replace(";", "\t"),
        PLAIN.replace(",", ";"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\n\n"),
        PLAIN.replace(",", " , "),
        PLAIN.removesuffix("\n"),
        PLAIN + ",,,\n",
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + GERMAN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
        'recording,label,start,end\nr1,ventilation,"2,4","17,9"\nr1,"suction",18,"20,25"\n',
        '"recording";"label";"start";"end"\nr1;ventilation;2,4;17,9\nr1;suction;18;20,25\n',
        "note,end,start,label,recording\nseen; twice,17.9,2.4,ventilation,r1\n,20.25,18,suction,r1\n",
        "recording,label,start,end\nr1,ventilation,00:00:02.4,0:00:17.900\nr1,suction,18,00:00:20.250\n",
        "recording;label;start;end\nr1;ventilation;00:00:02,400;00:00:17,900\nr1;suction;18;20,25\n",
    ],
)
def test_what_spreadsheets_write_is_read_right(tmp_path, content):
    assert read(tmp_path, content) == RIGHT


def test_other_units_and_long_clocks(tmp_path):
    assert (
        read(
            tmp_path,
            PLAIN.replace("2.4", "2400").replace("17.9", "17900").replace("18,20.25", "18e3,20250"),
            "milliseconds",
        )
        == RIGHT
    )
    assert read(tmp_path, "recording,label,start,end\nr1,suction,250,1400\n", "frames") == [
        ("r1", "suction", 250, 1400)
    ]
    assert read(tmp_path, "recording,label,start,end\nr1,suction,01:02:03.5,100:00:00\n") == [
        ("r1", "suction", 3723.5, 360000)
    ]
    # Next to such as 2,4 a comma marks decimals; where semicolons separate it always does.
    assert read(tmp_path, 'recording,label,start,end\nr1,suction,"2,4","2,625"\n') == [("r1", "suction", 2.4, 2.625)]
    assert read(tmp_path, "recording;label;start;end\nr1;suction;1,234;2,625\n") == [("r1", "suction", 1.234, 2.625)]


@pytest.mark.parametrize(
    ("content", "unit", "message"),
    [
        ("r1,ventilation,2,4,17,9", "seconds", "row 2, key 'end': has 6 fields, the first line names 4 columns"),
        ("r1,ventilation,2", "seconds", "row 2, key 'end': has 3 fields"),
        ("r1,ventilation,2,4,", "seconds", "has 5 fields"),
        ("r1;ventilation;2;4", "seconds", "has 1 fields"),
        (
            'r1,ventilation,"1,234","2,345"',
            "seconds",
            "key 'start': '1,234' can be read in two ways: its comma may mark",
        ),
        ('r1,ventilation,"1,5",2.5', "seconds", "key 'start': '1,5' can be read in two ways: other times have"),
        ("r1,ventilation,0:30,1:10", "seconds", "may be hours and minutes or minutes and seconds: expected HH:MM:SS"),
        ("r1,ventilation,00:00:01:12,00:00:02:00", "seconds", "'00:00:01:12' is no number"),
        ("r1,ventilation,00:00:61,00:01:02", "seconds", "is no number"),
        ("r1,ventilation,00:00:01,00:00:02", "milliseconds", "is a time of a clock, and `unit` says milliseconds"),
        ("r1,ventilation,1.5,2", "frames", "'1.5' is no frame's number"),
        ("r1,ventilation,1_0,20", "seconds", "'1_0' is no number"),
        ("r1,ventilation,1.234.567,20", "seconds", "is no number"),
        ("r1,ventilation,1,1e999", "seconds", "'1e999' is no number"),
        ('r1,"ventilation,1,2\nr1,suction,3,4', "seconds", "row 2: no table: unexpected end of data"),
        ('r1,ventilation,1,2,"a\nr2,suction,3,4,b"', "seconds", "a line break stands within quotes"),
        ('r1,"vent"ilation,1,2', "seconds", "row 2: no table"),
    ],
)
def test_what_is_not_certain_is_refused_by_row(tmp_path, content, unit, message):
    with pytest.raises(InputError) as told:
        read(tmp_path, f"recording,label,start,end\n{content}\n", unit)
    assert message in str(told.value)
    assert "annotations.csv, row 2" in str(told.value)
    assert "what to do" in str(told.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PLAIN.replace("suction", "succión").encode("latin-1"), "row 3: is not UTF-8"),
        (PLAIN.encode("utf-16-le"), "holds zero bytes"),
        (PLAIN.encode("utf-16")[:-1], "is not UTF-16"),
        (b"\xff\xfe\x00\xd8", "is not UTF-16"),
        ("", "row 1: columns recording, label, start, end are missing"),
        ("recording|label|start|end\n", "columns recording, label, start, end are missing"),
        ("recording,label,start,end,start\nr1,suction,1,2,3\n", "row 1, key 'start': the column is named twice"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path, content, message):
    with pytest.raises(InputError) as told:
        read(tmp_path, content)
    assert message in str(told.value)
