"""A busy page: clients beside a training run, many openings in a browser, then an idle hour. Real model.

    python -m benchmarks.load [--clients 20] [--minutes 5] [--loads 200] [--idle 60]

One page with one long run in its queue. The minutes of the clients are cut in four: none, all, all, none
(A B B A), and the run's steps are timed in each. A client is a `gradio_client` session that asks for one
public endpoint a second: where the run stands, a mask, the scores, its probes. Then the run is
stopped and the page opened so many times in Chromium, each time as a new visitor, until the tokens stand
there. Prints p50 and p95 in seconds, errors, steps a second, and the server's memory before, at each part's
end, and after the idle minutes. Ends with 1 where anything failed or where memory grew by more than 5 % from
the end of the first minute with clients to the very end, openings and idle minutes included.
"""

import argparse
import itertools
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Browser, sync_playwright
from scipy.stats import bootstrap

from benchmarks.browser import chromium
from benchmarks.first_minutes import BADGE, FIRST_CONTENT
from benchmarks.serving import serving
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.states import ACTIVE
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.events import StepDone

TRAINING: Final = {"steps": 2000, "learning_rate": 1e-6}  # as long as it is looked at, and nothing stops it
# What a session asks for, one a second: mostly where the run stands, now and then something large.
ROUND: Final = ("run_status", "select", "run_status", "probe", "run_status", "select", "run_status", "score")
PHASES: Final = ("alone", "with clients", "with clients", "alone")
WARM_SECONDS: Final = 60.0  # memory is compared with what it is after these
GROWTH: Final = 1.05
SAMPLE_SECONDS: Final = 5.0


@dataclass
class Calls:
    """What every client saw: seconds by what was asked, and each error in words."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time what is inside under `name`; an error is kept and swallowed, for the load goes on."""
        began = time.perf_counter()
        try:
            yield
        # Whatever a client can meet is what is counted here.
        except Exception as error:
            self.errors.append(f"{name}: {type(error).__name__}: {error}")
        else:
            self.seconds[name].append(time.perf_counter() - began)


@dataclass
class Memory:
    """Resident memory of the server's process alone, in MB, sampled until `done` is set."""

    server: psutil.Process
    samples: list[tuple[float, float]] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def now(self) -> float:
        """Return the MB of this moment."""
        return float(self.server.memory_info().rss) / 1e6

    def watch(self) -> None:
        """Sample until it is done."""
        while not self.done.wait(SAMPLE_SECONDS):
            self.samples.append((time.monotonic(), self.now()))

    def span(self, since: float) -> tuple[float, float]:
        """Return the first sample after a moment, and the largest one from there on."""
        later = [size for moment, size in self.samples if moment >= since]
        return later[0], max(later)


def session(address: str, calls: Calls, arguments: Mapping[str, tuple[Any, ...]], until: float) -> None:
    """Ask for one endpoint a second as one client, until a moment of `time.monotonic`."""
    with calls.timed("connect"):
        client = Client(address, verbose=False)
    time.sleep(random.random())
    for name in itertools.cycle(ROUND):
        asked = time.monotonic()
        if asked > until:
            return
        with calls.timed(name):
            client.predict(*arguments[name], api_name=f"/{name}")
        time.sleep(max(0.0, 1 - (time.monotonic() - asked)))


def begin_run(address: str, queue: RunQueue) -> dict[str, tuple[Any, ...]]:
    """Start the long run as a client does; return, at its second step, what each endpoint is asked."""
    client = Client(address, verbose=False)
    while True:
        # Refused until the model is loaded and its rows are scored.
        with suppress(AppError):
            scores = client.predict(api_name="/score")
            draft: tuple[Any, ...] = (scores["scores_id"], scores["rows"][0]["set"], {}, {})
            mask = client.predict(*draft, api_name="/select")
            (run_id,) = client.predict(*draft, mask["hash"], TRAINING, None, api_name="/start_run")
            break
        time.sleep(1)
    while queue.store.state(run_id)["step"] < 2:
        time.sleep(0.5)
    return {"run_status": (run_id,), "probe": (run_id,), "select": draft, "score": ()}


