"""How fast the Tokens view answers in a real Chromium: `python -m benchmarks.ui [tokens …]`.

For each size (default 1000 10000 50000) a synthetic recorded example is served without a model, and timed:
slider moves (weight of knowledge, share chosen), overrides by key, row switches, first content; counted:
payload bytes, DOM nodes, HTTP requests during and after the acts. The page must ask for nothing while a
slider moves, and for one confirmation of the mask after it has come to rest.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.browser import chromium
from benchmarks.serving import serving
from benchmarks.synthetic import example

MOVES_SCRIPT = (Path(__file__).parent / "ui_moves.js").read_text(encoding="utf-8")
SIZES = (1_000, 10_000, 50_000)
MOVES = 150
WARM_UP = 20
BUDGET_MS = 16.0
BUDGET_ACTS = ("slider", "override")
BUDGET_TOKENS = 10_000
QUIET_PERCENT = 1.0
TRIES = 4
COLUMNS = (
    ("script p50", 12), ("p95", 7), ("frame p50", 12), ("p95", 7), ("painted p50", 13), ("p95", 7),
    ("cpu script", 13), ("style", 7), ("layout", 8), ("requests", 10), ("after", 7), ("stolen %", 10),
)  # fmt: skip
ACTS = {
    "knowledge weight": {"act": "slider", "label": "Knowledge weight α"},
    "share chosen": {"act": "slider", "label": "Share"},
    "override": {"act": "override"},
    "row switch": {"act": "row"},
}


def opened(browser: Browser, address: str) -> tuple[Page, dict[str, float]]:
    """A page that shows its rows; the milliseconds to first content and to the view, the bytes sent."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(
        "new MutationObserver((_, self) => { if (!document.querySelector('.tu-mask-bar')) return;"
        " window.viewAt = performance.now(); self.disconnect(); })"
        ".observe(document, { childList: true, subtree: true })"
    )
    page.goto(address)
    page.wait_for_selector('.tu-mask-bar [data-state="same"]')
    first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    sent = page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")
    return page, {"first content": first, "view": page.evaluate("window.viewAt"), "sent": sent}


def processor_time(session: CDPSession) -> dict[str, float]:
    """Seconds the page's thread has computed: script, style and layout. Neighbours do not change it."""
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {name: found[f"{name}Duration"] for name in ("Script", "RecalcStyle", "Layout")}


def stolen_time() -> tuple[int, int]:
    """The processor time that a host gave to others, and all there was, in ticks since the start of Linux."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[7], sum(ticks)


def timed(page: Page, act: dict[str, str]) -> dict[str, Any]:
    """The times of one act, the mean processor time of a move, the requests during and after it.

    Beside them the share of both processors that the host gave to others: where it is more than a twentieth,
    the slowest frames tell of the host.
    """
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(MOVES_SCRIPT, {**act, "count": WARM_UP})
    page.wait_for_timeout(1_000)
    asked.clear()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before, given = processor_time(session), stolen_time()
    times = page.evaluate(MOVES_SCRIPT, {**act, "count": MOVES})
    during = len(asked)
    after, taken = processor_time(session), stolen_time()
    session.detach()
    page.wait_for_timeout(1_500)
    cpu = {name: 1000 * (after[name] - before[name]) / MOVES for name in before}
    stolen = 100 * (taken[0] - given[0]) / max(1, taken[1] - given[1])
    return {"times": times, "cpu": cpu, "during": during, "after": len(asked) - during, "stolen": stolen}


def quietest(page: Page, act: dict[str, str]) -> dict[str, Any]:
    """One act as `timed`, again while the host takes more than QUIET_PERCENT away, TRIES times at most.

    Which of them counts is decided by what was stolen, never by how fast it was; requests are those of all.
    """
    tries: list[dict[str, Any]] = []
    while len(tries) < TRIES and all(each["stolen"] > QUIET_PERCENT for each in tries):
        tries.append(timed(page, act))
    most = {key: max(each[key] for each in tries) for key in ("during", "after")}
    return min(tries, key=lambda each: each["stolen"]) | most


def quantile(times: list[dict[str, float]], key: str, share: float) -> float:
    """The quantile of one of the times, in milliseconds."""
    return statistics.quantiles([each[key] for each in times], n=100)[round(share * 100) - 1]


def report(size: int, browser: Browser) -> list[str]:
    """What misses its budget at one size; prints as it goes."""
    missed = []
    made = example(size)
    payload = json.dumps(made["tokens"], separators=(",", ":"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "example.json").write_text(json.dumps(made), encoding="utf-8")
        flags = ("--no-model", "--recorded", str(folder / "example.json"))
        with serving(folder / "runs", *flags) as (address, _):
            page, shown = opened(browser, address)
            nodes = page.evaluate("document.querySelectorAll('*').length")
            sent = shown.pop("sent")
            opening = ", ".join(f"{label} {value:.0f} ms" for label, value in shown.items())
            print(f"\n{size:,} tokens: {opening}, {nodes:,} DOM nodes")
            print(f"  payload {len(payload) / 1e6:.2f} MB; the whole page is sent as {sent / 1e6:.2f} MB")
            print(f"  {'':18}" + "".join(f"{head:>{width}}" for head, width in COLUMNS))
            for label, act in ACTS.items():
                found = quietest(page, act)
                print(f"  {label:18}{line(found)}", flush=True)
                slow = quantile(found["times"], "frame", 0.95) > BUDGET_MS
                if found["during"] or (slow and act["act"] in BUDGET_ACTS and size <= BUDGET_TOKENS):
                    missed.append(
                        f"{size:,} tokens, {label}, {found['stolen']:.1f} % of the processors stolen"
                    )
            page.context.close()
    return missed


def line(found: dict[str, Any]) -> str:
    """The figures of one act under the heads of COLUMNS."""
    times = [
        quantile(found["times"], key, at) for key in ("script", "frame", "painted") for at in (0.5, 0.95)
    ]
    figures = [f"{value:.1f}" for value in [*times, *found["cpu"].values()]]
    cells = [*figures, str(found["during"]), str(found["after"]), f"{found['stolen']:.1f}"]
    return "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True))


def machine() -> str:
    """Processor and cores of this machine, and how busy it is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return f"{os.cpu_count()} cores of {model}, load {os.getloadavg()[0]:.1f}"


def main() -> int:
    """The exit status: 1 when a slider move misses its budget at 10,000 tokens, or asks the server."""
    sizes = [int(each) for each in sys.argv[1:]] or SIZES
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        print(f"{machine()}; Chromium {browser.version}; milliseconds")
        missed = [line for size in sizes for line in report(size, browser)]
        browser.close()
    for line in missed:
        print(f"missed: {line}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
