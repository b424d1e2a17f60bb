# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organization's invoices: usage becomes line items, line items become totals, prepaid credits run down.

Money is computed in exact decimals with four places and becomes a double only in the JSON.
"""

from __future__ import annotations

import datetime
import typing as t
from decimal import Decimal

from billing_sandbox._catalog import MACHINES, REGIONS, Price
from billing_sandbox._organization import Cluster, Organization
from billing_sandbox._values import Month, decimal, number, timestamp

USD = "USD"
CREDITS = "CRDB_CLOUD_CREDITS"
FREE_CREDIT_USD = Decimal(15)
CONTRACT_DISCOUNT = Decimal("0.85")
_FOUR_PLACES = Decimal("0.0001")
_SEVEN_PLACES = Decimal("0.0000001")
_CENT = Decimal("0.01")
_CREDIT_PACK = 1000

# How busy shops and payments are in each month of the year.
_SEASON = (0.94, 0.92, 0.97, 1.0, 1.0, 0.98, 0.95, 0.97, 1.02, 1.06, 1.28, 1.22)


class Line(t.NamedTuple):
    """One line item before it becomes JSON."""

    description: str
    unit: str
    quantity: Decimal
    unit_cost: Decimal
    amount: Decimal
    currency: str


class Invoice(t.NamedTuple):
    """One invoice: what selects it, and its JSON object."""

    id: str
    month: Month
    status: str
    content: dict[str, t.Any]


class _Usage:
    """Collects the line items of one cluster in one billing period."""

    def __init__(self, cluster: Cluster, *, currency: str, terms_before_renewal: bool) -> None:
        self.lines: list[Line] = []
        self._currency = currency
        self._factors = REGIONS[cluster.spec.provider]
        self._terms_before_renewal = terms_before_renewal

    def add(
        self,
        description: str,
        unit: str,
        quantity: float,
        price: Decimal,
        *,
        region: str | None = None,
        metered: bool = False,
        currency: str | None = None,
    ) -> None:
        """Add a line item.

        :param quantity: how much was used.
        :param price: list price of one unit in USD before the region's factor.
        :param region: the region whose prices count; without one the price is as it stands.
        :param metered: an organization with an older contract gets this shown, but not charged, until it renews.
        :param currency: another currency than the cluster's own.
        """
        currency = currency or self._currency
        if metered and self._terms_before_renewal:
            price = Decimal(0)
        if region is not None:
            price = price * self._factors[region]
        if currency == CREDITS:
            price = price * CONTRACT_DISCOUNT
        unit_cost = price.quantize(_SEVEN_PLACES).normalize()
        amount_used = decimal(quantity, 0 if unit == "REQUEST_UNITS" else 3)
        total = (amount_used * unit_cost).quantize(_FOUR_PLACES)
        self.lines.append(Line(description, unit, amount_used, unit_cost, total, currency))


def invoices(organization: Organization, *, grace_days: int = 0, adjusted_totals: bool = True) -> t.Iterator[Invoice]:
    """Generate the invoices, oldest first.

    :param grace_days: for so many days of a month the one before is still a draft.
    :param adjusted_totals: whether an invoice's totals include its adjustments.
    """
    balance = Decimal(0)
    for first in range(0, len(organization.months), 12):
        contract_year = range(first, min(first + 12, len(organization.months)))
        drafts = [_Draft(organization, index) for index in contract_year]
        balance += _purchase(drafts)
        for draft in drafts:
            balance -= draft.total(CREDITS)
            yield draft.invoice(balance, grace_days=grace_days, adjusted_totals=adjusted_totals)


def _purchase(drafts: t.Sequence[_Draft]) -> Decimal:
    """How many credits were bought for a contract year: somewhat more than it needs, in packs of a thousand.

    The need is that of the months that are over, so that the balances of finalized invoices do not change from day to
    day; only where none is over, that of the draft.
    """
    used = sum((draft.total(CREDITS) for draft in drafts), Decimal(0))
    if not used:
        return Decimal(0)
    over = [draft.total(CREDITS) for draft in drafts if draft.elapsed == 1]
    need = sum(over, Decimal(0)) / len(over) * 12 if over else used * 12
    margin = Decimal("1.04") if len(over) == 12 else Decimal("1.15")
    return (max(need * margin, used) // _CREDIT_PACK + 1) * _CREDIT_PACK


class _Draft:
    """One billing period on its way to an invoice."""

    def __init__(self, organization: Organization, index: int) -> None:
        self._organization = organization
        self._index = index
        self.month = organization.months[index]
        self._until = min(self.month.end, organization.now)
        whole = (self.month.end - self.month.start).total_seconds()
        self.elapsed = (self._until - self.month.start).total_seconds() / whole
        running = ((cluster, self._lines(cluster)) for cluster in organization.clusters)
        self._items = sorted(((cluster, lines) for cluster, lines in running if lines), key=lambda item: item[0].name)
        self._usage = _sums((line.currency, line.amount) for _cluster, lines in self._items for line in lines)
        self._adjustments = list(self._find_adjustments())
        self._adjusted = _sums(
            [*self._usage.items(), *((currency, amount) for _name, amount, currency in self._adjustments)]
        )

    def total(self, currency: str) -> Decimal:
        return self._adjusted.get(currency, Decimal(0))

    def invoice(self, balance: Decimal, *, grace_days: int, adjusted_totals: bool) -> Invoice:
        final = self.month.end + datetime.timedelta(days=grace_days) <= self._organization.now
        status = "FINALIZED" if final else "DRAFT"
        invoice_id = self._organization.draw.uuid("invoice", self.month)
        totals = self._adjusted if adjusted_totals else self._usage
        content = {
            "invoice_id": invoice_id,
            "status": status,
            "period_start": timestamp(self.month.start),
            "period_end": timestamp(self.month.end),
            "totals": _amounts(totals or {USD: Decimal(0)}),
            "balances": _amounts({CREDITS: balance}) if balance else [],
            "adjustments": [{"name": name, "amount": _money(amount, cur)} for name, amount, cur in self._adjustments],
            "invoice_items": [self._item(cluster, lines) for cluster, lines in self._items],
            "folder_resources": self._organization.folder_resources(self._until),
        }
        return Invoice(invoice_id, self.month, status, content)

    def _item(self, cluster: Cluster, lines: list[Line]) -> dict[str, t.Any]:
        return {
            "cluster": cluster.as_json(self._until),
            "totals": _amounts(_sums((line.currency, line.amount) for line in lines)),
            "line_items": [_line_item(line) for line in lines],
        }

    def _find_adjustments(self) -> t.Iterator[tuple[str, Decimal, str]]:
        """Name, amount and currency of what belongs to no cluster."""
        basic = sum(
            (
                line.amount
                for cluster, lines in self._items
                for line in lines
                if cluster.spec.plan == "BASIC" and line.currency == USD
            ),
            Decimal(0),
        )
        if basic:
            yield self._organization.text("Basic Free Credit", 0), -min(basic, FREE_CREDIT_USD), USD
        usage = sum(self._usage.values(), Decimal(0))
        if usage and self._index > 0:
            support = max(usage * Decimal("0.06"), Decimal(100) * decimal(self.elapsed, 4))
            yield self._organization.text("Premium Support", 1), support.quantize(_CENT), USD
        if self._index == self._spike + 1 and self._usage.get(CREDITS):
            yield "Service Credit", -(self._usage[CREDITS] * Decimal("0.05")).quantize(_CENT), CREDITS

    @property
    def _spike(self) -> int:
        """The billing period in which the first cluster was scaled up for a campaign."""
        return max(len(self._organization.months) - 5, 1)

    def _lines(self, cluster: Cluster) -> list[Line]:
        """The line items of a cluster, none when it did not exist."""
        contract = cluster.spec.contract
        usage = _Usage(
            cluster,
            currency=CREDITS if contract else USD,
            terms_before_renewal=contract and self.month.end <= self._organization.middle,
        )
        hours = cluster.hours(self.month.start, self._until)
        if hours > 0:
            _PLANS[cluster.spec.plan](self, cluster, usage, hours)
            self._fit(cluster, usage, hours)
        elif cluster.backup_hours(self.month.start, self._until) > 0:
            kept = cluster.backup_hours(self.month.start, self._until) * self._stored(cluster) * 0.4
            usage.add("Managed backup storage", "GIB_HOURS", kept, Price.BACKUP_STORAGE, region=cluster.spec.regions[0])
        if self._organization.hostile:
            text = self._organization.text
            usage.lines = [
                line._replace(description=text(line.description, cluster.index + at))
                for at, line in enumerate(usage.lines)
            ]
        return usage.lines

    def _load(self, cluster: Cluster) -> float:
        """How busy the cluster is in this billing period: growth, season, chance and the one campaign."""
        busy = cluster.growth(self.month.start) * cluster.draw.between(0.93, 1.07, "load", self.month)
        if "storefront" in cluster.spec.folder or "payments" in cluster.spec.folder:
            busy *= _SEASON[self.month.month - 1]
        return busy * self._boost(cluster)

    def _boost(self, cluster: Cluster) -> float:
        return 2.4 if cluster.index == 0 and self._index == self._spike else 1.0

    def _stored(self, cluster: Cluster) -> float:
        """GiB of data that a cluster holds in this billing period."""
        each = {"BASIC": 0.06, "STANDARD": 14.0, "ADVANCED": 130.0}[cluster.spec.plan]
        return each * cluster.spec.size * cluster.growth(self.month.start) * cluster.draw.between(0.8, 1.3, "stored")

    def _basic(self, cluster: Cluster, usage: _Usage, hours: float) -> None:
        units = cluster.spec.size * 1e6 / 730 * hours * self._load(cluster)
        usage.add("Request Units", "REQUEST_UNITS", units, Price.REQUEST_UNIT)
        usage.add("Storage", "GIB_HOURS", self._stored(cluster) * hours, Price.BASIC_STORAGE)
        # Part of the request units' price: shown with what was used, at no cost.
        usage.add("Data transfer (included)", "GIB", units / 4e6, Decimal(0))
        usage.add("Managed backup storage (included)", "GIB_HOURS", self._stored(cluster) * hours * 1.3, Decimal(0))

    def _standard(self, cluster: Cluster, usage: _Usage, hours: float) -> None:
        first = cluster.spec.regions[0]
        vcpu_hours = cluster.provisioned_vcpus(self.month.start) * hours * self._boost(cluster)
        usage.add("Provisioned compute", "VCPU_HOURS", vcpu_hours, Price.VCPU_HOUR, region=first)
        for region in cluster.spec.regions:
            stored = self._stored(cluster) / len(cluster.spec.regions) * (3 if region == first else 1)
            usage.add(f"Storage ({region})", "GIB_HOURS", stored * hours, Price.STANDARD_STORAGE, region=region)
        self._metered(cluster, usage, hours)

    def _advanced(self, cluster: Cluster, usage: _Usage, hours: float) -> None:
        machine = MACHINES[cluster.spec.provider][cluster.vcpus]
        nodes = int(cluster.nodes(self.month.start) * self._boost(cluster))
        price = Price.NODE_VCPU_HOUR * cluster.vcpus
        for region in cluster.spec.regions:
            usage.add(f"{machine} ({region})", "HOURS", nodes * hours, price, region=region)
            stored = nodes * cluster.storage_gib * hours
            usage.add(f"Provisioned storage ({region})", "GIB_HOURS", stored, Price.ADVANCED_STORAGE, region=region)
        if cluster.spec.env == "prod" and "payments" in cluster.spec.folder:
            everywhere = nodes * hours * len(cluster.spec.regions)
            usage.add("Advanced security add-on", "HOURS", everywhere, Price.SECURITY_VCPU_HOUR * cluster.vcpus)
        self._metered(cluster, usage, hours)

    def _metered(self, cluster: Cluster, usage: _Usage, hours: float) -> None:
        """What Standard and Advanced have in common: backups, data transfer and changefeeds, by use."""
        first, stored, load = cluster.spec.regions[0], self._stored(cluster) * hours, self._load(cluster)
        usage.add("Managed backup storage", "GIB_HOURS", stored * 1.6, Price.BACKUP_STORAGE, region=first, metered=True)
        usage.add("Point-in-time recovery", "GIB_HOURS", stored * 0.3, Price.PITR_STORAGE, region=first, metered=True)
        flow = self._stored(cluster) / 730 * hours * load
        # Egress is passed on in dollars, also to those who pay the rest from credits.
        usage.add(
            "Data transfer (internet)", "GIB", flow * 0.35, Price.INTERNET, region=first, metered=True, currency=USD
        )
        if len(cluster.spec.regions) > 1:
            usage.add("Data transfer (cross-region)", "GIB", flow * 2.2, Price.CROSS_REGION, metered=True, currency=USD)
        usage.add("Change data capture", "GIB", flow * 0.8, Price.CHANGE_DATA_CAPTURE, region=first, metered=True)

    def _fit(self, cluster: Cluster, usage: _Usage, hours: float) -> None:
        """Bring the line items to the number that was asked for: leave the last ones out, or add changefeeds."""
        wanted = self._organization.lines
        if wanted is None:
            return
        del usage.lines[wanted:]
        share = self._load(cluster) * hours
        for feed in range(1, wanted - len(usage.lines) + 1):
            quantity = share * cluster.draw.between(0.001, 0.02, "feed", feed)
            usage.add(
                f"Change data capture (changefeed {feed})", "GIB", quantity, Price.CHANGE_DATA_CAPTURE, metered=True
            )


_PLANS: dict[str, t.Callable[[_Draft, Cluster, _Usage, float], None]] = {
    "BASIC": _Draft._basic,
    "STANDARD": _Draft._standard,
    "ADVANCED": _Draft._advanced,
}


def _sums(amounts: t.Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Exact sums by currency, USD first."""
    totals: dict[str, Decimal] = {}
    for currency, amount in amounts:
        totals[currency] = totals.get(currency, Decimal(0)) + amount
    return dict(sorted(totals.items(), key=lambda total: total[0] != USD))


def _money(amount: Decimal, currency: str) -> dict[str, t.Any]:
    return {"amount": number(amount), "currency": currency}


def _amounts(totals: dict[str, Decimal]) -> list[dict[str, t.Any]]:
    return [_money(amount, currency) for currency, amount in totals.items()]


def _line_item(line: Line) -> dict[str, t.Any]:
    return {
        "description": line.description,
        "quantity": number(line.quantity),
        "quantity_unit": line.unit,
        "unit_cost": number(line.unit_cost),
        "total": _money(line.amount, line.currency),
    }
