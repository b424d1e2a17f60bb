# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written, read back by readers that are strict, and by such as take it for something else."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import IncompleteError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._export import (
    DELIMITERS,
    FileFormat,
    Table,
    check_rows,
    write_table,
)

# What people do to a name by accident or on purpose, and the signs that readers give a meaning to.
FORMULAS = "=+@-\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# The first and the last of each range that a spreadsheet does not show.
UNSEEN = (
    "\0\x1f\x7f\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180f\u200b\u200f\u202a\u202e\u2060\u206f\u2800"
    "\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\ufffb\U0001bca0\U0001bca3\U0001d173\U0001d17a\U000e0000\U000e0fff"
)
BLANKS = " \t\r\n\0\x0b\x0c\x1f\x85\xa0\xad\u200b\u200e\u2028\u2029\u202e\u2060\u3000\ufeff"
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
TEXTS = st.text(st.sampled_from(f"{FORMULAS}{BLANKS},;|\"'\\{{}}[]:ab1ä€😀\udc00"), max_size=12)
LABELS = st.dictionaries(TEXTS, st.one_of(TEXTS, st.none()), max_size=3)
# A cell that a spreadsheet could take for a formula: nothing visible stands before its first sign.
FORMULA = re.compile(f'[{BLANKS}"]*[{re.escape(FORMULAS)}]')


def written(table: Table, file_format: FileFormat) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "file")
        write_table(f"{path}", table, file_format)
        return path.read_bytes().decode("utf-8")


def table_of(*rows: t.Mapping[str, t.Any]) -> Table:
    return Table(list(rows[0]), rows)


def cells(text: str, delimiter: str, *, strict: bool = False) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict))


