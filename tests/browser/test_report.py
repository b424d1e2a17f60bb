# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reader of the report sees, hears and can do in headless Chromium, for organizations of many kinds."""

from __future__ import annotations

import datetime
import decimal
import functools
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = pathlib.Path(tempfile.mkdtemp(prefix="billing-tree-"))
(TREE / "ansible_collections" / "cockroachdb_cloud").mkdir(parents=True)
(TREE / "ansible_collections" / "cockroachdb_cloud" / "billing").symlink_to(ROOT)
sys.path[:0] = [str(TREE), str(ROOT / "tests" / "sandbox")]

from billing_sandbox import Sandbox

from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._figures import large, number, span
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._page import page as page_of
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report import as_json, build
from ansible_collections.cockroachdb_cloud.billing.plugins.module_utils._report_rows import Options, Source
from ansible_collections.cockroachdb_cloud.billing.tests.unit.plugins._bills import asked

if t.TYPE_CHECKING:
    # Playwright is in the environment of these tests alone, not in that of the type checker.
    from playwright.sync_api import Browser, Page  # type: ignore[import-not-found, unused-ignore]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
AXE = ROOT / ".cache" / "browser" / "node" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 360, "height": 740}


class Scene(t.NamedTuple):
    """An organization of the sandbox, on a day, and what is asked about it."""

    clusters: int = 12
    months: int = 14
    today: str = "2026-11-25"
    key: str = "sandbox-key"
    group_by: t.Sequence[str] = ("cluster",)
    cost: t.Mapping[str, t.Any] = {}
    last_month: bool = False
    organizations: t.Sequence[str] = ()


SCENES = {
    "main": Scene(),
    "none": Scene(months=0),
    "no-clusters": Scene(0, 3),
    "one": Scene(1, 1),
    "three": Scene(3),
    "many": Scene(150, 24),
    "huge": Scene(600, 24),
    "rate": Scene(cost={"credit_rate": 0.9, "budgets": [{"amount": 80000, "name": "Year"}]}),
    "over": Scene(cost={"budgets": [{"amount": 7000}, {"amount": 9100}, {"amount": 8900}, {"amount": 90000}]}),
    "team": Scene(group_by=("label:team",), cost={"credit_rate": 0.9}),
    "first-day": Scene(today="2026-11-01T05:00:00Z", cost={"budgets": [{"amount": 7000}]}),
    "day-five": Scene(today="2026-11-05T23:00:00Z", cost={"budgets": [{"amount": 7000}]}),
    "last-month": Scene(last_month=True),
    "missing": Scene(organizations=("acme", "globex"), group_by=()),
    "hostile": Scene(key="sandbox-key-hostile"),
}
EVERY = pytest.mark.parametrize("scene", SCENES)
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


class Written(t.NamedTuple):
    """Where the page of a report is, and its C(costs.json)."""

    url: str
    data: dict[str, t.Any]


def write(scene: Scene, folder: pathlib.Path) -> Written:
    found, now = [], datetime.datetime.now(datetime.timezone.utc)
    for seed, name in enumerate(scene.organizations or (None,), 1):
        with Sandbox(months=scene.months, clusters=scene.clusters, today=scene.today, seed=seed) as sandbox:
            now, invoices = sandbox.now, sandbox.invoices(scene.key)
        invoices = invoices[-3:-1] if scene.last_month else invoices
        found.append(Source(name, asked(invoices, scene.group_by, now, **scene.cost)))
    if scene.organizations:
        found.append(Source("umbrella", None, "HTTP 401: the key is not valid."))
    first, budgets = "2026-10" if scene.last_month else None, [{"amount": 60000}] if scene.organizations else ()
    options = Options("Example Inc.", scene.group_by, scene.cost.get("credit_rate"), budgets, first)
    model = build(found, options, now)
    page = folder / "index.html"
    page.write_text(page_of(model), encoding="utf-8", newline="")
    return Written(page.as_uri(), json.loads(as_json(model), parse_float=decimal.Decimal))


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[str], Written]:
    """Write each report when it is asked for first."""
    return functools.lru_cache(maxsize=None)(lambda name: write(SCENES[name], tmp_path_factory.mktemp(name)))


Data = t.Callable[[str], t.Dict[str, t.Any]]


@pytest.fixture
def data(reports: t.Callable[[str], Written]) -> Data:
    """Return the C(costs.json) of a report."""
    return lambda name: reports(name).data


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium in the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


