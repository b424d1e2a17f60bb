# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""What the sections of the page share: cards, tables, cells, and what groups are called."""

from __future__ import annotations

import typing as t

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    change,
    currency_name,
    month_name,
    number,
    signed,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import Markup, Part, join, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Books, Decimal, Model
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import month_before

KINDS = {"adjustment": "Adjustments", "unitemized": "Not itemized"}


class View(t.NamedTuple):
    """One currency of the model, and what the ids of its sections begin with."""

    model: Model
    books: Books
    mark: str

    @property
    def code(self) -> str | None:
        return self.books.currency

    @property
    def currency(self) -> str:
        return currency_name(self.code, [books.currency for books in self.model.currencies])

    @property
    def month(self) -> str:
        """The newest month, and whether it is still going on."""
        return f"{month_name(self.model.newest)}{' so far' if self.model.draft else ''}"

    @property
    def before(self) -> str:
        return month_name(month_before(self.model.newest)) if self.model.newest else ""

    @property
    def owner(self) -> str:
        """What it is that costs without an owner lack."""
        return groups_name(self.model.group_by[bool(self.model.organizations) :][:1])

    def card(self, key: str, title: Part, *parts: Part) -> Markup:
        """Return a section with a title."""
        return card(f"{self.mark}-{key}", title, *parts, of=self.mark)


def card(mark: str, title: Part, *parts: Part, of: str = "") -> Markup:
    """Return a section with a title; C(of) is the id of what tells it from others of that title."""
    return tag("section", tag("h3", title, id=mark), parts, class_="card", aria_labelledby=f"{mark} {of}".strip())


def groups_name(entries: t.Sequence[str]) -> str:
    """Return what the values of a key are called: cluster, team, organization and cloud provider."""
    return " and ".join(entry.split(":", 1)[-1].replace("_", " ") for entry in entries)


def key_name(key: t.Sequence[str | None]) -> Part:
    """Return a key as a reader sees it."""
    return [[" / " if place else None, name(part, missing="(none)")] for place, part in enumerate(key)]


def head(title: Part, kind: str = "text", *, wide: bool = False, sort: bool = False) -> Markup:
    """Return the head of a column.

    :param kind: C(number) for amounts, which stand at the right.
    :param wide: whether a narrow page leaves the column out.
    """
    classes = " ".join(one for one, wanted in (("n", kind == "number"), ("wide", wide)) if wanted)
    return tag("th", title, scope="col", class_=classes or None, data_sort=kind if sort else None)


def table(caption: Part, heads: Part, rows: Part, sums: Part = None, *, sortable: bool = False) -> Markup:
    """Return a table. Its sum is a body of its own, since a foot stands on every printed page."""
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", heads)),
            tag("tbody", rows),
            tag("tbody", tag("tr", sums), class_="sums") if sums else None,
            class_="rows" if sortable else None,
        ),
        class_="scroll",
        # With a name, since the script makes it a place for the keyboard where it can be scrolled.
        role="group",
        aria_label="Table",
    )


def cell(text: Part, *, wide: bool = False) -> Markup:
    return tag("td", text, class_="n wide" if wide else "n")


def amount_cell(amount: Decimal | None, *, wide: bool = False) -> Markup:
    return cell(number(amount) if amount else "\u2013", wide=wide)


def change_cell(amount: Decimal, now: Decimal, before: Decimal) -> Markup:
    """Return a change in money and, where there is room, in percent."""
    return cell(join(signed(amount), tag("span", " ", change(now, before), class_="by wide")))


def row_head(*parts: Part) -> Markup:
    return tag("th", parts, scope="row")
