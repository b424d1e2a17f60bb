# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The page's middle: spend by month, who pays, the clusters, and months that stand out."""

from __future__ import annotations

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._chart import (
    legend,
    months_chart,
    series_name,
    spark,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import (
    change,
    large,
    month_name,
    number,
    percent,
    plural,
    signed,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import Markup, Part, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._money import ZERO
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_parts import (
    KINDS,
    View,
    amount_cell,
    groups_name,
    head,
    key_name,
    row_head,
    table,
)
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import (
    Cluster,
    Decimal,
    Group,
    Standout,
)

_WORDS = {"cloud_provider": "cloud"}
# So many clusters without an owner are named; the table has them all.
_NAMED = 12


def by_month(view: View) -> Markup | None:
    """Return the chart of the months, and its numbers."""
    books = view.books
    if not books.months or not books.chart.series:
        return None
    budget = next((one for one in view.model.budgets if one.currency == view.code and not one.group), None)
    by = books.chart.by
    note: list[Part] = [f"In {view.currency}", [", by ", name(groups_name(by))] if by else None]
    if by and view.model.group_by and by != view.model.group_by:
        note.append([": there are too many groups by ", name(groups_name(view.model.group_by)), " to tell them apart"])
    note.append(f". The newest {len(books.months)} months." if view.model.months > len(books.months) else ".")
    return view.card(
        "months",
        "Spend by month",
        tag("p", note, class_="note"),
        months_chart(books, budget, f"{view.mark}-months"),
        legend(books),
        tag("details", tag("summary", "The numbers of this chart"), _numbers(view), class_="more"),
    )


def _numbers(view: View) -> Markup:
    chart = view.books.chart
    heads = [
        head("Month"),
        [head(name(series_name(one, chart.by)), "number") for one in chart.series],
        head("Sum", "number"),
    ]
    rows = []
    for place, month in reversed(list(enumerate(view.books.months))):
        title = f"{month_name(month.period)}{' (draft)' if month.draft else ''}"
        cells = [amount_cell(one.amounts[place]) for one in chart.series]
        rows.append(tag("tr", row_head(title), cells, amount_cell(month.amount)))
    return table(f"Spend by month in {view.currency}", heads, rows)


def who_pays(view: View) -> Markup | None:
    """Return the groups, and of what has none the clusters by name."""
    if not view.model.group_by or not view.books.groups:
        return None
    lost = _lost(view)
    # The clusters' table names their organizations.
    if view.model.group_by[-1:] == ["cluster"] and len(view.model.group_by) == 1 + bool(view.model.organizations):
        return view.card("who", "Who pays", lost, _clusters(view))
    title = groups_name(view.model.group_by)
    return view.card(
        "who",
        "Who pays",
        lost,
        _groups(view, title),
        tag("h4", "Clusters"),
        _clusters(view),
    )


def _lost(view: View) -> Markup | None:
    lost = view.books.unallocated
    if lost is None:
        return None
    what = view.owner
    words: list[Part] = []
    if lost.clusters:
        count = plural(len(lost.clusters), "cluster has", "clusters have")
        named = [
            [", " if place else None, tag("b", name(cluster)), f" {large(amount, view.code)}"]
            for place, (cluster, amount) in enumerate(lost.clusters[:_NAMED])
        ]
        more = f" and {len(lost.clusters) - _NAMED} more" if len(lost.clusters) > _NAMED else ""
        words.append([f"{count} no ", name(what), ": ", named, more, ". "])
    if lost.adjustments:
        words.append(f"Adjustments of {large(lost.adjustments, view.code)} belong to no cluster. ")
    if lost.unitemized:
        words.append(f"{large(lost.unitemized, view.code)} of the bill is not itemized.")
    if not words:
        words.append(["Every cost has its ", name(what), "."])
    return tag("p", f"In {view.month}: ", words, class_="note")


def _heads(view: View, first: str, *, shared: bool = False) -> list[Markup]:
    titles = [view.month, "Share"]
    if view.books.before is not None:
        titles.append(view.before)
    if view.model.months > 1:
        titles.append(f"All {view.model.months} months")
    titles += ["Shared in"] if shared else []
    numbers = [head(title, "number", sort=True) for title in titles]
    return [head(first, sort=True), *numbers, *([head("By month")] if len(view.books.months) > 1 else [])]


def _amounts(view: View, amounts: list[Decimal], total: Decimal, *shared: Decimal | None) -> Part:
    now, spent = amounts[-1] if amounts else ZERO, view.books.spent
    # Without a class for each: there may be very many of them.
    cells = [now, amounts[-2] if view.books.before is not None else None, total if view.model.months > 1 else None]
    shown = [tag("td", number(amount) if amount else "\u2013") for amount in cells if amount is not None]
    shown.insert(1, tag("td", percent(now / spent) if spent > 0 and now > 0 else ""))
    shown += [tag("td", number(amount) if amount else "\u2013") for amount in shared]
    return [shown, tag("td", spark(amounts)) if len(amounts) > 1 else None]


def _sums(view: View, *shared: Decimal) -> Part:
    return [row_head("Sum"), _amounts(view, [month.amount for month in view.books.months], view.books.total, *shared)]


def _groups(view: View, title: str) -> Markup:
    shared = any(group.allocated for group in view.books.groups)
    rows = []
    for group in view.books.groups:
        more = [group.allocated] if shared else []
        rows.append(tag("tr", row_head(_group_name(view, group)), _amounts(view, group.amounts, group.total, *more)))
    into = sum((group.allocated or ZERO for group in view.books.groups), ZERO)
    heads, sums = _heads(view, title.capitalize(), shared=shared), _sums(view, *([into] if shared else []))
    return table([name(title.capitalize()), f", in {view.currency}"], heads, rows, sums, sortable=True)


def _group_name(view: View, group: Group) -> Part:
    if group.key[-1] is not None:
        return key_name(group.key)
    nobody = tag("span", f"No {groups_name(view.model.group_by[-1:])}", class_="none")
    return [[[name(part, missing="(none)"), " / "] for part in group.key[:-1]], nobody]


def _clusters(view: View) -> Markup | None:
    rows = [_cluster(view, cluster) for cluster in view.books.clusters if any(cluster.amounts) or cluster.total]
    if not rows:
        return None
    return table(f"Clusters, in {view.currency}", _heads(view, "Cluster"), rows, _sums(view), sortable=True)


def _cluster(view: View, cluster: Cluster) -> Markup:
    title: Part = name(cluster.name) if cluster.kind == "usage" else tag("span", KINDS[cluster.kind], class_="none")
    if cluster.kind == "usage":
        pairs = [("id", cluster.cluster_id)]
        pairs += [(_WORDS.get(key, key), value) for key, value in cluster.details.items() if key != "labels"]
        pairs += [(f"label {key}", value) for key, value in sorted((cluster.details.get("labels") or {}).items())]
        told = [[tag("dt", name(key)), tag("dd", name(value))] for key, value in pairs if value is not None]
        whose = [" ", tag("span", name(cluster.organization), class_="by")] if cluster.organization else None
        title = tag("details", tag("summary", title, whose), tag("dl", told))
    elif cluster.organization is not None:
        title = [title, " ", name(cluster.organization)]
    return tag("tr", row_head(title), _amounts(view, cluster.amounts, cluster.total))


def stand_out(view: View) -> Markup | None:
    """Return the months that are unlike their neighbours."""
    if not view.books.standouts:
        return None
    return view.card(
        "standouts", "Months that stand out", tag("ul", [_standout(view, one) for one in view.books.standouts])
    )


def _standout(view: View, one: Standout) -> Markup:
    share = one.amount / one.usual
    times = f"{number(share, 1)} times" if share > 2 else f"{change(one.amount, one.usual)} against"
    return tag(
        "li",
        tag("b", month_name(one.period)),
        f": {large(one.amount, view.code)}, {times} the {large(one.usual, view.code)} that is usual around it. ",
        ["Most of it: ", name(one.description, missing="what is not itemized"), f" ({signed(one.difference)})."]
        if one.difference * (one.amount - one.usual) > 0
        else None,
    )
