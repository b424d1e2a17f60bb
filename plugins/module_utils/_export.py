# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""From invoices to the bytes of a file: which rows a layout has, and how a format writes them."""

from __future__ import annotations

import csv
import decimal
import filecmp
import io
import json
import os
import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._document import Invoice
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._errors import OptionsError, ResponseError
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._focus import COLUMNS, focus_rows
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._lines import (
    LINE_ITEM_KEYS,
    line_item_blocks,
    line_items,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import to_float

FORMATS = ("csv", "json", "jsonl")
FOCUS_LAYOUTS = {"focus-1.2": "1.2", "focus-1.4": "1.4"}
LAYOUTS = ("line_items", "invoices", *FOCUS_LAYOUTS)

Row = t.Mapping[str, t.Any]
Block = t.Tuple[t.Sequence[t.Any], t.Iterable[t.Iterable[t.Any]]]

# What spreadsheets take for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_INVOICE_KEYS = ("invoice_id", "status", "period_start", "period_end")
# A diff is for people; past this a task's result would be as heavy as the file itself.
_LONGEST_DIFF = 30000


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

    def __init__(self, invoices: list[dict[str, t.Any]]) -> None:
        super().__init__(LINE_ITEM_KEYS, line_items(invoices))
        self._invoices = invoices

    def blocks(self) -> t.Iterator[Block]:
        return line_item_blocks(self._invoices)


def build_table(
    invoices: list[dict[str, t.Any]], layout: str, file_format: str, focus_options: t.Mapping[str, t.Any]
) -> Table:
    """Return the rows of a layout, made while they are read.

    :param invoices: invoices as the API sent them.
    :param layout: one of :data:`LAYOUTS`.
    :param file_format: one of :data:`FORMATS`. The layout V(invoices) has flat rows in a CSV; in JSON each row is the
        invoice as the API sent it.
    :param focus_options: the options of :func:`focus_rows` beside the version.
    :raises BillingError: here or while the rows are read, as the functions that make them.
    """
    if layout in FOCUS_LAYOUTS:
        version = FOCUS_LAYOUTS[layout]
        return Table(COLUMNS[version], focus_rows(invoices, version, **focus_options))
    if layout == "line_items":
        return LineItemTable(invoices)
    return _flat_invoices(invoices) if file_format == "csv" else Table((), invoices)


def write_table(path: str, table: Table, file_format: str) -> int:
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
        if file_format == "csv":
            return _write_csv(stream, table)
        return _write_json(stream, table, lines=file_format == "jsonl")


def check_dest(dest: str) -> str:
    """Return the file to write to, links resolved.

    :raises OptionsError: when it cannot become a file; it says what to name instead.
    """
    if not dest.strip():
        raise OptionsError("dest is empty: name the file to write.")
    path = os.path.realpath(dest)
    parent = os.path.dirname(path)
    if os.path.isdir(path) or dest.endswith("/"):
        raise OptionsError(f"dest {dest!r} is a folder: name a file in it.")
    if not os.path.isdir(parent):
        raise OptionsError(f"dest {dest!r} cannot be written: the folder {parent!r} does not exist. Create it first.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise OptionsError(f"dest {dest!r} is no ordinary file: name another one.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OptionsError(f"dest {dest!r} cannot be written: this user may not write to the folder {parent!r}.")
    return path


def same_bytes(one: str, other: str) -> bool:
    """Say whether two files hold the same bytes; one that does not exist is like no other."""
    return os.path.exists(one) and os.path.exists(other) and filecmp.cmp(one, other, shallow=False)


def diff_of(before: str, after: str, dest: str) -> dict[str, str]:
    """Return what C(--diff) shows, for files that a person can read at a glance."""
    return {
        "before_header": dest,
        "after_header": dest,
        "before": _text_for_diff(before),
        "after": _text_for_diff(after),
    }


def _text_for_diff(path: str) -> str:
    if not os.path.exists(path):
        return ""
    size = os.path.getsize(path)
    if size > _LONGEST_DIFF:
        return f"({size} bytes, too many to show)\n"
    with open(path, encoding="utf-8", errors="replace", newline="") as stream:
        return stream.read()


def _write_json(stream: t.TextIO, table: Table, *, lines: bool) -> int:
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    opening, between, closing = ("", "\n", "\n") if lines else ("[\n", ",\n", "\n]\n")
    rows = 0
    try:
        for row in table.rows:
            stream.write((between if rows else opening) + encode(row))
            rows += 1
    except ValueError:
        raise ResponseError("An invoice holds a number that is too large for JSON.", status=200) from None
    if rows:
        stream.write(closing)
    elif not lines:
        stream.write("[]\n")
    return rows


def _write_csv(stream: t.TextIO, table: Table) -> int:
    write = _Cells().write
    stream.write(f"{write(table.columns)}\r\n")
    rows = 0
    for shared, rest in table.blocks():
        begin = f"{write(shared)}," if shared else ""
        for values in rest:
            stream.write(f"{begin}{write(values)}\r\n")
            rows += 1
    return rows


class _Cells:
    """From values to the cells of a CSV. The same few texts come again and again, and each is looked at once."""

    def __init__(self) -> None:
        self._texts = _Memory(lambda text: _quote(_guard(text)))
        self._write: dict[type, t.Callable[[t.Any], str]] = {
            float: _number,
            int: _number,
            bool: lambda value: "true" if value else "false",
            type(None): {None: ""}.__getitem__,
            list: lambda value: lists[tuple(value)],
            dict: lambda value: objects[tuple(value.items())],
        }
        lists = _Memory(lambda names: _quote(_guard(", ".join(map(str, names)))))
        objects = _Memory(lambda pairs: _quote(json.dumps(dict(pairs), sort_keys=True, ensure_ascii=False)))

    def write(self, values: t.Iterable[t.Any]) -> str:
        """Return values as they stand in a line of a CSV."""
        texts, write = self._texts, self._write
        # Nearly all are texts and numbers of usual size: no call for each of them.
        return ",".join(
            [
                texts[value]
                if value.__class__ is str
                else repr(value)
                if value.__class__ is float and (1e-4 <= value < 1e16 or value == 0.0)
                else write[value.__class__](value)
                for value in values
            ]
        )


class _Memory(t.Dict[t.Any, str]):
    """A dictionary that makes what it does not hold yet."""

    def __init__(self, make: t.Callable[[t.Any], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: t.Any) -> str:
        self[key] = value = self._make(key)
        return value


def _quote(text: str) -> str:
    """Return a text as a cell, in quotes where RFC 4180 wants them."""
    line = io.StringIO(newline="")
    # With another cell after it, since csv puts an empty text into quotes that is alone on its line.
    csv.writer(line).writerow((text, ""))
    return line.getvalue()[: -len(",\r\n")]


def _guard(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


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
