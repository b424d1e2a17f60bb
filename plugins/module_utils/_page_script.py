# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""The script of the report's page: what a reader can do with tables and charts. Without it the page says the same."""

from __future__ import annotations

SCRIPT = """
"use strict";
(() => {
  const FOLDED = 25;
  const said = document.getElementById("said");
  const make = (name, className, text) => {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  };
  const number = (text) => Number(text.replace(/\\u2212/g, "-").replace(/[^0-9.-]/g, "")) || 0;
  const value = (row, at, kind) => {
    const cell = row.cells[at];
    return kind === "number" ? number(cell.textContent) : (cell.querySelector("summary") || cell).textContent.trim();
  };
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (a, b) => (typeof a === "number" ? a - b : words.compare(a, b));

  for (const table of document.querySelectorAll("table.rows")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const place = table.closest(".scroll");
    let unfolded = false;
    let wanted = "";
    const all = make("button", "all", "");
    all.type = "button";
    const texts = new Map([...body.rows].map((row) => [row, row.textContent.toLowerCase()]));
    const count = make("span", "", "");
    const show = () => {
      let found = 0;
      for (const row of body.rows) {
        const fits = texts.get(row).includes(wanted);
        found += fits;
        row.hidden = !fits || (!unfolded && found > FOLDED);
      }
      all.textContent = `Show all ${found}`;
      all.hidden = unfolded || found <= FOLDED;
      count.textContent = wanted ? `${found} of ${texts.size}` : "";
    };
    heads.forEach((head, at) => {
      const kind = head.dataset.sort;
      if (!kind) return;
      const button = make("button", "", head.textContent);
      const paper = make("span", "paper", head.textContent);
      button.type = "button";
      head.replaceChildren(button, paper);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        const first = kind === "number" ? "descending" : "ascending";
        const order = was ? (was === "ascending" ? "descending" : "ascending") : first;
        const sign = order === "ascending" ? 1 : -1;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const keyed = [...body.rows].map((row) => [value(row, at, kind), row]);
        body.append(...keyed.sort((a, b) => sign * compare(a[0], b[0])).map((pair) => pair[1]));
        show();
        said.textContent = `Sorted by ${button.textContent.trim()}, ${order}.`;
      });
    });
    if (texts.size > 8) {
      const tools = make("div", "tools", "");
      const box = make("input", "", "");
      box.type = "search";
      box.placeholder = "Filter";
      box.setAttribute("aria-label", `Filter: ${table.caption.textContent}`);
      box.addEventListener("input", () => {
        wanted = box.value.trim().toLowerCase();
        show();
        said.textContent = `${count.textContent || texts.size} rows.`;
      });
      tools.append(box, count);
      place.before(tools);
    }
    all.addEventListener("click", () => {
      unfolded = true;
      const next = [...body.rows].find((row) => row.hidden);
      show();
      const summary = next && next.querySelector("summary");
      if (summary) summary.focus();
    });
    place.after(all);
    show();
  }

  const settle = () => {
    for (const place of document.querySelectorAll(".scroll")) {
      if (place.scrollWidth > place.clientWidth + 1) place.tabIndex = 0;
      else place.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", settle);
  document.addEventListener("toggle", settle, true);
  settle();

  const tip = make("div", "", "");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  const tell = (column) => {
    tip.textContent = column.getAttribute("aria-label").replaceAll("; ", "\\n");
    tip.hidden = false;
    const box = column.getBoundingClientRect();
    const most = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const left = Math.min(Math.max(8, box.left + box.width / 2 - tip.offsetWidth / 2), most);
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${Math.max(box.top - tip.offsetHeight + 10, 8) + scrollY}px`;
  };
  for (const plot of document.querySelectorAll(".plot")) {
    const columns = [...plot.querySelectorAll(".column")];
    columns.forEach((column, at) => {
      for (const event of ["pointerenter", "click", "focus"]) column.addEventListener(event, () => tell(column));
      for (const event of ["pointerleave", "blur"]) column.addEventListener(event, hide);
      column.addEventListener("keydown", (event) => {
        const next = columns[at + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] || NaN)];
        if (event.key === "Escape") hide();
        if (!next) return;
        event.preventDefault();
        column.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      });
    });
  }
})();
"""