Opener = t.Callable[..., "Page"]


class Seen(t.NamedTuple):
    """What a page did that it should not have done."""

    requests: list[str]
    complaints: list[str]


@pytest.fixture
def seen() -> Seen:
    return Seen([], [])


@pytest.fixture
def show(browser: Browser, reports: t.Callable[[str], Written], seen: Seen) -> t.Iterator[Opener]:
    """Open a report by its name, with Playwright's options of a context; C(seen) takes down what it does."""
    contexts = []

    def opener(name: str, **options: t.Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(reports(name).url)
        return page

    yield opener
    for context in contexts:
        context.close()


def cells(page: Page, caption: str) -> list[list[str]]:
    """Return the texts of the rows of the first table whose caption begins so; of a head only its name."""
    table = page.locator("table", has=page.locator("caption", has_text=re.compile(f"^{caption}"))).first
    rows: list[list[str]] = table.evaluate(
        "table => [...table.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell =>"
        " (cell.querySelector('summary') || cell).textContent.trim()))"
    )
    return rows


@EVERY
@SCHEMES
def test_a_page_asks_for_nothing_and_complains_not(show: Opener, seen: Seen, scene: str, scheme: str) -> None:
    page = show(scene, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    assert [url for url in seen.requests if not url.startswith("data:")] == [page.url]
    assert seen.complaints == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (sum(ground) > 600) == (scheme == "light")


SLIPS = """() => {
  for (const [name, key, value] of [["img", "src", "http://127.0.0.1:9/x"],
      ["script", "textContent", "document.title = 'taken'"], ["style", "textContent", "body { display: none }"]]) {
    document.body.append(Object.assign(document.createElement(name), { [key]: value }));
  }
  fetch("http://127.0.0.1:9/x").catch(() => {});
}"""


def test_the_policy_forbids_what_a_slip_would_let_in(show: Opener, seen: Seen) -> None:
    page = show("main")
    page.evaluate(SLIPS)
    page.wait_for_timeout(200)
    assert page.title() != "taken"
    assert page.locator("h1").is_visible()
    assert len(seen.complaints) >= 4


STATES = {"over": "over budget by", "forecast_over": "will go over", "at_risk": "may go over", "within": "within"}


@EVERY
def test_the_figures_are_those_of_the_data(show: Opener, data: Data, scene: str) -> None:
    page, model = show(scene), data(scene)
    sections = page.locator("main > section:not(.card):not(.alert)")
    assert sections.count() == len(model["currencies"])
    for place, books in enumerate(model["currencies"]):
        hero, code = sections.nth(place).locator(".hero"), books["currency"]
        text = hero.inner_text()
        spent = sum((decimal.Decimal(group["amounts"][-1]) for group in books["groups"]), decimal.Decimal(0))
        assert hero.locator(".big").inner_text() == large(spent, code)
        if books["low"] is not None:
            assert span(decimal.Decimal(books["low"]), decimal.Decimal(books["high"]), code) in text
        budgets = [one for one in model["budgets"] if one["currency"] == code and not one["group"]]
        assert all(STATES.get(budget["state"], "no verdict yet") in text for budget in budgets)
    for books in model["currencies"][:1]:
        clusters, parts = cells(page, "Clusters"), cells(page, "In ")
        assert len(clusters) == 1 + sum(any(one["amounts"]) or one["total"] != 0 for one in books["clusters"])
        assert clusters[-1][:2] == ["Sum", number(decimal.Decimal(books["spent"]))]
        for rows, column in ((clusters, 1), (parts, 2)):
            *amounts, total = (exact(row[column]) for row in rows)
            assert abs(sum(amounts) - total) <= decimal.Decimal("0.01") * len(rows)


def exact(text: str) -> decimal.Decimal:
    digits = re.sub(r"[^0-9.-]", "", text.replace("\u2212", "-"))
    return decimal.Decimal(digits or 0)


Box = t.Dict[str, float]


def boxes(page: Page, place: int, selector: str) -> list[Box]:
    """Return where the elements of a chart stand."""
    found: list[Box] = (
        page.locator(".chart")
        .nth(place)
        .locator(selector)
        .evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON()).filter(box => box.width)")
    )
    return found


def overlaps(pairs: t.Iterable[tuple[Box, Box]]) -> list[tuple[Box, Box]]:
    def apart(one: Box, two: Box, low: str, high: str) -> bool:
        return one[high] <= two[low] + 1 or two[high] <= one[low] + 1

    return [pair for pair in pairs if not apart(*pair, "left", "right") and not apart(*pair, "top", "bottom")]


@EVERY
def test_a_chart_can_be_read(show: Opener, data: Data, scene: str) -> None:
    page = show(scene)
    for place, books in enumerate(data(scene)["currencies"]):
        heights = page.evaluate(
            "place => [...document.querySelectorAll('.plot')[place].querySelectorAll('.column')].map(one =>"
            " [...one.querySelectorAll('rect:not(.hit):not(.range)')].map(rect => rect.getBBox().height))",
            place,
        )
        assert len(heights) == len(books["months"])
        assert [pieces for pieces in heights if len(pieces) > 1 and min(pieces) < 1.99] == []
        # What is below the line counts too, and a pixel of each slice is the gap to the next.
        series = books["chart"]["series"]
        sizes = [float(sum(map(abs, amounts))) for amounts in zip(*(one["amounts"] for one in series))]
        drawn = [sum(pieces) + len(pieces) for pieces in heights]
        scale = max(drawn) / sizes[drawn.index(max(drawn))]
        assert drawn == pytest.approx([size * scale for size in sizes], abs=3)
        assert len(series) <= 8
        others = [abs(amount) for one in series if one["role"] == "others" for amount in one["amounts"]]
        assert float(sum(others)) < 0.4 * sum(sizes)
        # No label is struck through by a line, nor lies over another.
        texts, lines = boxes(page, place, "text:visible"), boxes(page, place, "line, .range")
        assert not overlaps([*itertools.combinations(texts, 2), *itertools.product(texts, lines)])


@pytest.mark.parametrize("width", [400, 680, 760, 1000])
@pytest.mark.parametrize("media", ["screen", "print"])
def test_labels_of_a_chart_stay_apart_on_any_width(show: Opener, media: str, width: int) -> None:
    page = show("main", viewport={"width": width, "height": 800})
    page.emulate_media(media=media)
    for place in range(2):
        assert not overlaps(itertools.combinations(boxes(page, place, "text:visible"), 2))


@pytest.mark.parametrize("touch", [False, True])
def test_the_chart_tells_its_months_to_keyboard_and_touch(show: Opener, *, touch: bool) -> None:
    page = show("main", has_touch=touch)
    columns, tip = page.locator(".plot").first.locator(".column"), page.locator("#tip")
    assert not tip.is_visible()
    if touch:
        columns.nth(3).tap()
        assert tip.inner_text().startswith("January 2026: $")
        return
    columns.last.focus()
    assert "November 2026 so far: $" in tip.inner_text()
    assert "expected by its end $" in tip.inner_text()
    page.keyboard.press("ArrowLeft")
    assert tip.inner_text().startswith("October 2026: $")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("October 2026")
    page.keyboard.press("Escape")
    assert not tip.is_visible()


@pytest.mark.parametrize("key", ["Enter", "Space", None])
def test_the_table_sorts(show: Opener, key: str | None) -> None:
    page = show("main")
    table = page.locator("table.rows").first

    def press(column: int) -> str:
        button = table.locator("thead th button").nth(column)
        button.focus()
        page.keyboard.press(key) if key else button.click()
        head = table.locator("thead th[aria-sort]")
        assert head.count() == 1
        return head.get_attribute("aria-sort") or ""

    assert press(0) == "ascending"
    names = [row[0] for row in cells(page, "Clusters")]
    assert names[:-1] == sorted(names[:-1], key=str.lower)
    assert names[-1] == "Sum"
    assert page.get_by_role("status").text_content() == "Sorted by Cluster, ascending."
    assert press(0) == "descending"
    assert [row[0] for row in cells(page, "Clusters")] == [*names[-2::-1], "Sum"]
    assert press(3) == "descending"
    amounts = [exact(row[3]) for row in cells(page, "Clusters")[:-1]]
    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) > 5


