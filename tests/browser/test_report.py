# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reader of the report sees, hears and can do, in headless Chromium; the real playbook writes the reports."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "sandbox"))

from billing_sandbox import Sandbox  # noqa: E402 - it lies beside the tests, in no package

if t.TYPE_CHECKING:
    # Playwright is in the environment of these tests alone, not in that of the type checker.
    from playwright.sync_api import Browser, Page  # type: ignore[import-not-found, unused-ignore]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
AXE = ROOT / ".cache" / "browser" / "node" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 360, "height": 740}
REPORTS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "main": ("sandbox-key", {"report_budget": 8000, "report_title": "Example Inc."}),
    "team": ("sandbox-key", {"report_group_by": ["label:team"], "report_credit_rate": 0.9}),
    "hostile": ("sandbox-key-hostile", {}),
    "empty": ("sandbox-key-empty", {"report_budget": 8000}),
}
EVERY_REPORT = pytest.mark.parametrize("name", REPORTS)
EITHER_SCHEME = pytest.mark.parametrize("scheme", ["light", "dark"])


class Report(t.NamedTuple):
    """A written report."""

    folder: pathlib.Path

    @property
    def url(self) -> str:
        return (self.folder / "index.html").as_uri()

    @property
    def data(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads((self.folder / "costs.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(rate_limit=False) as running:
        yield running


@pytest.fixture(scope="session")
def reports(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """Each report of C(REPORTS), by its name."""
    tree = tmp_path_factory.mktemp("tree")
    namespace = tree / "ansible_collections" / "cockroachdb_cloud"
    namespace.mkdir(parents=True)
    (namespace / "billing").symlink_to(ROOT)
    out = tmp_path_factory.mktemp("reports")
    for name, (key, options) in REPORTS.items():
        _write(tree, sandbox.url, key, {**options, "report_dest": str(out / name)})
    return {name: Report(out / name) for name in REPORTS}


def _write(tree: pathlib.Path, url: str, key: str, options: dict[str, t.Any]) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "COCKROACH_"))}
    ours.update(
        ANSIBLE_COLLECTIONS_PATH=str(tree),
        ANSIBLE_CONFIG=str(ROOT / "tests" / "tools" / "ansible.cfg"),
        ANSIBLE_HOME=str(tree / "home"),
        ANSIBLE_REMOTE_TMP=str(tree / "tmp"),
        COCKROACH_API_KEY=key,
        COCKROACH_SERVER=url,
        LC_ALL="C.UTF-8",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    playbook = pathlib.Path(sys.executable).parent / "ansible-playbook"
    command = [str(playbook), "cockroachdb_cloud.billing.report", "--extra-vars", json.dumps(options)]
    done = subprocess.run(command, env=ours, cwd=tree, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium in the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
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
def open_page(browser: Browser, reports: dict[str, Report], seen: Seen) -> t.Iterator[Opener]:
    """Open a report by its name, with Playwright's options of a context; C(seen) takes down what it does."""
    contexts = []

    def opener(name: str, **options: t.Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        # A dialog that is listened to stays open until somebody closes it, and nothing goes on until then.
        page.on("dialog", lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(reports[name].url)
        return page

    yield opener
    for context in contexts:
        context.close()


@EVERY_REPORT
@EITHER_SCHEME
def test_a_page_asks_for_nothing_and_complains_not(open_page: Opener, seen: Seen, name: str, scheme: str) -> None:
    page = open_page(name, color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    assert [url for url in seen.requests if not url.startswith("data:")] == [page.url]
    assert seen.complaints == []


def test_the_policy_forbids_what_a_slip_would_let_in(open_page: Opener, seen: Seen, sandbox: Sandbox) -> None:
    page = open_page("main")
    sandbox.clear_requests()
    page.evaluate(
        """(url) => {
          const image = document.createElement("img");
          image.src = url;
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken'";
          const style = document.createElement("style");
          style.textContent = "body { display: none }";
          document.body.append(image, script, style);
          fetch(url).catch(() => {});
        }""",
        f"{sandbox.url}/api/v1/invoices",
    )
    page.wait_for_timeout(300)
    assert sandbox.requests() == []
    assert page.title() != "taken"
    assert page.locator("h1").is_visible()
    assert len(seen.complaints) >= 4


def test_this_month_and_its_run_rate_stand_at_the_top(open_page: Opener, reports: dict[str, Report]) -> None:
    page = open_page("main")
    data = reports["main"].data
    assert page.locator("h1").inner_text() == "Example Inc."
    rate = {row["currency"]: row for row in data["run_rate"]}
    hero = page.locator(".hero").first
    newest = data["month"]["period"]
    spent = sum(row["amount"] for row in data["costs"] if (row["period"], row["currency"]) == (newest, "USD"))
    assert hero.locator(".big").inner_text() == dollars(spent)
    assert "$8,000" in hero.inner_text()
    if rate:
        assert rate["USD"]["spent"] == pytest.approx(spent)
        assert dollars(rate["USD"]["projected"]) in hero.inner_text()


def dollars(amount: float) -> str:
    return f"${amount:,.0f}" if abs(amount) >= 1000 else f"${amount:,.2f}"


def test_columns_are_as_high_as_the_amounts_that_they_stand_for(open_page: Opener, reports: dict[str, Report]) -> None:
    page = open_page("main")
    usd = [row for row in reports["main"].data["costs"] if row["currency"] == "USD"]
    months = sorted({row["period"] for row in reports["main"].data["costs"]})
    # A credit that is larger than what it is set against would stand below the line: not so in these months.
    expected = collections.Counter[str]()
    for row in usd:
        expected[row["period"]] += row["amount"]
    columns = page.locator(".plot").first.locator(".column").all()
    get_height = "pieces => pieces.map(piece => piece.getBBox().height)"
    heights = [column.locator(".piece").evaluate_all(get_height) for column in columns]
    assert len(heights) == len(months)
    scale = sum(heights[-2]) / expected[months[-2]]
    for month, pieces in zip(months, heights):
        assert sum(pieces) == pytest.approx(expected[month] * scale, abs=1.0)


def test_charts_say_in_words_what_they_show(open_page: Opener) -> None:
    page = open_page("main")
    charts = page.get_by_role("img")
    assert charts.count() == 4
    for index in range(charts.count()):
        box = charts.nth(index).bounding_box()
        assert box is not None
        assert min(box["width"] / 200, box["height"] / 40) > 1
    words = page.locator(".plot desc").first.text_content() or ""
    assert words.count("$") == page.locator(".plot").first.locator(".column").count()
    assert page.locator("svg:not([role=img]):not([aria-hidden=true])").count() == 0


def test_series_differ_without_colour(open_page: Opener) -> None:
    page = open_page("main")
    swatches = page.locator(".legend").first.locator("rect")
    get_pattern = "rects => rects.map(rect => document.querySelector(rect.getAttribute('fill').slice(4, -1)).innerHTML)"
    fills = swatches.evaluate_all(get_pattern)
    textures = [fill.split("<path")[1:] for fill in fills]
    assert len(fills) == len(set(fills)) >= 6
    # The first and the grey of the others are plain; they lie at the two ends of a column.
    assert sum(not texture for texture in textures) <= 2


@pytest.mark.parametrize("by_keyboard", [False, True])
def test_the_table_sorts(open_page: Opener, *, by_keyboard: bool) -> None:
    page = open_page("main")
    table = page.locator("table.sortable").first

    def press(column: int) -> str:
        button = table.locator("thead th button").nth(column)
        if by_keyboard:
            button.focus()
            page.keyboard.press("Enter")
        else:
            button.click()
        head = table.locator("thead th[aria-sort]")
        assert head.count() == 1
        return head.get_attribute("aria-sort") or ""

    names = table.locator("tbody th")
    numbers = table.locator("tbody tr")
    assert press(0) == "ascending"
    shown = names.all_inner_texts()
    assert shown == sorted(shown, key=str.lower)
    assert page.get_by_role("status").text_content() == "Sorted by Cluster, ascending."
    assert press(0) == "descending"
    assert names.all_inner_texts() == shown[::-1]
    last = table.locator("thead th button").count() - 1
    assert press(last) == "descending"
    sums = numbers.evaluate_all("rows => rows.map(row => Number(row.cells[row.cells.length - 1].dataset.value))")
    assert sums == sorted(sums, reverse=True)
    assert len(set(sums)) > 5
    assert press(last) == "ascending"


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_page: Opener) -> None:
    page = open_page("main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    reached = set()
    for _number in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
        if page.evaluate("document.activeElement.tagName") not in ("BODY", "HTML"):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert {"SUMMARY", "BUTTON", "A", "DIV"} <= reached


def test_without_javascript_it_is_a_plain_page(open_page: Opener) -> None:
    page = open_page("main", java_script_enabled=False)
    assert page.locator("table.sortable thead button").count() == 0
    assert page.locator("table.sortable").first.is_visible()
    assert page.locator(".plot").first.is_visible()


def test_hostile_names_stay_text(open_page: Opener, seen: Seen, reports: dict[str, Report]) -> None:
    page = open_page("hostile")
    assert page.locator("script").count() == 1
    assert page.locator("img, iframe, object, embed, [onerror], [onload]").count() == 0
    names = {row["cluster"] for row in reports["hostile"].data["costs"] if row["cluster"]}
    shown = {" ".join(text.split()) for text in page.locator("table.sortable tbody th").all_text_contents()}
    assert {" ".join(name.split()) for name in names} <= shown
    assert any("<script>" in name for name in names)
    assert seen.complaints == []


@EVERY_REPORT
def test_a_phone_shows_all_of_it(open_page: Opener, name: str) -> None:
    page = open_page(name, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for number in range(page.locator("details").count()):
        page.locator("summary").nth(number).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    sizes = page.locator("p:visible, td:visible, th:visible, svg text:visible").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 11


def brightness(page: Page) -> int:
    """Red, green and blue of the page's ground added up."""
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", ground)[:3]))


def test_light_is_light_and_dark_is_dark(open_page: Opener) -> None:
    assert brightness(open_page("main", color_scheme="light")) > 600
    assert brightness(open_page("main", color_scheme="dark")) < 120


def test_it_prints_on_a_few_pages_in_dark_ink(open_page: Opener, tmp_path: pathlib.Path) -> None:
    page = open_page("team", color_scheme="dark")
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.body).color.match(/[0-9]+/g).map(Number)")
    assert max(ink) < 80
    assert not page.locator("summary").first.is_visible()
    paper = page.pdf(format="A4")
    (tmp_path / "report.pdf").write_bytes(paper)
    assert 1 <= paper.count(b"/Type /Page\n") <= 4


def test_an_organization_without_invoices_gets_a_friendly_page(open_page: Opener) -> None:
    page = open_page("empty")
    assert page.get_by_role("heading", name="No costs yet").is_visible()
    assert page.locator("table").count() == 0


def test_the_files_beside_it_are_there(open_page: Opener, reports: dict[str, Report]) -> None:
    page = open_page("main")
    links = page.locator("footer a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links == ["line_items.csv", "costs.json"]
    assert all((reports["main"].folder / link).is_file() for link in links)


@EVERY_REPORT
@EITHER_SCHEME
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm is needed for it")
def test_axe_finds_no_barrier(open_page: Opener, name: str, scheme: str) -> None:
    page = open_page(name, color_scheme=scheme, bypass_csp=True)
    for number in range(page.locator("summary").count()):
        page.locator("summary").nth(number).click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    barriers = [(v["id"], v["help"], [node["html"][:200] for node in v["nodes"][:3]]) for v in found["violations"]]
    assert barriers == []
