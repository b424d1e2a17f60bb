# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report: the builder, the figures, the charts, and what of a model stands on the page."""

from __future__ import annotations

import base64
import collections
import hashlib
import html.parser
import re
import typing as t
from decimal import Decimal

import pytest

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _chart as chart
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils import _figures as figures
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._html import asset, join, name, tag
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page import page
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page_style import STYLE
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report import build
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_model import Model
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import Options, Source
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._bills import NOW, asked, bill, cluster, report

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7 * 7 }}\u202egnp.\u2066\0\u0085 "


class Seen(html.parser.HTMLParser):
    """All elements of a page, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: collections.Counter[str] = collections.Counter()
        self.attributes: collections.Counter[str] = collections.Counter()
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: t.Any) -> None:
        self.elements[tag] += 1
        self.attributes.update(key for key, _value in attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def page_text(model: Model) -> str:
    """Return what stands on the page of a model, in the order of its elements."""
    return " ".join(" ".join(Seen(page(model)).texts).split())


COMPUTE = cluster("a", ("Compute", 1, "HOURS", 60.0), labels={"team": "core", "env": "prod"})
OTHER = cluster("b", ("Compute", 1, "HOURS", 60.0), labels={"env": "prod"})


# The builder


def test_what_the_builder_has_not_built_is_text() -> None:
    assert tag("p", "<b>", ["&", None, tag("i", 1)]) == "<p>&lt;b&gt;&amp;<i>1</i></p>"
    assert join("<", tag("br")) == "&lt;<br>"
    quoted = tag("a", class_="x", aria_label='"><script>', hidden=True, title=None, open=False)
    assert quoted == '<a class="x" aria-label="&quot;&gt;&lt;script&gt;" hidden></a>'
    assert Seen(tag("p", HOSTILE, title=HOSTILE)).elements == {"p": 1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066\u200bc", "<bdi>a⟨U+202E⟩b⟨U+2066⟩⟨U+200B⟩c</bdi>"),
        ("a\0\x1b", "<bdi>a\ufffd\ufffd</bdi>"),
        (" \u00a0", '<span class="none">(blank)</span>'),
        ("", '<span class="none">(blank)</span>'),
        ("Größe 容量 👩‍👩‍👧", "<bdi>Größe 容量 👩‍👩‍👧</bdi>"),
        (None, '<span class="none">(no name)</span>'),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text: str | None, shown: str) -> None:
    assert name(text) == shown


@pytest.mark.parametrize("text", ["a </style> b", "<!-- x"])
def test_an_asset_cannot_end_before_its_time(text: str) -> None:
    with pytest.raises(ValueError, match="no text for a style"):
        asset("style", text)


# Figures


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figures.number(Decimal("4680.315")), "4,680.32"),
        (figures.number(Decimal("-0.004")), "0.00"),
        (figures.money(Decimal("-1234.5"), "USD"), "\u2212$1,234.50"),
        (figures.large(Decimal("1234.5"), "COCKROACH_CREDITS"), "1,235 credits"),
        (figures.large(Decimal("999.5"), None), "999.50 without currency"),
        (figures.brief(Decimal(1305700000)), "1.3B"),
        (figures.brief(Decimal(4107000000000)), "4.1T"),
        (figures.brief(Decimal("999.6")), "1k"),
        (figures.brief(Decimal(9950), "USD"), "$10k"),
        (figures.brief(Decimal("-12.34"), "USD"), "\u2212$12.3"),
        (figures.signed(Decimal("0.004")), "0.00"),
        (figures.change(Decimal(12), Decimal(10)), "+20 %"),
        (figures.change(Decimal(12), Decimal(0)), "new"),
        (figures.change(Decimal(0), Decimal(10)), "gone"),
        (figures.change(Decimal(300), Decimal(10)), "\u00d7 30"),
        (figures.change(Decimal(-5), Decimal(-10)), "+50 %"),
        (figures.percent(Decimal("0.0994")), "9.9 %"),
        (figures.month_name("2026-05"), "May 2026"),
        (figures.date_name("2026-11-05"), "5 November 2026"),
        (figures.unit_of_usage("GIB_HOURS"), "GiB hours"),
    ],
)
def test_figures(shown: str, expected: str) -> None:
    assert shown == expected


# Charts


def test_slices_too_small_to_be_seen_are_folded_and_nothing_is_lost() -> None:
    amounts = [500.0, 300.0, 2.0, 1.0, 0.5, -40.0, -0.1]
    fills = [f"f{place}" for place in range(7)]
    scale = chart.scale_of([amounts], [])
    column = chart.column_of(amounts, fills, scale)
    assert all(one.height >= 3 for one in column.slices)
    up = [one for one in column.slices if one.top < scale.y(0) - 0.01]
    assert sum(one.height for one in up) == pytest.approx(scale.size(803.5))
    assert sum(one.height for one in column.slices) == pytest.approx(scale.size(803.5 + 40.1))
    crumbs = chart.column_of([6.0] * 40, [f"f{place}" for place in range(40)], chart.scale_of([[9000.0]], []))
    assert [one.fill for one in crumbs.slices] == ["fo"]


@pytest.mark.parametrize("high", [0.0, 0.03, 7, 99, 1234, 4.1e9])
def test_the_axis_has_a_few_round_steps(high: float) -> None:
    scale = chart.scale_of([[high]], [])
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 7
    assert scale.y(0) == pytest.approx(chart.HEIGHT + 22)
    assert all(float(f"{tick:.3g}") == pytest.approx(tick) for tick in ticks)


def test_labels_beside_the_chart_keep_apart() -> None:
    labels = chart.apart([(200, "a", ""), (201, "b", ""), (269, "c", ""), (270, "d", "")], 270)
    places = [place for place, _text, _kind in labels]
    assert all(after - before >= 16 for before, after in zip(places, places[1:]))
    assert places[-1] <= 270


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_fills_and_texts_stand_out_from_the_card_in_light_and_dark() -> None:
    schemes = [
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    ]
    assert len(schemes) == 2
    for scheme in schemes:
        for fill in ("f1", "f2", "f3", "f4", "f5", "f6", "f7", "fo", "fn", "bad", "good", "line"):
            assert contrast(scheme[fill], scheme["card"]) >= 3, fill
        for text in ("ink", "soft", "accent", "bad", "warn", "good"):
            assert contrast(scheme[text], scheme["card"]) >= 4.5, text
            assert contrast(scheme[text], scheme["page"]) >= 4.5, text


# The page

DETAILS = ("plan", "cloud_provider", "state")


def hostile(text: str) -> str:
    line = (text, 5, text, 100)
    months = [
        bill(
            month,
            cluster(text, line, cluster_id=text, labels={text: text, "team": text}, **dict.fromkeys(DETAILS, text)),
            cluster("plain", ("Compute", 1, "HOURS", 1)),
            adjustments={text: 3},
            balances=[{"amount": 5, "currency": text}],
            invoice_id=f"{month} {text}",
            folder_resources=[{"resource_id": text, "path": [{"id": "f", "name": text}]}],
        )
        for month in ("2026-10", "2026-11")
    ]
    months[0]["totals"][0]["amount"] += 9
    budgets = [{"amount": 5, "name": text}, {"amount": 70, "group": {"label:team": text}}]
    return page(report(*months, group_by=["label:team"], title=text, budgets=budgets))


def test_hostile_names_in_every_field_stay_text() -> None:
    seen, benign = Seen(hostile(HOSTILE)), Seen(hostile("harmless"))
    assert (seen.elements, seen.attributes) == (benign.elements, benign.attributes)
    assert seen.elements["script"] == seen.elements["style"] == 1
    text = "".join(seen.texts)
    assert text.count("<script>alert(1)</script>") >= 10
    assert not re.search("[\0\u0085\u202a-\u202e\u2066-\u2069]", text)


def test_the_policy_allows_the_style_and_the_script_that_are_there_and_nothing_else() -> None:
    text = page(report(bill("2026-11", COMPUTE)))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src &#x27;none&#x27;; img-src data:;")
    for element, body in re.findall(r"<(style|script)>(.*?)</\1>", text, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{element}-src &#x27;sha256-{digest}&#x27;" in policy[1]
    assert not re.search(r"\sstyle=|\son\w+=|https?://(?!www\.w3\.org)", text)


def test_the_page_has_the_figures_of_the_model() -> None:
    model = report(
        bill("2026-10", cluster("a", ("Compute", 2, "HOURS", 40.5)), cluster("b", ("Storage", 1, "GIB", 3.3))),
        bill("2026-11", cluster("a", ("Compute", 4, "HOURS", 90.25)), cluster("b", ("Storage", 1, "GIB", 3.3))),
        budgets=[{"amount": 180}],
    )
    seen = Seen(page(model))
    rows = [[cell.strip() for cell in row] for row in seen.rows]
    assert next(row[:5] for row in rows if row[0] == "Sum") == ["Sum", "93.55", "100 %", "43.80", "137.35"]
    # Of 30 days 15 are over, and perhaps the 16th: 175.41 to 187.10.
    assert "$175.41 to $187.10" in "".join(seen.texts)
    assert "may go over budget" in seen.texts
    mover = next(row for row in rows if row[0].startswith("aCompute"))
    assert mover[0] == "aCompute, 2 → 7.75 hours: +134.36"
    assert mover[2:] == ["+116.44", "+17.92", "+134.36"]


@pytest.mark.parametrize(
    ("status", "words_of_it", "silent"),
    [
        ("FINALIZED", ["as of 31 October 2026 (UTC)", "The month is over."], "expected"),
        ("DRAFT", ["The month is over, and its invoice is still a draft."], "Where October 2026 may end"),
    ],
)
def test_a_month_that_is_over_has_no_range(status: str, words_of_it: list[str], silent: str) -> None:
    text = page_text(report(bill("2026-10", COMPUTE, status=status)))
    assert [one for one in words_of_it if one not in text] == []
    assert silent not in text


def test_no_budget_is_passed_over_in_silence() -> None:
    text = page_text(report(bill("2026-10", COMPUTE), budgets=[{"amount": 7}, {"amount": 9, "currency": "EUR"}]))
    assert "All costs : there are no costs of this month to compare with $7.00." in text
    assert "1 budget (9.00 EUR) cannot be compared: no cost is in that currency." in text
    assert "1 budget ($7.00) cannot be compared" in page_text(report(budgets=[{"amount": 7}]))


def test_what_has_no_owner_is_said_of_the_first_entry() -> None:
    text = page_text(report(bill("2026-11", COMPUTE, OTHER), group_by=["label:team", "label:env"]))
    assert "No team $60.00" in text
    assert "1 cluster has no team : b $60.00" in text
    assert "No env $" not in text


def test_a_month_that_stands_out_has_a_cause_or_none_is_named() -> None:
    bills = [
        bill(
            f"2026-{5 + place:02d}",
            cluster("a", ("C", 1, "H", 100 + 100 * place), ("Refund", 1, "H", -60 * place)),
            adjustments={"Credit": -900 if place == 3 else -20},
        )
        for place in range(7)
    ]
    text = page_text(report(*bills))
    assert "July 2026 : $160.00, +60 % against the $100.00 that is usual around it. August 2026 :" in text
    assert "Most of it: Credit (\u2212880.00)." in text


def test_what_is_shared_out_is_summed_up() -> None:
    text = page_text(report(bill("2026-11", COMPUTE, OTHER), group_by=["label:team"], allocate="even"))
    assert "Share Shared in core 120.00 100 % 60.00" in text
    assert text.count("Sum 120.00 100 % 60.00") == 1


def test_clusters_of_several_organizations_are_one_table() -> None:
    sources = [Source("acme", asked([bill("2026-11", COMPUTE)], ["cluster"], NOW)), Source("globex", None, "no key")]
    seen = Seen(page(build(sources, Options("All", ["cluster"]), NOW)))
    assert [row[0] for row in seen.rows if "Share" in row] == ["Line item", "Cluster"]
