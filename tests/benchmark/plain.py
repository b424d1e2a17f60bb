# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same work in plain Python on the standard library, as someone would write it who has no Ansible.

C(plain.py parse URL KEY) fetches and parses the list of invoices. C(plain.py csv URL KEY FILE) writes its line items to
a file, with the columns of the collection's own CSV. It checks nothing: no retry, no deadline, no formula in a cell.
"""

from __future__ import annotations

import csv
import json
import sys
import typing as t
import urllib.request


def fetch(url: str, key: str) -> list[dict[str, t.Any]]:
    headers = {"Authorization": f"Bearer {key}", "Cc-Version": "2024-09-16"}
    request = urllib.request.Request(f"{url}/api/v1/invoices", headers=headers)  # noqa: S310 (the sandbox)
    with urllib.request.urlopen(request) as response:  # noqa: S310 (the same)
        invoices: list[dict[str, t.Any]] = json.loads(response.read())["invoices"]
    return invoices


HEADER = (
    "invoice_id,status,period_start,period_end,kind,cluster_id,cluster_name,plan,cloud_provider,regions,folder,labels,"
    "description,quantity,quantity_unit,unit_cost,amount,currency\r\n"
)


def write(invoices: list[dict[str, t.Any]], path: str) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        writer = csv.writer(file)
        for invoice in invoices:
            head = [invoice["invoice_id"], invoice["status"], invoice["period_start"], invoice["period_end"]]
            folders = {
                resource["resource_id"]: "/".join(folder["name"] for folder in resource["path"])
                for resource in invoice["folder_resources"]
            }
            names = {
                resource["resource_id"]: resource["name"]
                for resource in invoice["folder_resources"]
                if resource["resource_type"] == "FOLDER"
            }
            for item in invoice["invoice_items"]:
                cluster = item["cluster"]
                folder = folders.get(cluster["id"])
                if folder is None:
                    parent = cluster["parent_id"]
                    folder = "/".join(filter(None, [folders.get(parent), names.get(parent)]))
                usage = [
                    *head,
                    "usage",
                    cluster["id"],
                    cluster["name"],
                    cluster["plan"],
                    cluster["cloud_provider"],
                    ", ".join(sorted(region["name"] for region in cluster["regions"])),
                    folder,
                    json.dumps(cluster["labels"], sort_keys=True, ensure_ascii=False),
                ]
                for line in item["line_items"]:
                    writer.writerow(
                        [
                            *usage,
                            line["description"],
                            float(line["quantity"]),
                            line["quantity_unit"],
                            float(line["unit_cost"]),
                            float(line["total"]["amount"]),
                            line["total"]["currency"],
                        ]
                    )
            for adjustment in invoice.get("adjustments", []):
                amount = adjustment["amount"]
                nothing = [None] * 3
                row = [*head, "adjustment", None, None, None, None, None, None, "{}", adjustment["name"], *nothing]
                writer.writerow([*row, float(amount["amount"]), amount["currency"]])


def main() -> None:
    """Run one of the two."""
    what, url, key, *further = sys.argv[1:]
    invoices = fetch(url, key)
    if what == "csv":
        write(invoices, further[0])
    print(len(invoices))


if __name__ == "__main__":
    main()