def test_the_table_filters_folds_and_opens(show: Opener, data: Data) -> None:
    page = show("many")
    rows = page.locator("table.rows").first.locator("tbody").first.locator("tr")
    visible, total, box = rows.locator("visible=true"), rows.count(), page.get_by_role("searchbox").first
    assert (visible.count(), total > 100) == (25, True)
    wanted = next(one for one in data("many")["currencies"][0]["clusters"] if one["kind"] == "usage")
    box.fill(wanted["cluster_id"].upper())
    assert visible.count() == 1
    assert page.get_by_role("status").text_content() == f"1 of {total} rows."
    visible.locator("summary").press("Enter")
    told, details = visible.locator("dl").inner_text(), wanted["details"]
    values = [wanted["cluster_id"], details["plan"], details["state"], *details["labels"].values()]
    assert [value for value in values if value not in told] == []
    box.fill("")
    page.get_by_role("button", name="Show all").first.click()
    assert visible.count() == total


def test_the_keyboard_reaches_everything_and_shows_where_it_is(show: Opener) -> None:
    page, reached = show("main"), set()
    focused = "(({ tagName, className }) => [tagName, className])(document.activeElement)"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == ["A", "skip"]
    for _number in range(70):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body")
    assert {"SUMMARY", "BUTTON", "INPUT", "A", "g"} <= reached


