# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox's organizations are made of: folders, clusters, regions and prices."""

from __future__ import annotations

import typing as t
from decimal import Decimal

# Regions of each provider, with the factor by which a region's prices differ from the cheapest one.
REGIONS: dict[str, dict[str, Decimal]] = {
    "AWS": {
        "us-east-1": Decimal(1),
        "us-west-2": Decimal(1),
        "eu-west-1": Decimal("1.08"),
        "eu-central-1": Decimal("1.12"),
        "ap-southeast-1": Decimal("1.2"),
    },
    "GCP": {
        "us-central1": Decimal(1),
        "us-east1": Decimal(1),
        "us-west2": Decimal("1.15"),
        "europe-west1": Decimal("1.06"),
        "asia-southeast1": Decimal("1.18"),
    },
    "AZURE": {
        "eastus2": Decimal(1),
        "westeurope": Decimal("1.1"),
        "germanywestcentral": Decimal("1.14"),
    },
}

# Machine types of the Advanced plan by provider and vCPU.
MACHINES: dict[str, dict[int, str]] = {
    "AWS": {4: "m6i.xlarge", 8: "m6i.2xlarge"},
    "GCP": {4: "n2-standard-4", 8: "n2-standard-8"},
    "AZURE": {4: "Standard_D4s_v5", 8: "Standard_D8s_v5"},
}


class Price:
    """List prices in USD for one unit, near what the vendor publishes; in other regions times the region's factor."""

    REQUEST_UNIT = Decimal("0.0000002")
    BASIC_STORAGE = Decimal("0.000685")
    VCPU_HOUR = Decimal("0.09")
    STANDARD_STORAGE = Decimal("0.00055")
    NODE_VCPU_HOUR = Decimal("0.15")
    SECURITY_VCPU_HOUR = Decimal("0.0225")
    ADVANCED_STORAGE = Decimal("0.00034")
    BACKUP_STORAGE = Decimal("0.000062")
    PITR_STORAGE = Decimal("0.000137")
    CROSS_REGION = Decimal("0.02")
    INTERNET = Decimal("0.09")
    CHANGE_DATA_CAPTURE = Decimal("0.12")


class FolderSpec(t.NamedTuple):
    """A folder: its path from the root, and the labels that it carries."""

    path: str
    labels: dict[str, str]


FOLDERS: tuple[FolderSpec, ...] = (
    FolderSpec("engineering", {"cost_center": "1000"}),
    FolderSpec("engineering/payments", {"team": "payments", "cost_center": "1100"}),
    FolderSpec("engineering/identity", {"team": "identity", "cost_center": "1200"}),
    FolderSpec("engineering/storefront", {"team": "storefront", "cost_center": "1300"}),
    FolderSpec("engineering/platform", {"team": "platform", "cost_center": "1400"}),
    FolderSpec("data-platform", {"team": "data", "cost_center": "2000"}),
    FolderSpec("data-platform/analytics", {"team": "analytics", "cost_center": "2100"}),
    FolderSpec("data-platform/machine-learning", {"team": "machine-learning", "cost_center": "2200"}),
    FolderSpec("sandbox", {}),
)


class ClusterSpec(t.NamedTuple):
    """A cluster's story.

    C(size) is the number of nodes a region (Advanced), vCPU (Standard) or million request units a month (Basic) at
    first. C(born) and C(gone) are points of the organization's history, from 0 to 1. C(contract) clusters are paid
    from prepaid credits. C(moved_from) is the folder before the middle of the history.
    """

    name: str
    plan: str
    provider: str
    regions: tuple[str, ...]
    folder: str
    env: str
    size: int
    born: float
    gone: float | None = None
    contract: bool = False
    labelled: bool = True
    moved_from: str | None = None