def kept(text: str) -> str:
    """Return what a CSV keeps of a text, without the apostrophes that it may get."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text).replace("'", "")


# CSV


ROWS = st.lists(st.tuples(TEXTS, TEXTS, LABELS), min_size=1, max_size=3)


@given(ROWS, st.sampled_from(DELIMITERS))
@example([(";=1+1|x", "a\t=1+1", {})], ",")
@example([(f"a{cut}=1", f"{cut}b", {"a": f"b{cut}=1"}) for cut in LINE_ENDS], ",")
@example([("\xa0=1", '=";\n=1', {"a": ";=1", "=1": "-"})], ";")
def test_no_reader_meets_a_formula_and_the_right_one_meets_each_text_as_it_was(
    rows: list[tuple[str, str, dict[str, str | None]]], delimiter: str
) -> None:
    table = table_of(*[{"id": "i", "a": a, "labels": labels, "b": b} for a, b, labels in rows])
    text = written(table, FileFormat("csv", delimiter))
    for other in DELIMITERS:
        by_csv = [cell for row in cells(text, other) for cell in row]
        # Others do not even know quotes; those that split at the file's own delimiter would be broken by any text.
        by_hand = [cell for line in text.splitlines() for cell in line.split(other) if other != delimiter]
        assert [cell for cell in by_csv + by_hand if FORMULA.match(cell)] == []
    head, *read = cells(text, delimiter, strict=True)
    assert head == ["id", "a", "labels", "b"]
    assert [(kept(a), kept(b)) for dummy, a, dummy, b in read] == [(kept(a), kept(b)) for a, b, dummy in rows]
    by_lines = list(csv.reader(text.splitlines(), delimiter=delimiter, strict=True))
    assert by_lines == [["".join(cell.splitlines()) for cell in row] for row in (head, *read)]
    for (_id, _a, cell, _b), (_a, _b, labels) in zip(read, rows):
        lost = json.loads(re.sub("[\ud800-\udfff]", "\ufffd", json.dumps(labels, ensure_ascii=False, sort_keys=True)))
        assert json.loads(cell) == lost


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        (";=1+1|x", ";'=1+1|x"),
        ("a\t=1+1", "a\t'=1+1"),
        ('a;"=1+1', "a;'\"=1+1"),
        ("a\r\n@x", "a\r'\n'@x"),
        *((char, f"'{char}") for char in "\t\r\n"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0d1", "'\uff0d1"),
        ("\xa0=1", "'\xa0=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b\u2060 @x", "'\u200b\u2060 @x"),
        *((f"{char}=1", f"'{kept(char)}=1") for char in UNSEEN),
        ("Compute, -5 % off", "Compute, -5 % off"),
        ("us-east-1 = here", "us-east-1 = here"),
        ("a; b", "a; b"),
        ("", ""),
    ],
)
def test_what_is_marked(text: str, cell: str) -> None:
    assert cells(written(table_of({"text": text, "more": "x"}), FileFormat()), ",", strict=True)[1] == [cell, "x"]


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("cut", DELIMITERS)
def test_no_reader_splits_a_text(cut: str, delimiter: str) -> None:
    """Neither at the delimiter of the file nor at another one."""
    assert written(table_of({"a": f"b{cut}c"}), FileFormat("csv", delimiter)) == f'a\r\n"b{cut}c"\r\n'


@pytest.mark.parametrize(
    ("value", "delimiter", "text"),
    [
        ("b, =1; =2", ";", 'a\r\n"b,\' =1; =2"\r\n'),
        ("b, =1; =2", ",", 'a\r\n"b, =1;\' =2"\r\n'),
        (["=1", "b"], ",", 'a\r\n"\'=1, b"\r\n'),
        (
            {"+x": ";=1", "=y": ",-1", "b": "c-d"},
            ";",
            'a\r\n"{""+x"": "";=1"", ""\\u003dy"": "",\\u002d1"", ""b"": ""c-d""}"\r\n',
        ),
    ],
)
def test_the_own_delimiter_marks_nothing_and_labels_stay_the_same_object(
    value: t.Any, delimiter: str, text: str
) -> None:
    assert written(table_of({"a": value}), FileFormat("csv", delimiter)) == text


def test_numbers_have_a_decimal_point_and_no_exponent_and_are_never_marked() -> None:
    row = dict(zip("abcdef", (-5.0, -1e-7, -1, 0, 1e22, 0.1 + 0.2)))
    text = "a,b,c,d,e,f\r\n-5.0,-0.0000001,-1.0,0.0,10000000000000000000000.0,0.30000000000000004\r\n"
    assert written(table_of(row), FileFormat()) == text


@pytest.mark.parametrize("text", ["\t" * 200_000, ";" * 200_000, "\t=" * 100_000, "-" * 200_000])
def test_a_long_text_takes_no_long_time(text: str) -> None:
    begin = time.process_time()
    written(table_of({"a": text, "labels": {text: text}}), FileFormat())
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("bom", [True, False])
def test_pandas_reads_the_csv(tmp_path: pathlib.Path, delimiter: str, bom: bool) -> None:
    pandas = pytest.importorskip("pandas")
    rows = [{"name": f'größe{delimiter}\n"x" {number}', "amount": -0.5 - number, "none": None} for number in range(3)]
    path = tmp_path / "file.csv"
    write_table(f"{path}", table_of(*rows), FileFormat("csv", delimiter, bom))
    frame = pandas.read_csv(path, sep=delimiter, encoding="utf-8-sig" if bom else "utf-8")
    assert list(frame["name"]) == [row["name"] for row in rows]
    assert list(frame["amount"]) == [row["amount"] for row in rows]
    assert frame["none"].isna().all()


@pytest.mark.parametrize(("delimiter", "splits_at"), [(",", ",;\t"), (",", ";"), (";", ",")])
def test_libreoffice_computes_nothing(tmp_path: pathlib.Path, delimiter: str, splits_at: str) -> None:
    """A spreadsheet computes what it takes for a formula; without the apostrophes, cells of this file become 2."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    texts = [f"x{cut}=1+1{cut}y" for cut in (*DELIMITERS, "\n") if cut != delimiter]
    texts += ["=1+1", "\uff1d1+1", "\xa0=1+1", "größe"]
    path = tmp_path / "file.csv"
    write_table(f"{path}", table_of(*[{"id": "i", "text": text} for text in texts]), FileFormat("csv", delimiter, True))
    # After the delimiters by their codes come those of the quote and of UTF-8; the last "true" is to read formulas.
    codes = "/".join(f"{ord(cut)}" for cut in splits_at)
    reader = f"--infilter=CSV:{codes},34,76,1,,0,false,true,false,false,false,-1,true"
    command = [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", reader]
    out = tmp_path / "out"
    subprocess.run(
        [*command, "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", f"{out}", f"{path}"],
        check=True,
        capture_output=True,
        timeout=180,
    )
    read = [cell for row in cells((out / "file.csv").read_text(encoding="utf-8-sig"), ",") for cell in row]
    assert any("größe" in cell for cell in read)
    assert [cell for cell in read if cell.strip() == "2"] == []


# JSON


@given(
    st.lists(
        st.dictionaries(TEXTS, st.one_of(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), max_size=3),
        max_size=4,
    )
)
@example([{"a": LINE_ENDS}])
def test_a_row_is_a_line_of_json_for_every_reader(rows: list[dict[str, t.Any]]) -> None:
    lines = written(Table((), rows), FileFormat("jsonl"))
    assert [json.loads(line) for line in lines.splitlines()] == rows
    assert lines.count("\n") == len(rows)
    array = written(Table((), rows), FileFormat("json"))
    assert json.loads(array) == rows
    assert len(array.splitlines()) == (len(rows) + 2 if rows else 1)


def test_pandas_reads_the_json_lines(tmp_path: pathlib.Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "file.jsonl"
    write_table(f"{path}", table_of({"a": f"x{LINE_ENDS}y", "b": 0.5}, {"a": "ä", "b": -1.0}), FileFormat("jsonl"))
    assert path.read_text(encoding="utf-8").endswith('{"a": "ä", "b": -1.0}\n')
    frame = pandas.read_json(path, lines=True)
    assert (list(frame["a"]), list(frame["b"])) == ([f"x{LINE_ENDS}y", "ä"], [0.5, -1.0])


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_json_does_not_have(number: float) -> None:
    with pytest.raises(ResponseError, match="too large"):
        written(table_of({"amount": number}), FileFormat("json"))


# Nothing


@pytest.mark.parametrize(("name", "text"), [("json", "[]\n"), ("jsonl", ""), ("csv", "amount\r\n")])
def test_no_rows_are_a_file_and_are_refused_on_demand(name: str, text: str) -> None:
    assert written(Table(("amount",), []), FileFormat(name)) == text
    check_rows(1, "a.csv")
    with pytest.raises(IncompleteError, match="require"):
        check_rows(0, "a.csv")
