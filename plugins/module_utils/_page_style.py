# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The style of the report's page."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f6f9; --card: #fff; --ink: #1b1d2a; --soft: #585c6f; --rule: #e3e4ec; --line: #8d91a3; --accent: #403a9c;
  --bad: #a8201a; --warn: #8a5a00; --good: #11664a; --alert: #fdf1f0; --track: #ecedf3;
  --f1: #403a9c; --f2: #2b84b8; --f3: #1f8a7c; --f4: #a97a0c; --f5: #c2506b; --f6: #7d3c68; --f7: #5d7f2a;
  --fo: #898d9f; --fn: #4f5366; --shadow: 0 1px 2px #1b1d2a0a, 0 6px 20px #1b1d2a08;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #101118; --card: #191b25; --ink: #eceef6; --soft: #a6aabd; --rule: #2c2f3d; --line: #747990;
    --accent: #aca7f7;
    --bad: #ff9a91; --warn: #e9bd62; --good: #6fd3ac; --alert: #2c1a1c; --track: #292c3a;
    --f1: #8f89ee; --f2: #64b7e6; --f3: #4bb5a6; --f4: #d3ac45; --f5: #e07f95; --f6: #c07bb0; --f7: #9dbb5b;
    --fo: #7f8498; --fn: #b4b8ca; --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 1120px; padding: 44px 28px 32px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, p, ul, dl, dd { margin: 0; }
