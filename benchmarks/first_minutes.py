"""What a newcomer waits for on the embedded demo: the page, the live heatmap, the default run. Real model.

    python -m benchmarks.first_minutes [openings]

Each opening (default 3) starts the page in a fresh folder: seconds until it answers, then, in Chromium on the
same processor, until first content, until the row on the screen is live, and until its whole set is; the last
one is started again on what it kept. Then one default run as the page starts it, with its phases. Ends with 1
where a bound of the issue is missed.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from app.actions import unlearn
from app.actions.draft import Draft
from app.requests import read
from app.service import Service
from app.sessions.session import Options
from benchmarks.browser import chromium
from benchmarks.serving import serving

BOUNDS = {"first content": 1.5, "live heatmap": 15.0, "default run": 90.0}
FIRST_CONTENT = ".tx-first-shot p.tx-first-answer, .tu-strip [role=option]"
BADGE = "document.querySelector('.tu-badge')?.textContent"


def opening(browser: Browser, folder: Path) -> dict[str, float]:
    """Seconds until the page answers, and from the moment it is asked for until each thing is seen."""
    with serving(folder) as (address, answers):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.wait_for_selector(FIRST_CONTENT, timeout=60_000)
        first = time.perf_counter() - began
        page.wait_for_function(f"() => {BADGE}?.startsWith('live')", timeout=300_000)
        live = time.perf_counter() - began
        page.wait_for_function(f"() => {BADGE} === 'live'", timeout=300_000)
        whole = time.perf_counter() - began
        while not list(folder.glob(".measured/scores-*.json")):
            time.sleep(0.1)
        page.close()
    return {"page answers": answers, "first content": first, "live heatmap": live, "whole set": whole}


def default_run(folder: Path) -> dict[str, float]:
    """Seconds of the phases of one default run, the target measured beforehand as the page does it."""
    service = Service(Options(runs=folder))
    service.sessions.start()
    while not list(folder.glob(".measured/report-*.json")):
        assert service.sessions.stage.name != "error", service.sessions.stage.error
        time.sleep(0.1)
    began = last = time.perf_counter()
    shown = service.shelf.newest()
    assert shown is not None
    draft = Draft(scores_id=shown.scores_id, set=shown.payload["rows"][0]["set"])
    plan = unlearn.summary(service, draft)["plan"]
    wanted = {"plan": plan, "settings": {}, "controls": False}
    (run_id,) = unlearn.start(service, read(unlearn.Start, wanted))
    phases: dict[str, float] = {}
    while True:
        state = service.queue.store.state(run_id)
        now = time.perf_counter()
        name = state["message"] or (f"{state['steps']} steps" if state["state"] == "running" else "end")
        phases[name] = phases.get(name, 0.0) + now - last
        last = now
        if state["state"] not in ("queued", "running"):
            assert state["state"] == "finished", state
            return {**phases, "default run": now - began}
        time.sleep(0.05)


def told(name: str, seconds: dict[str, float]) -> list[str]:
    """The bounds that are missed; prints a line."""
    words = ", ".join(f"{key} {value:.1f} s" for key, value in seconds.items())
    print(f"{name}: {words} (load {os.getloadavg()[0]:.1f})", flush=True)
    return [f"{name}: {key}" for key, bound in BOUNDS.items() if seconds.get(key, 0) > bound]


def main(openings: int) -> int:
    """1 where a bound is missed."""
    path, missed = chromium(), list[str]()
    folder = Path(tempfile.mkdtemp())
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            for turn in range(openings):
                missed += told(f"opening {turn + 1}", opening(browser, folder / f"runs-{turn}"))
            missed += told("opened again", opening(browser, folder / f"runs-{openings - 1}"))
            browser.close()
        missed += told("default run", default_run(folder / f"runs-{openings - 1}"))
    finally:
        shutil.rmtree(folder)
    print("missed: " + (", ".join(missed) or "nothing"))
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