def busy(address: str, queue: RunQueue, calls: Calls, clients: int, seconds: float) -> dict[str, list[float]]:
    """Run the four phases; return the seconds of the run's whole steps in each kind of phase."""
    arguments = begin_run(address, queue)
    run_id = arguments["run_status"][0]
    steps: dict[str, list[float]] = defaultdict(list)
    for name in PHASES:
        until = time.monotonic() + seconds
        cursor = queue.store.events(run_id)[1]
        threads = [
            threading.Thread(target=session, args=(address, calls, arguments, until))
            for _ in range(clients if name == "with clients" else 0)
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, until - time.monotonic()))
        done = [
            event.seconds for event in queue.store.events(run_id, cursor)[0] if isinstance(event, StepDone)
        ]
        steps[name] += done[1:]  # the first began before
        for thread in threads:
            thread.join()
    queue.request(run_id, "force")
    while queue.store.state(run_id)["state"] in ACTIVE:
        time.sleep(0.5)
    return steps


def open_page(browser: Browser, address: str, calls: Calls) -> None:
    """Open the page as a new visitor until its tokens stand there; an error in its console counts."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: calls.errors.append(f"page: {error}"))
        page.on(
            "response",
            lambda answer: (
                calls.errors.append(f"page: {answer.status} {answer.url}") if answer.status >= 400 else None
            ),
        )
        with calls.timed("first content"):
            page.goto(address, wait_until="commit")
            page.wait_for_selector(FIRST_CONTENT, timeout=60_000)
        with calls.timed("tokens live"):
            page.wait_for_function(f"() => {BADGE}?.startsWith('live')", timeout=60_000)
    finally:
        context.close()


def told(calls: Calls) -> None:
    """Print p50 and p95 of everything that was asked."""
    print("| what | times | p50 s | p95 s |\n|---|---|---|---|")
    for name, values in calls.seconds.items():
        low, high = np.percentile(values, [50, 95])
        print(f"| {name} | {len(values)} | {low:.2f} | {high:.2f} |")


def told_steps(steps: Mapping[str, Sequence[float]]) -> None:
    """Print steps a second alone and with clients, and their ratio with its bootstrap interval."""
    for name, values in steps.items():
        print(f"steps a second {name}: {1 / statistics.median(values):.3f} ({len(values)} steps)")
    found = bootstrap(
        [steps["with clients"], steps["alone"]],
        lambda busy, alone, axis: np.median(busy, axis=axis) / np.median(alone, axis=axis),
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    ratio = statistics.median(steps["with clients"]) / statistics.median(steps["alone"])
    print(f"a step with clients takes {ratio:.2f} [{found.low:.2f}, {found.high:.2f}] times as long")


def main(options: argparse.Namespace) -> int:
    """Return 1 where anything failed or memory grew."""
    path, calls = chromium(), Calls()
    with (
        tempfile.TemporaryDirectory() as place,
        serving(Path(place)) as (address, _),
        sync_playwright() as playwright,
    ):
        queue = RunQueue(RunStore(place))
        memory = Memory(psutil.Process().children()[0])
        before = memory.now()
        watcher = threading.Thread(target=memory.watch, daemon=True)
        watcher.start()
        print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}", flush=True)
        seconds = options.minutes * 60 / 2
        steps = busy(address, queue, calls, options.clients, seconds)
        # The first phase with clients begins where the first one alone ends.
        began = memory.samples[-1][0] - 3 * seconds
        after_clients = memory.now()
        told(calls)
        told_steps(steps)
        print(f"memory: at the start {before:.0f} MB, after the clients {after_clients:.0f} MB", flush=True)
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu"],
        )
        pages = Calls()
        for _ in range(options.loads):
            open_page(browser, address, pages)
        browser.close()
        told(pages)
        print(f"memory after {options.loads} openings: {memory.now():.0f} MB", flush=True)
        time.sleep(options.idle * 60)
        print(f"memory {options.idle:g} minutes later: {memory.now():.0f} MB")
        memory.done.set()
        warm, most = memory.span(began + WARM_SECONDS)
    errors = calls.errors + pages.errors
    print(f"errors: {len(errors)}")
    print(f"memory after the first minute with clients {warm:.0f} MB, at most {most:.0f} MB")
    print("\n".join(sorted(set(errors))[:20]))
    return int(bool(errors) or most > GROWTH * warm)


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description="Clients beside a training run, openings, an idle hour.")
    flags.add_argument("--clients", type=int, default=20, help="sessions at once")
    flags.add_argument("--minutes", type=float, default=5, help="minutes with clients; as many without")
    flags.add_argument("--loads", type=int, default=200, help="openings in Chromium")
    flags.add_argument("--idle", type=float, default=60, help="idle minutes at the end")
    sys.exit(main(flags.parse_args()))
