# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From invoices to the bytes of a file: which rows a layout has, and how a format writes them."""

from __future__ import annotations

import decimal
import json
import re
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._cost_file import COST_OPTIONS, COSTS
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import Invoice
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import (
    IncompleteError,
    OptionsError,
    ResponseError,
    shown,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._focus import FOCUS_SPEC, columns_of, focus_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import (
    LINE_ITEM_KEYS,
    line_item_blocks,
    line_items,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import to_float
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._order import in_order
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._owners import Owners
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._query import OWNER

FORMATS = ("csv", "json", "jsonl")
FOCUS_LAYOUTS = {"focus-1.2": "1.2", "focus-1.4": "1.4"}
LAYOUTS = ("line_items", "invoices", COSTS, *FOCUS_LAYOUTS)
FOCUS_OPTIONS = (*FOCUS_SPEC, "credit_rate")
OPTIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FOCUS_OPTIONS, tuple(FOCUS_LAYOUTS)),
    **dict.fromkeys(COST_OPTIONS, (COSTS,)),
    "credit_rate": (COSTS, *FOCUS_LAYOUTS),
    "owners": ("line_items", COSTS, *FOCUS_LAYOUTS),
}
"""The options that not every layout follows, and the layouts that do."""
CSV_OPTIONS = ("csv_bom", "csv_delimiter")
DELIMITERS = (",", ";", "\t", "|")

Row = t.Mapping[str, t.Any]
Block = t.Tuple[t.Sequence[t.Any], t.Iterable[t.Iterable[t.Any]]]

