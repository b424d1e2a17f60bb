# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organization: its folders and the life of its clusters. What that costs stands in C(_invoices)."""

from __future__ import annotations

import datetime
import typing as t

from billing_sandbox._catalog import CLUSTERS, FOLDERS, MACHINES, ClusterSpec, FolderSpec, further_cluster
from billing_sandbox._values import Draw, Month, timestamp

# Texts that a careless program takes for markup, a formula, a template or a path.
HOSTILE_TEXTS = (
    "<script>alert(document.domain)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://example.com","open")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "-2+3",
    "{{ lookup('pipe', 'id') }}",
    "{% raw %}{{ 7 * 7 }}",
    "</title></script><svg onload=alert(1)>",
    "../../etc/passwd",
    'comma, "quote" and\nnewline',
    "Zoë Ünïcödé 数据库 \u202egnp.exe",
)

# How long a deleted cluster's backups are kept, and so billed.
BACKUP_RETENTION_MONTHS = 12


class Cluster:
    """One cluster over its life."""

    def __init__(self, spec: ClusterSpec, index: int, *, organization: Organization) -> None:
        self.spec = spec
        self.index = index
        self.draw = Draw(organization.draw.token(32, "clusters"), spec.name)
        self.name = organization.text(spec.name, index)
        self.id = self.draw.uuid("id")
        self._organization = organization
        self.created_at = organization.moment(spec.born, self.draw)
        self.deleted_at = None if spec.gone is None else organization.moment(spec.gone, self.draw)
        self._growth_rate = self.draw.between(0.25, 1.3, "growth")
        self.vcpus = 8 if spec.env == "prod" else 4
        self.storage_gib = 300 * (self.vcpus // 4)

    def hours(self, start: datetime.datetime, end: datetime.datetime) -> float:
        """For how many hours of an interval the cluster ran."""
        begin = max(start, self.created_at)
        stop = end if self.deleted_at is None else min(end, self.deleted_at)
        return max((stop - begin).total_seconds() / 3600, 0.0)

    def backup_hours(self, start: datetime.datetime, end: datetime.datetime) -> float:
        """For how many hours of an interval backups of the deleted cluster were still kept."""
        if self.deleted_at is None:
            return 0.0
        kept_until = Month.of(self.deleted_at).plus(BACKUP_RETENTION_MONTHS).start
        begin, stop = max(start, self.deleted_at), min(end, kept_until)
        return max((stop - begin).total_seconds() / 3600, 0.0)

    def growth(self, moment: datetime.datetime) -> float:
        """By what the cluster's load has grown since it was created."""
        return 1 + self._growth_rate * self._organization.share_of_history(self.created_at, moment)

    def nodes(self, moment: datetime.datetime) -> int:
        """Nodes in each region (Advanced)."""
        return int(self.spec.size * max(self.growth(moment), 1.0))

    def provisioned_vcpus(self, moment: datetime.datetime) -> int:
        """vCPU of a Standard cluster: capacity is bought in steps of two."""
        return 2 * round(self.spec.size * self.growth(moment) / 2)

    def folder(self, moment: datetime.datetime) -> str:
        """The path of the folder that the cluster is in, C(root) without one."""
        if self.spec.moved_from is not None and moment <= self._organization.middle:
            return self.spec.moved_from
        return self.spec.folder

    def labels(self) -> dict[str, str]:
        if not self.spec.labelled:
            return {}
        inherited = self._organization.folder_labels(self.spec.folder)
        team = inherited.get("team", "corporate" if self.spec.folder == "root" else "engineering")
        labels = {"team": team, "env": self.spec.env, "cost_center": inherited.get("cost_center", "9000")}
        return {name: self._organization.text(value, self.index + 3) for name, value in labels.items()}

    def as_json(self, moment: datetime.datetime) -> dict[str, t.Any]:
        """The Cluster object as it was at a moment."""
        spec, deleted = self.spec, self.deleted_at is not None and self.deleted_at < moment
        advanced = spec.plan == "ADVANCED"
        answer: dict[str, t.Any] = {
            "id": self.id,
            "name": self.name,
            "cockroach_version": _cockroach_version(moment),
            "upgrade_status": "FINALIZED",
            "plan": spec.plan,
            "cloud_provider": spec.provider,
            "account_id": self._account_id() if advanced else "",
            "state": "DELETED" if deleted else "CREATED",
            "creator_id": self._organization.draw.uuid("creator", self.index % 3),
            "operation_status": "UNSPECIFIED",
            "config": self._dedicated() if advanced else self._serverless(moment),
            "regions": [self._region(region, moment, deleted=deleted) for region in spec.regions],
            "created_at": timestamp(self.created_at),
            "cidr_range": "172.28.0.0/14" if advanced and spec.provider == "GCP" else "",
            "labels": self.labels(),
            "parent_id": self._organization.folder_id(self.folder(moment)),
            "delete_protection": "ENABLED" if spec.env == "prod" and not deleted else "DISABLED",
            "is_customer_cloud_account": False,
        }
        if self.deleted_at is not None and deleted:
            answer["deleted_at"] = timestamp(self.deleted_at)
        if advanced:
            answer["network_visibility"] = "PRIVATE"
            answer["egress_traffic_policy"] = "DEFAULT_DENY" if spec.env == "prod" else "ALLOW_ALL"
        return answer

    def _account_id(self) -> str:
        if self.spec.provider == "GCP":
            return f"crl-prod-{self.draw.token(3, 'account')}"
        if self.spec.provider == "AWS":
            return str(int(self.draw.between(1e11, 1e12, "account")))
        return self.draw.uuid("account")

    def _dedicated(self) -> dict[str, t.Any]:
        return {
            "dedicated": {
                "machine_type": MACHINES[self.spec.provider][self.vcpus],
                "num_virtual_cpus": self.vcpus,
                "storage_gib": self.storage_gib,
                "memory_gib": self.vcpus * 4,
                "disk_iops": 15 * self.storage_gib if self.spec.provider == "AWS" else 0,
            }
        }

    def _serverless(self, moment: datetime.datetime) -> dict[str, t.Any]:
        limits = (
            {"provisioned_virtual_cpus": str(self.provisioned_vcpus(moment))}
            if self.spec.plan == "STANDARD"
            else {"request_unit_limit": str(self.spec.size * 10_000_000), "storage_mib_limit": str(1024 * 200)}
        )
        return {"serverless": {"routing_id": self._routing_id(), "upgrade_type": "AUTOMATIC", "usage_limits": limits}}

    def _routing_id(self) -> str:
        return f"{self.spec.name}-{int(self.draw.between(1000, 9999, 'routing'))}"

    def _region(self, region: str, moment: datetime.datetime, *, deleted: bool) -> dict[str, t.Any]:
        advanced = self.spec.plan == "ADVANCED"
        host = f"{self.spec.provider.lower()}-{region}.cockroachlabs.cloud"
        name = f"{self.spec.name}-{self.draw.token(3, 'host')}.{host}" if advanced else host
        answer: dict[str, t.Any] = {
            "name": region,
            "sql_dns": name,
            "ui_dns": f"admin-{name}" if advanced else "",
            "internal_dns": f"internal-{name}",
            "private_endpoint_dns": f"private-{name}" if self.spec.provider == "GCP" else "",
            "node_count": self.nodes(moment) if advanced and not deleted else 0,
        }
        if not advanced and len(self.spec.regions) > 1:
            answer["primary"] = region == self.spec.regions[0]
        return answer


def _cockroach_version(moment: datetime.datetime) -> str:
    """Two major versions a year, a patch release a month: near enough to the real ones."""
    return f"v{moment.year - 2001}.{1 if moment.month < 7 else 2}.{(moment.month - 1) % 6 + 1}"


class Organization:
    """Folders and clusters, deterministic for its key, its size and the moment that counts as now."""

    def __init__(
        self,
        *,
        key: str,
        months: int,
        clusters: int,
        lines: int | None,
        now: datetime.datetime,
        shuffled: bool = False,
        hostile: bool = False,
    ) -> None:
        """Lay out the organization.

        :param key: what all numbers are drawn from: the seed, and the name of a further organization.
        :param months: the number of billing periods, this month included.
        :param clusters: how many clusters there are or were.
        :param lines: line items for each running cluster, None for as many as its plan has.
        :param now: the moment up to which the draft has grown.
        :param shuffled: pick other clusters than the first ones, for organizations beside the main one.
        :param hostile: replace names, labels and descriptions by texts that break careless programs.
        """
        self.draw = Draw(key)
        self.id = self.draw.uuid("organization")
        self.now = now
        self.lines = lines
        self.hostile = hostile
        this_month = Month.of(now)
        self.months = [this_month.plus(back - months + 1) for back in range(months)]
        self.start = self.months[0].start if self.months else this_month.start
        # The history ends with the month, not now: what is finalized stays as it is while the draft grows.
        self.end = this_month.end
        self.middle = self.start + (self.end - self.start) / 2
        specs = [CLUSTERS[i] if i < len(CLUSTERS) else further_cluster(i, clusters) for i in range(clusters)]
        if shuffled:
            size = max(40, clusters)
            pool = list(CLUSTERS) + [further_cluster(i, size) for i in range(len(CLUSTERS), size)]
            specs = sorted(pool, key=lambda spec: self.draw.fraction("pick", spec.name))[:clusters]
        self.folders = FOLDERS
        self.clusters = [Cluster(spec, index, organization=self) for index, spec in enumerate(specs)]

    def moment(self, share: float, draw: Draw) -> datetime.datetime:
        """A moment of the history for a share from 0 to 1, moved by up to some days so that not all is on one day."""
        length = self.end - self.start
        jitter = min(datetime.timedelta(days=9), length * 0.2) * draw.between(0.02, 1, "moment")
        return self.start + length * share * 0.9 + jitter

    def share_of_history(self, start: datetime.datetime, end: datetime.datetime) -> float:
        """How much of the history, counted as a year at least, lies between two moments."""
        length = max((self.end - self.start).total_seconds(), 365 * 86400.0)
        return max((end - start).total_seconds(), 0.0) / length

    def text(self, value: str, number: int) -> str:
        """The text itself, or a hostile one that stays unique."""
        return f"{HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)]} {value}" if self.hostile else value

    def folder_id(self, path: str) -> str:
        return "root" if path == "root" else self.draw.uuid("folder", path)

    def folder_labels(self, path: str) -> dict[str, str]:
        return next((folder.labels for folder in self.folders if folder.path == path), {})

    def folder_resources(self, moment: datetime.datetime) -> list[dict[str, t.Any]]:
        """Folders and the clusters that exist at a moment, each with the folders above it."""
        resources = [self._folder_resource(folder) for folder in self.folders]
        for cluster in sorted(self.clusters, key=lambda one: one.name):
            gone = cluster.deleted_at is not None and cluster.deleted_at < moment
            if cluster.created_at < moment and not gone:
                resources.append(self._cluster_resource(cluster, moment))
        return resources

    def _folder_resource(self, folder: FolderSpec) -> dict[str, t.Any]:
        parent, _slash, _name = folder.path.rpartition("/")
        return {
            "resource_id": self.folder_id(folder.path),
            "resource_type": "FOLDER",
            "parent_id": self.folder_id(parent or "root"),
            "organization_id": self.id,
            "name": self._folder_name(folder.path),
            "path": self._path(parent),
            "labels": dict(folder.labels),
        }

    def _cluster_resource(self, cluster: Cluster, moment: datetime.datetime) -> dict[str, t.Any]:
        folder = cluster.folder(moment)
        return {
            "resource_id": cluster.id,
            "resource_type": "CLUSTER",
            "parent_id": self.folder_id(folder),
            "organization_id": self.id,
            "name": cluster.name,
            "path": self._path("" if folder == "root" else folder),
            "labels": cluster.labels(),
        }

    def _folder_name(self, path: str) -> str:
        return self.text(path.rpartition("/")[2], len(path))

    def _path(self, path: str) -> list[dict[str, str]]:
        parts = path.split("/") if path else []
        paths = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        return [{"id": self.folder_id(one), "name": self._folder_name(one)} for one in paths]