h1 { font-size: 32px; line-height: 1.15; font-weight: 680; letter-spacing: -0.02em; text-wrap: balance; }
h2 { font-size: 22px; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; margin: 48px 0 14px; }
h3 { font-size: 17px; line-height: 1.4; font-weight: 640; letter-spacing: -0.005em; }
h4 { font-size: 14px; margin: 16px 0 4px; }
a { color: var(--accent); text-underline-offset: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999px; top: 8px; padding: 8px 14px; background: var(--card); border-radius: 8px; }
.skip:focus { left: 12px; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
  margin: 0;
}
.overline { color: var(--accent); font-size: 13px; font-weight: 620; margin-bottom: 6px; }
.scope { color: var(--soft); margin-top: 10px; }
.scope b { color: var(--ink); font-weight: 620; }
.card {
  background: var(--card); border: 1px solid var(--rule); border-radius: 14px; padding: 22px 24px;
  box-shadow: var(--shadow); margin-top: 16px;
}
.note { color: var(--soft); font-size: 13.5px; margin-top: 4px; max-width: 92ch; text-wrap: pretty; }
.note b { color: var(--ink); font-weight: 600; }
.none { color: var(--soft); font-style: italic; }
.bad { color: var(--bad); }
.warn { color: var(--warn); }
.good { color: var(--good); }
.hero { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); gap: 8px 40px; margin-top: 28px; }
.hero h3, .fact h4 { color: var(--soft); font-size: 15px; font-weight: 600; margin: 0; letter-spacing: 0; }
.big {
  font-size: 50px; line-height: 1.1; font-weight: 700; letter-spacing: -0.03em; margin: 6px 0 8px;
  font-variant-numeric: tabular-nums;
}
.verdict { font-size: 16.5px; max-width: 52ch; text-wrap: pretty; }
.facts { border-left: 1px solid var(--rule); padding-left: 28px; display: grid; gap: 18px; align-content: start; }
.value {
  font-size: 23px; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; margin-top: 4px;
  font-variant-numeric: tabular-nums;
}
.budgets { list-style: none; padding: 0; margin-top: 18px; display: grid; gap: 14px; }
.budgets b { font-weight: 620; }
.budgets svg { margin-top: 6px; }
.alert {
  background: var(--alert); border: 1px solid var(--bad); border-left-width: 5px; border-radius: 14px;
  padding: 16px 22px; margin-top: 24px;
}
.alert h2 { margin: 0 0 6px; font-size: 17px; color: var(--bad); }
.alert ul { padding-left: 20px; }
.empty { text-align: center; padding: 64px 24px; margin-top: 32px; }
.empty h2 { margin: 0 0 8px; }
.empty p { color: var(--soft); max-width: 52ch; margin: 0 auto; }
svg { display: block; }
svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.f1 { fill: var(--f1); } .f2 { fill: var(--f2); } .f3 { fill: var(--f3); } .f4 { fill: var(--f4); }
.f5 { fill: var(--f5); }
.f6 { fill: var(--f6); } .f7 { fill: var(--f7); } .fo { fill: var(--fo); } .fn { fill: var(--fn); }
.over { fill: var(--bad); }
.track { fill: var(--track); }
.range { fill: none; stroke: var(--ink); stroke-dasharray: 4 3; }
.mark { stroke: var(--ink); stroke-width: 2; }
.base { stroke: var(--line); }
.patterns { position: absolute; }
.p2 { fill: var(--f2); } .p3 { fill: var(--f3); } .p4 { fill: var(--f4); } .p5 { fill: var(--f5); }
.p6 { fill: var(--f6); } .p7 { fill: var(--f7); } .pn { fill: var(--fn); }
.pt { fill: none; stroke: #fff; stroke-width: 1.6; }
.chart { display: flex; margin-top: 18px; position: relative; }
.chart .axis, .chart .aside { flex: none; }
.chart .plot { flex: 1; min-width: 0; overflow: visible; }
.column .hit { fill: transparent; }
.column:hover .hit, .column:focus .hit { fill: color-mix(in srgb, var(--accent) 8%, transparent); }

.column text.sum { fill: var(--ink); font-weight: 560; }
.aside text { fill: var(--ink); }
.aside .soft { fill: var(--soft); }
#tip {
  position: absolute; z-index: 2; max-width: min(320px, 92vw); padding: 10px 14px; border-radius: 10px;
  pointer-events: none;
  background: var(--ink); color: var(--card); font-size: 13px; line-height: 1.45; white-space: pre-line;
  font-variant-numeric: tabular-nums;
}
.legend {
  list-style: none; display: flex; flex-wrap: wrap; gap: 6px 20px; margin: 16px 0 0; padding: 0; font-size: 13.5px;
}
.legend li { display: flex; align-items: center; gap: 7px; max-width: 100%; min-width: 0; }
.legend svg { flex: none; }
.legend bdi { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 34ch; }
details > summary { cursor: pointer; width: fit-content; min-height: 24px; }
.more { margin-top: 14px; }
.more > summary { color: var(--accent); font-size: 13.5px; }
.scroll { overflow-x: auto; margin: 8px -24px 0; padding: 0 24px; position: relative; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { text-align: left; font-size: 13.5px; color: var(--soft); padding: 8px 0; }
th, td { text-align: left; padding: 8px 16px 8px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tr > :last-child { padding-right: 0; }
tbody th { font-weight: 500; min-width: 12ch; max-width: 44ch; }
thead th {
  font-size: 12.5px; font-weight: 600; color: var(--soft); vertical-align: bottom;
  border-bottom-color: var(--line); overflow-wrap: normal;
}
thead th.n { max-width: 14ch; white-space: normal; }
tbody tr:last-child > * { border-bottom: 0; }
.sums > tr > * { border-top: 1px solid var(--line); border-bottom: 0; font-weight: 640; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
.by { color: var(--soft); font-size: 13px; }
th .by { font-weight: 400; }
.line { display: block; }
.bar { width: 116px; }
.bar svg { margin-top: 4px; }
.spark { fill: var(--f1); }
.up { fill: var(--bad); } .down { fill: var(--good); }
.rows td, .rows th:nth-child(n+2) { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.rows td svg { margin: 4px 0 0 auto; }
.rows thead th:nth-child(n+2) { max-width: 14ch; white-space: normal; }
.rows summary { list-style-position: outside; margin-left: 14px; }
.rows summary::marker { color: var(--line); font-size: 11px; }
.rows dl {
  display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 1px 12px; margin: 4px 0 4px 14px;
  font-size: 13px; font-weight: 400;
}
.rows dt { color: var(--soft); }
thead button {
  all: unset; cursor: pointer; display: inline-flex; gap: 5px; align-items: center; border-radius: 4px;
  min-height: 24px;
}
thead button:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
thead button:hover, [aria-sort] { color: var(--ink); }
thead button::after { content: "\\2195"; opacity: 0.5; font-size: 11px; }
[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; }
[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; }
.paper { display: none; }
.tools {
  display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-top: 12px; font-size: 13.5px;
  color: var(--soft);
}
.tools input {
  font: inherit; font-size: 15px; color: var(--ink); background: var(--page); border: 1px solid var(--line);
  border-radius: 8px;
  padding: 6px 12px; width: min(320px, 100%);
}
.all {
  font: inherit; color: var(--accent); background: none; border: 1px solid var(--line); border-radius: 8px;
  padding: 6px 14px; margin-top: 12px; cursor: pointer;
}
footer { margin-top: 44px; padding-top: 18px; border-top: 1px solid var(--rule); color: var(--soft); font-size: 13px; }
footer p { max-width: 92ch; }
footer p + p { margin-top: 8px; }
.narrow { display: none; }
@media (max-width: 720px) {
  body { padding: 24px 16px; }
  h1 { font-size: 26px; }
  h2 { margin-top: 36px; }
  .card { padding: 18px 16px; border-radius: 12px; }
  .scroll { margin: 8px -16px 0; padding: 0 16px; }
  .hero { grid-template-columns: minmax(0, 1fr); }
  .facts { border-left: 0; border-top: 1px solid var(--rule); padding: 18px 0 0; margin-top: 12px; }
  .big { font-size: 40px; }
  .wide, .chart .aside, .rows :is(td, th):nth-child(n+3) { display: none; }
  .narrow { display: block; }
  th, td { padding-right: 10px; }
  tbody th { min-width: 0; }
  .rows dl { grid-template-columns: minmax(0, 1fr); }
}
@media print, (max-width: 1000px) {
  .odd { display: none; }
}
@media print {
  @page { margin: 14mm 12mm; }
  body { max-width: none; padding: 0; background: none; font-size: 10pt; }
  h1 { font-size: 20pt; }
  h2 { margin: 20px 0 8px; }
  .card { box-shadow: none; padding: 14px 18px; margin-top: 12px; }
  .hero, .chart, .legend, .note { break-inside: avoid; }
  .by, thead th, caption { font-size: 8pt; }
  .big { font-size: 28pt; }
  table { font-size: 9pt; }
  th, td { padding: 4px 10px 4px 0; }
  .skip, .more, .tools, .all, thead button, #tip, .crowded .wide { display: none; }
  .paper { display: inline; }
  .rows tr[hidden] { display: table-row; }
  h2, h3, h4, caption, .note, .chart { break-after: avoid; }
  tr { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; margin: 8px 0 0; padding: 0; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
@media print, (forced-colors: active) {
  .f2 { fill: url(#t2); } .f3 { fill: url(#t3); } .f4 { fill: url(#t4); } .f5 { fill: url(#t5); }
  .f6 { fill: url(#t6); } .f7 { fill: url(#t7); } .fn { fill: url(#tn); }
}
@media (forced-colors: active) {
  .plot, .legend svg, .bar svg { forced-color-adjust: none; }
  .range, .mark, .base { stroke: CanvasText; }
}
"""