# Ordered so that a small organization has something of everything too.
CLUSTERS: tuple[ClusterSpec, ...] = (
    ClusterSpec(
        "payments-ledger-prod",
        "ADVANCED",
        "AWS",
        ("us-east-1", "us-west-2", "eu-west-1"),
        "engineering/payments",
        "prod",
        3,
        0.0,
        contract=True,
    ),
    ClusterSpec(
        "identity-prod", "STANDARD", "GCP", ("us-central1", "europe-west1"), "engineering/identity", "prod", 24, 0.0
    ),
    ClusterSpec("hack-week", "BASIC", "GCP", ("us-east1",), "sandbox", "dev", 260, 0.1, labelled=False),
    ClusterSpec(
        "legacy-orders",
        "ADVANCED",
        "AWS",
        ("us-west-2",),
        "engineering/storefront",
        "prod",
        3,
        0.0,
        gone=0.55,
        contract=True,
    ),
    ClusterSpec(
        "storefront-prod",
        "ADVANCED",
        "GCP",
        ("us-east1", "europe-west1"),
        "engineering/storefront",
        "prod",
        3,
        0.2,
        contract=True,
    ),
    ClusterSpec("analytics-events", "STANDARD", "AWS", ("eu-central-1",), "data-platform/analytics", "prod", 16, 0.05),
    ClusterSpec(
        "feature-store",
        "ADVANCED",
        "AZURE",
        ("westeurope",),
        "data-platform/machine-learning",
        "prod",
        3,
        0.35,
        contract=True,
    ),
    ClusterSpec(
        "payments-ledger-staging",
        "STANDARD",
        "AWS",
        ("us-east-1",),
        "engineering/payments",
        "staging",
        4,
        0.08,
        contract=True,
    ),
    ClusterSpec("company-wiki", "BASIC", "GCP", ("us-central1",), "root", "prod", 90, 0.0),
    ClusterSpec(
        "telemetry",
        "STANDARD",
        "AZURE",
        ("eastus2",),
        "engineering/platform",
        "prod",
        8,
        0.15,
        moved_from="sandbox",
    ),
    ClusterSpec("load-test-2", "BASIC", "AWS", ("us-east-1", "ap-southeast-1"), "sandbox", "dev", 900, 0.3, gone=0.7),
    ClusterSpec("tutorial", "BASIC", "AWS", ("eu-west-1",), "root", "dev", 3, 0.5, labelled=False),
)

_SERVICES: tuple[tuple[str, str], ...] = (
    ("refunds", "engineering/payments"),
    ("fraud-scores", "engineering/payments"),
    ("subscriptions", "engineering/payments"),
    ("sessions", "engineering/identity"),
    ("permissions", "engineering/identity"),
    ("audit-trail", "engineering/identity"),
    ("catalog", "engineering/storefront"),
    ("carts", "engineering/storefront"),
    ("reviews", "engineering/storefront"),
    ("service-registry", "engineering/platform"),
    ("job-queue", "engineering/platform"),
    ("deployments", "engineering/platform"),
    ("clickstream", "data-platform/analytics"),
    ("metrics-rollup", "data-platform/analytics"),
    ("model-registry", "data-platform/machine-learning"),
    ("embeddings", "data-platform/machine-learning"),
    ("prototype", "sandbox"),
)
_ENVS = ("prod", "staging", "dev")
_SHAPES: tuple[tuple[str, str, int], ...] = (
    ("STANDARD", "GCP", 6),
    ("ADVANCED", "AWS", 3),
    ("BASIC", "AWS", 120),
    ("STANDARD", "AWS", 4),
    ("ADVANCED", "GCP", 3),
    ("STANDARD", "AZURE", 8),
    ("BASIC", "GCP", 30),
)


def further_cluster(number: int, total: int) -> ClusterSpec:
    """The story of a cluster past the hand-written ones, for organizations of any size."""
    service, folder = _SERVICES[number % len(_SERVICES)]
    turn = number // len(_SERVICES)
    env = _ENVS[turn % len(_ENVS)]
    generation = turn // len(_ENVS)
    plan, provider, size = _SHAPES[number % len(_SHAPES)]
    regions = tuple(REGIONS[provider])
    first = number % len(regions)
    born = 0.8 * number / max(total, 1)
    return ClusterSpec(
        name=f"{service}-{env}" + (f"-{generation + 1}" if generation else ""),
        plan=plan,
        provider=provider,
        regions=tuple(dict.fromkeys((regions[first], regions[-1]))) if number % 5 == 0 else (regions[first],),
        folder=folder,
        env=env,
        size=size,
        born=born,
        gone=born + 0.6 * (1 - born) if number % 11 == 7 else None,
        contract=plan == "ADVANCED",
        labelled=number % 9 != 4,
    )