_INVOICE_KEYS = ("invoice_id", "status", "period_start", "period_end")
_ENDINGS = {"csv": "csv", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl"}

# What str.splitlines takes for the end of a line and JSON does not escape, and halves of surrogate pairs, which UTF-8
# does not have.
_ESCAPED_IN_JSON = re.compile("[\x85\u2028\u2029\ud800-\udfff]")
# What cannot stand in a CSV: Python 3.10 refuses to write NUL, and others do not read it.
_LOST_IN_CSV = re.compile("[\0\ud800-\udfff]")
# What ends a line for str.splitlines, and so for readers that hand a CSV its lines.
_BREAKS = "\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
# RFC 4180 wants quotes around the delimiter, and readers that split at another one need them around that.
_QUOTED = re.compile(f'[,;\t|"{_BREAKS}]')
# A formula begins with one of these, also full-width and small ones, after what a spreadsheet drops or does not show:
# white space, control and format characters, double quotes. A reader that splits at another delimiter than the file
# has does not know where quotes begin, and finds formulas after that delimiter and after the end of a line as well.
_FORMULA = "[=+@\\-\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
_BLANK = (
    '[\\s\0-\x1f\x7f-\x9f",;|\u2800\ufff9-\ufffb'
    # Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt.
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# From the beginning of the blanks alone, or a text of nothing else would take quadratic time.
_GUARDED = re.compile(f"(?<!{_BLANK})({_BLANK}*)({_FORMULA})")


class FileFormat(t.NamedTuple):
    """How rows are written: one of :data:`FORMATS`, and what concerns a CSV alone."""

    name: str = "csv"
    delimiter: str = ","
    bom: bool = False


class Table:
    """The rows of a layout: each is a mapping, whose keys in a CSV are the columns."""

    def __init__(self, columns: t.Sequence[str], rows: t.Iterable[Row]) -> None:
        self.columns = columns
        self.rows = rows

    def blocks(self) -> t.Iterator[Block]:
        """Yield values in the order of the columns: those that some rows share, and of each row the others."""
        yield (), (map(row.get, self.columns) for row in self.rows)


class LineItemTable(Table):
    """The rows of the layout V(line_items), whose blocks spare a CSV most of its work."""

    def __init__(self, invoices: list[dict[str, t.Any]], owners: Owners | None) -> None:
        columns = LINE_ITEM_KEYS if owners is None else (*LINE_ITEM_KEYS, OWNER)
        super().__init__(columns, line_items(invoices, owners))
        self._invoices = invoices
        self._owners = owners

    def blocks(self) -> t.Iterator[Block]:
        return line_item_blocks(self._invoices, self._owners)


def read_format(name: str | None, dest: str, delimiter: str = ",", *, bom: bool = False) -> FileFormat:
    """Return how the file is written.

    :param name: one of :data:`FORMATS`; None for what the ending of the file's name says, else CSV.
    :param dest: the name of the file.
    :param delimiter: one of :data:`DELIMITERS`.
    :param bom: whether a CSV begins with the mark by which Excel knows UTF-8.
    :raises OptionsError: for another delimiter.
    """
    if delimiter not in DELIMITERS:
        raise OptionsError(
            f'csv_delimiter: {shown(delimiter)} cannot separate the cells. Write ",", ";", "|" or "\\t", a tab.'
        )
    ending = dest.rpartition(".")[2].lower() if "." in dest else ""
    return FileFormat(name or _ENDINGS.get(ending, "csv"), delimiter, bom)


def idle_options(given: t.Iterable[str], layout: str, file_format: FileFormat) -> list[str]:
    """Return a warning for each option that was given and does nothing here.

    :param given: those of :data:`OPTIONS` and :data:`CSV_OPTIONS` that differ from their defaults.
    """
    warnings = []
    for name in given:
        layouts = OPTIONS.get(name, LAYOUTS)
        if layout not in layouts:
            warnings.append(f"{name} does nothing for layout {layout}: it is for {' and '.join(layouts)}.")
        if name in CSV_OPTIONS and file_format.name != "csv":
            warnings.append(f"{name} does nothing for format {file_format.name}: it is for csv.")
    return warnings


def build_table(
    invoices: list[dict[str, t.Any]],
    layout: str,
    file_format: FileFormat,
    focus_options: t.Mapping[str, t.Any],
    owners: Owners | None = None,
) -> Table:
    """Return the rows of a layout, made while they are read.

    :param invoices: invoices as the API sent them. In which order it sent what they hold makes no difference to the
        rows, but to the layout V(invoices) in JSON.
    :param layout: one of :data:`LAYOUTS` but V(costs), whose rows are those of an answer.
    :param file_format: the layout V(invoices) has flat rows in a CSV; in JSON each row is the invoice as the API sent
        it.
    :param focus_options: the options of :func:`focus_rows` beside the version.
    :param owners: who owns each row, for the layouts of line items and of FOCUS.
    :raises BillingError: here or while the rows are read, as the functions that make them.
    """
    if layout == "invoices":
        return _flat_invoices(invoices) if file_format.name == "csv" else Table((), invoices)
    ordered = [in_order(invoice) for invoice in invoices]
    if layout == "line_items":
        return LineItemTable(ordered, owners)
    version = FOCUS_LAYOUTS[layout]
    columns = columns_of(version, owned=owners is not None)
    return Table(columns, focus_rows(ordered, version, **focus_options, owners=owners))


def write_table(path: str | bytes, table: Table, file_format: FileFormat) -> int:
    """Write a file in UTF-8.

    :param path: the file; what is in it is overwritten.
    :param table: the rows.
    :param file_format: C(csv) as RFC 4180 has it, with a header and text that looks like a formula marked by an
        apostrophe; C(json), one array with a row on each line; C(jsonl), a row on each line.
    :returns: how many rows there are.
    :raises OSError: when the file cannot be written.
    :raises ResponseError: when a number is too large for JSON.
    """
    with open(path, "w", encoding="utf-8", newline="") as stream:
        if file_format.name == "csv":
            return _write_csv(stream, table, file_format)
        return _write_json(stream, table, lines=file_format.name == "jsonl")


def check_rows(rows: int, dest: str) -> None:
    """Refuse to replace a file by one that has no rows.

    :raises IncompleteError: it says how to write such a file nevertheless.
    """
    if not rows:
        raise IncompleteError(
            f"There is nothing to write: no invoice was found that has a row for dest {dest!r}, which stays as it is. "
            "Ask for other invoices, or write 'require: []' to get a file without rows."
        )


def _write_json(stream: t.TextIO, table: Table, *, lines: bool) -> int:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    opening, between, closing = ("", "\n", "\n") if lines else ("[\n", ",\n", "\n]\n")
    rows = 0
    try:
        for row in table.rows:
            text = encode(row)
            if not text.isascii():
                text = _ESCAPED_IN_JSON.sub(_escape, text)
            stream.write((between if rows else opening) + text)
            rows += 1
    except ValueError:
        raise ResponseError("An invoice holds a number that is too large for JSON.", status=200) from None
    if rows:
        stream.write(closing)
    elif not lines:
        stream.write("[]\n")
    return rows


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _write_csv(stream: t.TextIO, table: Table, file_format: FileFormat) -> int:
    delimiter = file_format.delimiter
    write = _Cells(delimiter).write
    stream.write("\ufeff" if file_format.bom else "")
    stream.write(f"{write(table.columns)}\r\n")
    rows = 0
    for shared, rest in table.blocks():
        begin = f"{write(shared)}{delimiter}" if shared else ""
        for values in rest:
            stream.write(f"{begin}{write(values)}\r\n")
            rows += 1
    return rows


class _Cells:
    """From values to the cells of a CSV. The same few texts come again and again, and each is looked at once."""

    def __init__(self, delimiter: str) -> None:
        self._join = delimiter.join
        self._cuts = re.compile("[{}]".format("".join(other for other in (*DELIMITERS, _BREAKS) if other != delimiter)))
        self._texts = _Memory(lambda text: _quote(self._guard(text)))
        self._write: dict[type, t.Callable[[t.Any], str]] = {
            float: _number,
            int: _number,
            bool: lambda value: "true" if value else "false",
            type(None): {None: ""}.__getitem__,
            list: lambda value: lists[tuple(value)],
            dict: lambda value: objects[tuple(value.items())],
        }
        lists = _Memory(lambda names: _quote(self._guard(", ".join(map(str, names)))))
        objects = _Memory(lambda pairs: _quote(self._object(dict(pairs))))

    def write(self, values: t.Iterable[t.Any]) -> str:
        """Return values as they stand in a line of a CSV."""
        texts, write = self._texts, self._write
        # Nearly all are texts and numbers of usual size: no call for each of them.
        return self._join(
            [
                texts[value]
                if value.__class__ is str
                else repr(value)
                if value.__class__ is float and (1e-4 <= value < 1e16 or value == 0.0)
                else write[value.__class__](value)
                for value in values
            ]
        )

    def _guard(self, text: str) -> str:
        """Return a text with an apostrophe at the beginning of whatever a spreadsheet could take for a formula."""

        def mark(match: re.Match[str]) -> str:
            begins = not match.start() and {",", ";", "|"}.isdisjoint(match[1])
            blanks = self._cuts.sub(r"\g<0>'", match[1])
            return f"'{blanks}{match[2]}" if begins else f"{blanks}{match[2]}"

        guarded = _GUARDED.sub(mark, text)
        # OWASP counts these among the beginnings of a formula by themselves.
        return f"'{guarded}" if guarded.startswith(("\t", "\r", "\n")) else guarded

    def _object(self, value: dict[str, t.Any]) -> str:
        """Return a JSON object in which a formula is escaped, so that it stays the same object."""

        def mark(match: re.Match[str]) -> str:
            return f"{match[1]}\\u{ord(match[2]):04x}" if self._cuts.search(match[1]) else match[0]

        return _GUARDED.sub(mark, json.dumps(value, sort_keys=True, ensure_ascii=False))


class _Memory(t.Dict[t.Any, str]):
    """A dictionary that makes what it does not hold yet."""

    def __init__(self, make: t.Callable[[t.Any], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: t.Any) -> str:
        self[key] = value = self._make(key)
        return value


def _quote(text: str) -> str:
    """Return a text as a cell, in quotes where a reader may want them."""
    text = _LOST_IN_CSV.sub("\ufffd", text)
    if not _QUOTED.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _number(value: float) -> str:
    """Write a number with a decimal point and without an exponent, which importers of FOCUS do not read."""
    text = repr(float(value))
    if "e" not in text:
        return text
    text = format(decimal.Decimal(text), "f")
    return text if "." in text else f"{text}.0"


def _flat_invoices(invoices: list[dict[str, t.Any]]) -> Table:
    """Return a row for each invoice, with a column for each currency that a total, an adjustment or a balance has."""
    rows = [_flat_invoice(Invoice(raw)) for raw in invoices]
    amounts = {key for row in rows for key in row if key not in _INVOICE_KEYS and key != "clusters"}
    order = ("total_", "adjustments_", "balance_")
    columns = sorted(amounts, key=lambda key: ([key.startswith(kind) for kind in order].index(True), key))
    return Table((*_INVOICE_KEYS, "clusters", *columns), rows)


def _flat_invoice(invoice: Invoice) -> dict[str, t.Any]:
    items = invoice.raw.get("invoice_items")
    row: dict[str, t.Any] = {key: getattr(invoice, key) for key in _INVOICE_KEYS}
    row["clusters"] = f"{len(items)}" if isinstance(items, list) else None
    for kind, sums in (
        ("total", invoice.totals()),
        ("adjustments", invoice.adjustment_sums()),
        ("balance", invoice.balances()),
    ):
        row.update({f"{kind}_{currency or 'no_currency'}": to_float(amount) for currency, amount in sums.items()})
    return row
