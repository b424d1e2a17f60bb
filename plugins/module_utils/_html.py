# Copyright (c) 2026, cockroachdb_cloud.billing contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This module_util is private to the cockroachdb_cloud.billing collection.
# It can change or vanish in any release, so do not use it from outside.

"""A small builder of HTML and SVG: whatever it has not built itself is escaped."""

from __future__ import annotations

import html
import re
import typing as t

# C0 and C1 controls, separators of lines, half a pair of surrogates, and what is no character at all.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# What turns the direction of the text around it, or takes no room: a name may not hide behind it.
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_VOID = frozenset(("br", "col", "input", "link", "meta"))


class Markup(str):
    """Text that is markup already; :func:`tag` and :func:`join` alone make it of what comes from outside."""

    __slots__ = ()


Part = t.Union[str, int, None, t.Iterable["Part"]]
"""What goes into an element: text, markup, nothing, or several of them."""


def visible(text: str) -> str:
    """Return a text without what cannot be seen: controls and marks of direction are spelled out, a blank one said."""
    if not text.isprintable():
        text = _UNSEEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", _CONTROLS.sub("\ufffd", text))
    return text


def name(text: str | None, *, missing: str = "(no name)") -> Markup:
    """Return a name from outside in running text: its direction cannot spill over, and a blank one is seen.

    :param missing: what stands for None.
    """
    if text is None:
        return tag("span", missing, class_="none")
    shown = visible(text)
    return tag("bdi", shown) if shown.strip() else tag("span", "(blank)", class_="none")


def join(*parts: Part) -> Markup:
    """Return the parts one after another: markup as it is, all other text escaped."""
    return Markup("".join(_pieces(parts)))


def tag(element: str, *parts: Part, **attributes: t.Any) -> Markup:
    """Return an element.

    :param element: its name.
    :param parts: what is in it.
    :param attributes: by name, with C(_) for C(-), and one more at the end where Python has the word to itself.
        One that is None or False is left out, and of True the name alone stands.
    """
    opening = element
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        opening += f" {key.rstrip('_').replace('_', '-')}"
        if value is not True:
            opening += f'="{html.escape(visible(f"{value}"))}"'
    if element in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{''.join(_pieces(parts))}</{element}>")


def asset(element: str, text: str) -> Markup:
    """Return the C(style) or C(script) element of a text of ours, as it is.

    :raises ValueError: when the text could end the element before its time.
    """
    if "</" in text or "<!--" in text:
        raise ValueError(f"This is no text for a {element} element.")
    return Markup(f"<{element}>{text}</{element}>")


def _pieces(parts: t.Iterable[Part]) -> t.Iterator[str]:
    for part in parts:
        if part is None:
            continue
        if isinstance(part, Markup):
            yield part
        elif isinstance(part, str):
            yield html.escape(visible(part), quote=False)
        elif isinstance(part, int):
            yield f"{part}"
        else:
            yield from _pieces(part)
