# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""One order for what an invoice holds, so that the same bill makes the same file however the API orders it."""

from __future__ import annotations

import itertools
import json
import typing as t

Raw = t.Dict[str, t.Any]

_canonical = json.JSONEncoder(sort_keys=True).encode


def in_order(invoice: Raw) -> Raw:
    """Return an invoice with its items by cluster, and its line items, adjustments, regions and labels in order.

    :param invoice: an invoice as the API sent it; it stays as it is, and what has the wrong type stays so too.
    """
    ordered = invoice.copy()
    items = invoice.get("invoice_items")
    if isinstance(items, list) and all(isinstance(item, dict) for item in items):
        ordered["invoice_items"] = _items([_item(item) for item in items])
    _sort_entry(ordered, "adjustments", _canonical)
    return ordered


def _items(items: list[Raw]) -> list[Raw]:
    items.sort(key=_cluster_key)
    groups = (list(group) for dummy, group in itertools.groupby(items, _cluster_key))
    # More than one item of a cluster is rare, and only the whole of each tells them apart.
    return [item for group in groups for item in (sorted(group, key=_canonical) if len(group) > 1 else group)]


def _item(item: Raw) -> Raw:
    ordered = item.copy()
    cluster = item.get("cluster")
    if isinstance(cluster, dict):
        ordered["cluster"] = cluster = cluster.copy()
        _sort_entry(cluster, "regions", _canonical)
        labels = cluster.get("labels")
        if isinstance(labels, dict):
            cluster["labels"] = dict(sorted(labels.items()))
    _sort_entry(ordered, "line_items", _line_key)
    return ordered


def _sort_entry(holder: Raw, name: str, key: t.Callable[[t.Any], t.Any]) -> None:
    entries = holder.get(name)
    if not isinstance(entries, list) or len(entries) < 2:
        return
    try:
        holder[name] = sorted(entries, key=key)
    except (TypeError, AttributeError):
        # A null beside a value, or not even the right type: slower by ten, and any JSON will do.
        holder[name] = sorted(entries, key=_canonical)


def _cluster_key(item: Raw) -> tuple[str, str]:
    cluster = item.get("cluster")
    if not isinstance(cluster, dict):
        return "", ""
    return f"{cluster.get('name') or ''}", f"{cluster.get('id') or ''}"


def _line_key(line: Raw) -> tuple[t.Any, ...]:
    """Return all that a row tells of a line item."""
    get, total = line.get, line.get("total") or {}
    return (
        get("description"),
        get("quantity_unit"),
        get("quantity"),
        get("unit_cost"),
        total.get("currency"),
        total.get("amount"),
    )
