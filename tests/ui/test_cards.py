"""The cards of runs and reports in a real browser."""

from __future__ import annotations

import durable_debug as dd
from durable_debug.audits.audit import audit
from tests.reports.test_html import HOSTILE, card_of


def test_in_a_browser_light_and_dark(page, samples, tmp_path):
    """Nothing runs, nothing overflows a narrow notebook, and text can be read on its ground in both themes."""
    shipping = dd.replay(f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json")
    cards = [shipping._repr_html_(), *(card_of(tmp_path, name)._repr_html_() for name in HOSTILE)]
    cards.append(
        audit(
            f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json", n_jobs=1, progress=False
        )._repr_html_()
    )
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 560, "height": 700})
        page.set_content(f"<!doctype html><meta charset=utf-8><body>{''.join(cards)}</body>")
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.documentElement.scrollWidth <= 560")
        ratios = page.evaluate(CONTRAST)
        assert ratios and min(ratio for ratio, _ in ratios) >= 4.5, sorted(ratios)[:5]


CONTRAST = """() => {
  const parse = (color) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll(".dd-card *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.tagName === "STYLE" || !element.getClientRects().length) continue;
    let ground = element, back;
    do { back = parse(getComputedStyle(ground).backgroundColor); ground = ground.parentElement; } while (back[3] === 0 && ground);
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(back)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), element.tagName + " " + element.className + " " + element.textContent.slice(0, 20)]);
  }
  return found;
}"""