def test_without_javascript_it_is_a_plain_page(show: Opener) -> None:
    page = show("many", java_script_enabled=False)
    assert page.locator("thead button, input").count() == 0
    assert page.locator("table.rows").first.locator("tr:visible").count() > 100
    page.locator("table.rows summary").first.click()
    assert page.locator("table.rows dl").first.is_visible()


def test_hostile_names_stay_text(show: Opener, seen: Seen, data: Data) -> None:
    page = show("hostile")
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, embed, [onerror], [onload]").count() == 0
    names = [one["name"] for books in data("hostile")["currencies"] for one in books["clusters"] if one["name"]]
    assert any("<script>" in name for name in names)
    assert seen.complaints == []
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.locator("body").inner_text())


@EVERY
def test_a_phone_shows_all_of_it(show: Opener, scene: str) -> None:
    page = show(scene, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    sizes = page.locator("p:visible, td:visible, th:visible, svg text:visible").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 11
    targets = page.locator("button:visible, summary:visible, input:visible").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().height)"
    )
    assert min([*targets, 24]) >= 24


PRINTED = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="pdftotext is not installed: it reads what was printed"
)


def printed(page: Page, folder: pathlib.Path) -> str:
    page.pdf(path=folder / "report.pdf", format="A4")
    command = ["pdftotext", "-layout", str(folder / "report.pdf"), "-"]
    text: str = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return text


@PRINTED
@pytest.mark.parametrize("scene", ["main", "many", "over", "last-month"])
def test_on_paper_a_chart_is_below_its_title_and_above_its_legend(
    show: Opener, data: Data, tmp_path: pathlib.Path, scene: str
) -> None:
    page = show(scene)
    # What stands below the title on the same page of paper.
    below = [text.split("\f")[0] for text in printed(page, tmp_path).split("Spend by month")[1:]]
    for books, text in zip(data(scene)["currencies"], below):
        assert re.search(r"^ *[$]?0\b", text, re.MULTILINE)
        assert books["chart"]["series"][0]["key"][-1] in text
    page.emulate_media(media="print")
    small, large = (
        page.locator(at).first.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
        for at in ("tbody .by", "tbody td")
    )
    assert small < large


@PRINTED
def test_paper_has_heads_on_each_page_and_one_sum(show: Opener, tmp_path: pathlib.Path) -> None:
    page = show("many", color_scheme="dark")
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.body).color.match(/[0-9]+/g).map(Number)")
    assert max(ink) < 80
    assert page.locator("table.rows").first.locator("tr:visible").count() > 100
    text = printed(page, tmp_path)
    pages = text.split("\f")
    of_clusters = [text for text in pages if len(re.findall(r"-(?:dev|prod|staging)\S*\s+[\d,]+\.\d\d", text)) > 10]
    assert len(of_clusters) > 3
    assert all(re.search(r"^ *Cluster .*Share .*By month", text, re.MULTILINE) for text in of_clusters)
    assert len(re.findall(r"^ *Sum ", text, re.MULTILINE)) == page.locator("table.rows").count()


@EVERY
@SCHEMES
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm is needed for it")
def test_axe_finds_no_barrier(show: Opener, scene: str, scheme: str) -> None:
    page = show(scene, color_scheme=scheme, bypass_csp=True)
    page.locator(".more summary, .rows summary").evaluate_all(
        "all => all.slice(0, 20).forEach(one => { one.parentElement.open = true; })"
    )
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    barriers = [(v["id"], v["help"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found["violations"]]
    assert barriers == []
