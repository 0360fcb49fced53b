"""axe-core on a page that is open in a browser."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page

AXE: Final = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# What breaks the page for somebody; a "minor" finding does not.
# axe reads the style of all elements, also of those that are not shown: that is most of a run. Meanwhile what
# stands around a part is hidden and hollow, and so are the tabs that are not open; `whole` leaves all there.
RUN: Final = """async ([part, options, whole]) => {
  const besides = (kept, top) => kept === top || kept === document.documentElement ? [] :
    [...kept.parentElement.children].filter((each) => each !== kept).concat(besides(kept.parentElement, top));
  const around = besides(document.querySelector(part), document.body).filter((each) => each.style);
  const displays = around.map(({ style }) => style.display);
  for (const { style } of around) style.display = "none";
  const closed = [...document.querySelectorAll("[role=tabpanel]")].filter((each) => !each.checkVisibility());
  // A link is right only with the place that it leads to.
  const linked = document.getElementById(document.querySelector(".tx-skip")?.hash.slice(1));
  const hollow = [...around, ...(whole ? [] : closed)]
    .flatMap((each) => each.contains(linked) ? [linked, ...besides(linked, each)] : [each])
    .filter((each) => !each.matches("style, script, link") && !each.querySelector("style, link"));
  const inner = hollow.map((each) => [...each.childNodes]);
  for (const each of hollow) each.replaceChildren();
  const { violations } = await axe.run(part, { resultTypes: ["violations"], ...options });
  hollow.forEach((each, at) => each.append(...inner[at]));
  around.forEach(({ style }, at) => { style.display = displays[at]; });
  return violations.filter(({ impact }) => impact !== "minor").flatMap(({ id, impact, nodes }) => nodes.map(
    ({ target, failureSummary }) => `${impact} ${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


def load_axe(page: Page) -> None:
    """Put axe-core into the page; the test fails where it is not installed."""
    if not AXE.is_file():
        pytest.fail("axe-core is missing: `make test` installs it, or `npm ci`")
    page.evaluate(AXE.read_text(encoding="utf-8"))


def axe_faults(page: Page, part: str = "html", whole: bool = False, **options: Any) -> list[str]:
    """What axe finds in the part, each with its impact, rule, element and reason; `options` are axe's own."""
    found: list[str] = page.evaluate(RUN, [part, options, whole])
    return found
