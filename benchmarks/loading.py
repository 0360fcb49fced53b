"""What one load of the page costs, in a real Chromium: `python -m benchmarks.loading [milliseconds]`.

A recorded example is served without a model. Counted for a first visit (empty cache) and a second one: the
requests and bytes of the page's own modules and styles (`/web/`), and of all the rest, which is Gradio's;
the seconds until the view stands; the processor seconds of Chromium's processes and of the server. With an
argument each request waits so long, as over a network. Median of the loads.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks.browser import chromium
from benchmarks.serving import serving
from benchmarks.synthetic import example

LOADS = 5
TOKENS = 1_000
SIZES = """() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .map(({ name, transferSize }) => [new URL(name).pathname, transferSize])"""


def processor_seconds(processes: list[psutil.Process]) -> float:
    """Return what the processes have computed until now; those that have ended count nothing."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def browser_processes() -> list[psutil.Process]:
    """Return the processes of the browser, which are children of this one."""
    return [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]


def load(context: BrowserContext, address: str, server: psutil.Process, wait_ms: float) -> dict[str, Any]:
    """Return the figures of one load in a context, whose cache is its own."""
    page = context.new_page()
    if wait_ms:
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        speed = {"downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", {"offline": False, "latency": wait_ms, **speed})
    before, before_server = processor_seconds(browser_processes()), processor_seconds([server])
    page.goto(address)
    page.wait_for_selector('.tu-mask-bar [data-state="same"], .tu-mask-bar [data-state="unreachable"]')
    seconds = page.evaluate("performance.now()") / 1000
    page.wait_for_timeout(1_500)
    found = page.evaluate(SIZES)
    ours = [size for path, size in found if path.startswith("/web/")]
    figures = {
        "requests, ours": len(ours),
        "requests, Gradio's": len(found) - len(ours),
        "kB, ours": sum(ours) / 1000,
        "kB, Gradio's": (sum(size for _, size in found) - sum(ours)) / 1000,
        "seconds until the view stands": seconds,
        "processor seconds, Chromium": processor_seconds(browser_processes()) - before,
        "processor seconds, server": processor_seconds([server]) - before_server,
    }
    page.close()
    return figures


def main() -> None:
    """Print the table."""
    wait_ms = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    path = chromium()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "example.json"
        file.write_text(json.dumps(example(TOKENS)), encoding="utf-8")
        flags = ("--no-model", "--recorded", str(file))
        with serving(Path(folder) / "runs", *flags) as (address, _):
            server = next(
                each
                for each in psutil.Process().children(recursive=True)
                if "app" in each.cmdline() and "--no-model" in each.cmdline()
            )
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            loads: dict[str, list[dict[str, Any]]] = {"first visit": [], "second visit": []}
            for _ in range(LOADS + 1):
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                for visit in loads.values():
                    visit.append(load(context, address, server, wait_ms))
                context.close()
    names = list(loads["first visit"][0])
    print("| | first visit | second visit |\n|---|---|---|")
    for name in names:
        # The very first load warms the server and the browser.
        cells = [f"{statistics.median(each[name] for each in visit[1:]):.2f}" for visit in loads.values()]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
