"""Would an order of rows teach more than any order, and what do ten rows marked by keyboard cost and teach?

    python -m benchmarks.audit own [nearest | information]      on our own annotated rows (6 minutes)
    python -m benchmarks.audit orders ../shared/data FOLDER     nearest first, on TOFU forget10 (6 minutes)
    python -m benchmarks.audit page ../shared/data FOLDER [ROW] in the real page, by keyboard (2 minutes)

The first two: of 20 rows ten are marked, in an order that looks for what the scorer cannot tell or in one of
20 random ones, and the word AUROC of the learned scorer is measured on other rows that no order can mark. The
ten rows that are left of the 20 are reported beside it, but an order that takes the hard ones leaves the easy
ones. Orders were chosen on our own rows; on TOFU one is only judged. The page has none of them (METHODS.md).
The third marks ten of 20 rows of TOFU in Chromium, as Enter leads from row to row. FOLDER keeps the states.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
from playwright.sync_api import Page, Response, sync_playwright

from benchmarks.browser import chromium
from benchmarks.serving import serving
from benchmarks.tofu.agreement import labels_of
from benchmarks.tofu.rows import AUTHOR, GPT, annotations_of, tofu_rows
from tokenunlearn.audit.trust import groups_of
from tokenunlearn.data.rows import Row
from tokenunlearn.learned.fit import DEFAULTS, Basis, Solution, basis_of, solution
from tokenunlearn.learned.fitted import annotated, layer_of, words_of_rows
from tokenunlearn.learned.marks import Marks
from tokenunlearn.learned.scorer import probability
from tokenunlearn.learned.word_files import read_words, write_words
from tokenunlearn.learned.words import Words
from tokenunlearn.metrics.attribution import auroc, units_of
from tokenunlearn.metrics.statistics import bootstrap_interval
from tokenunlearn.models.loading import load_model
from tokenunlearn.scoring import FREE_SIGNALS, ScoreConfig, score
from tokenunlearn.text.spans import subject_of

POOL, MARKED, DRAWS = 20, 10, 20
CLOSEST = 5  # words of a row, so that a long row is not better by its length
KINDS_OUT, SPLITS = 3, 3


@dataclass(frozen=True, eq=False)
class Audit:
    """Words of the 20 rows that may be marked and of others, all labelled; `groups` [rows] their subjects."""

    unit: str
    basis: Basis
    words: Words
    pool: Sequence[int]
    others: Sequence[int]
    groups: np.ndarray

    def of(self, rows: Sequence[int]) -> Words:
        """The words of these rows."""
        return self.words.only(np.isin(self.words.rows, rows))

    @cached_property
    def unmarked(self) -> Solution:
        """The scorer before any row is marked."""
        return solution(self.basis, None)

    def fitted(self, rows: Sequence[int]) -> Solution:
        """The scorer after these rows were marked."""
        return solution(self.basis, self.of(rows)) if len(rows) else self.unmarked

    def logits(self, fitted: Solution, rows: Sequence[int]) -> np.ndarray:
        """What a scorer says of the words of these rows."""
        return self.basis.standardised(self.of(rows).states) @ fitted.coef + fitted.intercept

    def agreement(self, fitted: Solution, rows: Sequence[int]) -> float:
        """Word AUROC on these rows."""
        return auroc(self.logits(fitted, rows), self.of(rows).labels)


def nearest_first(audit: Audit) -> list[int]:
    """Ten rows, each the one whose words the scorer of the rows before it can tell least.

    A word's closeness to the cut is 1 at probability .5 and 0 at 0 or 1. A row's gain is the mean of its five
    closest words, divided by 1 + the rows of its subject that are marked. Uncertainty sampling (Lewis & Gale
    1994), spread over subjects.
    """
    order: list[int] = []
    for _ in range(MARKED):
        fitted = audit.fitted(order)
        of_subject = Counter(audit.groups[order].tolist())
        gains = {}
        for row in audit.pool:
            if row not in order:
                close = 1 - np.abs(2 * probability(audit.logits(fitted, [row])) - 1)
                gains[row] = np.sort(close)[-CLOSEST:].mean() / (1 + of_subject[audit.groups[row]])
        order.append(max(gains, key=gains.__getitem__))
    return order


def most_information(audit: Audit) -> list[int]:
    """Ten rows, each the one that adds most to the log-determinant of the fit's precision (MacKay 1992)."""
    order: list[int] = []
    weight = DEFAULTS.C * DEFAULTS.marks_weight
    for _ in range(MARKED):
        fitted = audit.fitted(order)
        precision = np.eye(len(fitted.coef)) + DEFAULTS.C * _curvature(audit.basis.states, fitted)
        rows = {row: audit.basis.standardised(audit.of([row]).states) for row in audit.pool}
        precision += weight * sum(_curvature(rows[row], fitted) for row in order)
        gains = {
            row: np.linalg.slogdet(precision + weight * _curvature(rows[row], fitted))[1]
            for row in audit.pool
            if row not in order
        }
        order.append(max(gains, key=gains.__getitem__))
    return order


def _curvature(states: np.ndarray, fitted: Solution) -> np.ndarray:
    """Σ p(1 − p) z zᵀ over words, [width, width]."""
    chance = probability(states @ fitted.coef + fitted.intercept)
    return np.asarray((states * (chance * (1 - chance))[:, None]).T @ states)


ORDERS: Final = MappingProxyType({"nearest": nearest_first, "information": most_information})


def compared(audits: Iterator[Audit], order: str) -> int:
    """Print each audit and the paired differences; 0. Audits of one `unit` are one observation."""
    lines = []
    for number, audit in enumerate(audits):
        random = np.random.default_rng(number)
        draws = [figures_of(audit, random.permutation(audit.pool)[:MARKED].tolist()) for _ in range(DRAWS)]
        first, others = figures_of(audit, ORDERS[order](audit)), pd.DataFrame(draws)
        lines.append({"unit": audit.unit} | {name: first[name] - others[name].mean() for name in first})
        print(
            f"{audit.unit}: before {first['before']:.3f}, after {first['after']:.3f}, random "
            f"{others['after'].mean():.3f} ({others['after'].min():.3f}–{others['after'].max():.3f}), "
            f"words {first['words']} against {others['words'].mean():.0f}",
            flush=True,
        )
    differences = pd.DataFrame(lines).groupby("unit").mean()
    print(f"\n{order} minus the mean of random orders, {len(differences)} units, 95 % intervals:")
    for name in differences:
        values = differences[name].to_numpy()
        low, high = bootstrap_interval(values)
        above = f"above 0 in {int((values > 0).sum())}"
        print(f"{name:<22} {values.mean():+.4f} [{low:+.4f}, {high:+.4f}] {above}")
    return 0


def figures_of(audit: Audit, order: Sequence[int]) -> dict[str, float]:
    """What an order of rows teaches: word AUROC on the other rows, and on those of the 20 that it leaves."""
    fitted, left = audit.fitted(order), [row for row in audit.pool if row not in order]
    return {
        "before": audit.agreement(audit.unmarked, audit.others),
        "after": audit.agreement(fitted, audit.others),
        "on the ten left, before": audit.agreement(audit.unmarked, left),
        "on the ten left, after": audit.agreement(fitted, left),
        "words": len(audit.of(order).labels),
    }


def own_audits() -> Iterator[Audit]:
    """Three kinds of our own rows at a time under a basis of all others; three draws of the 20 rows each."""
    model = load_model(precision="fp32")
    ours = annotated(model, layer_of(model))
    groups = groups_of([subject_of(row.question, row.answer, row.subject)[0] for row in ours.rows])
    random = np.random.default_rng(0)
    kinds = random.permutation(sorted({row.set for row in ours.rows}))
    for out in kinds.reshape(-1, KINDS_OUT):
        inside = np.array([row.set in out for row in ours.rows])
        basis = basis_of(ours.words.only(~inside[ours.words.rows]))
        words = ours.words.only(inside[ours.words.rows])
        for _ in range(SPLITS):
            rows = random.permutation(np.unique(words.rows))
            pool, others = np.sort(rows[:POOL]).tolist(), np.sort(rows[POOL:]).tolist()
            yield Audit("+".join(out), basis, words, pool, others, groups)


def tofu_audits(data: Path, folder: Path) -> Iterator[Audit]:
    """Each pair of authors of forget10: 20 of its 40 rows, every other one, and the same turned round."""
    rows, words, basis = tofu_words(data, folder)
    groups = groups_of([subject_of(row.question, row.answer, row.subject)[0] for row in rows])
    known = set(words.rows.tolist())
    for first in range(0, len(rows), 2 * AUTHOR):
        pair = [row for row in range(first, first + 2 * AUTHOR) if row in known]
        for half in (0, 1):
            pool, others = ([row for row in pair if row % 2 == side] for side in (half, 1 - half))
            unit = f"authors {first // AUTHOR + 1} and {first // AUTHOR + 2}"
            yield Audit(unit, basis, words, pool, others, groups)


def tofu_words(data: Path, folder: Path) -> tuple[list[Row], Words, Basis]:
    """The rows of forget10, and their words with the GPT spans as labels; states are kept in the folder."""
    rows = tofu_rows(data)
    model = load_model(precision="fp32")
    layer = layer_of(model)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"words-{layer}.safetensors"
    words = read_words(path)
    if words is None:
        words = words_of_rows(model, rows, annotations_of(data)[GPT], layer)
        write_words(path, words)
    return rows, words.known, annotated(model, layer).basis(beside=rows)


class Desk:
    """The page in marking mode, worked by keys alone; `answers` are the learned signal after each refit."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.keys, self.answers = page, 0, list[list[float | None]]()
        page.set_default_timeout(400_000)  # the rows are scored first
        page.on("response", self._answered)
        page.goto(address)
        page.wait_for_function("() => document.querySelector('.tu-badge')?.textContent === 'live'")
        page.locator(".tu-strip .tu-token[tabindex='0']").first.focus()
        self.press("m")
        self.wait_until_learned(1)

    def _answered(self, response: Response) -> None:
        if "component_server" in response.url and '"learn_marks"' in (response.request.post_data or ""):
            self.answers.append(response.json()["values"])

    def press(self, *keys: str) -> None:
        """Press the keys, and count them."""
        for key in keys:
            self.page.keyboard.press(key)
        self.keys += len(keys)

    def wait_until_learned(self, count: int) -> None:
        """Wait for so many refits."""
        while len(self.answers) < count:
            self.page.wait_for_timeout(20)

    def mark_row(self, answers: Mapping[str, str], marks: Marks) -> str:
        """Mark the facts of the row that is shown, press Enter, and return its id."""
        row, refits = self.row, len(self.answers)
        begins, ends = self.units(answers[row])
        for start, end in marks[row].fact if row in marks else ():
            inside = np.flatnonzero((begins < end) & (ends > start))
            self.press("Home", *["ArrowRight"] * int(inside[0]))
            self.press(*["Shift+ArrowRight"] * int(inside[-1] - inside[0]), "f")
        if row in marks:
            self.wait_until_learned(refits + 1)
        self.press("Enter")
        self.page.wait_for_function("row => !location.search.includes(`row=${row}&`)", arg=row)
        return row

    @property
    def row(self) -> str:
        """The id of the row that is shown."""
        return parse_qs(urlsplit(self.page.url).query)["row"][0]

    def units(self, answer: str) -> tuple[np.ndarray, np.ndarray]:
        """Where the words of the strip begin and end in the answer."""
        places, last = [], 0
        for text in self.page.locator(".tu-strip").first.locator(".tu-token .tu-text").all_text_contents():
            begin = answer.index(text.strip(), last)
            last = begin + len(text.strip())
            places.append((begin, last))
        begins, ends = np.array(places).T
        return begins, ends


def in_the_page(data: Path, folder: Path, first: int) -> int:
    """Mark ten of 20 rows of forget10 by keyboard in Chromium; print what it cost and taught; 0."""
    chrome = chromium()
    rows, marks = tofu_rows(data)[first : first + POOL], annotations_of(data)[GPT]
    path = folder / "audit.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(f"{json.dumps(asdict(replace(row, gold=())))}\n" for row in rows), encoding="utf-8"
    )
    with (
        tempfile.TemporaryDirectory() as runs,
        serving(Path(runs), "--data", str(path)) as (address, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chrome, args=["--no-sandbox"])
        desk = Desk(browser.new_page(viewport={"width": 1440, "height": 900}), address)
        begun = time.perf_counter()
        marked = [desk.mark_row({row.id: row.answer for row in rows}, marks) for _ in range(MARKED)]
        seconds = time.perf_counter() - begun
        desk.page.wait_for_timeout(2_000)  # the last Enter is saved and asked about
        browser.close()
    table = score(load_model(precision="fp32"), rows, ScoreConfig(signals=FREE_SIGNALS))
    table["gold"] = labels_of(table, rows, marks)
    left = ~table["row_id"].isin(marked).to_numpy()
    figures = []
    for values in (desk.answers[0], desk.answers[-1]):
        words = units_of(
            table.assign(learned=np.array(values, dtype=float))[left], "learned", "word", "words"
        )
        figures.append(auroc(words.scores, words.gold))
    print(f"marked, in this order: {', '.join(marked)}")
    print(f"{desk.keys} keys, {seconds:.0f} s, {len(desk.answers) - 1} refits")
    print(f"word AUROC on the other ten rows: {figures[0]:.3f} before, {figures[1]:.3f} after")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments name; 2 with the usage where they name nothing."""
    match arguments:
        case ["own", *named] if set(named) <= set(ORDERS):
            return compared(own_audits(), *(named or ["nearest"]))
        case ["orders", data, folder]:
            return compared(tofu_audits(Path(data), Path(folder)), "nearest")
        case ["page", data, folder, *first] if len(first) < 2:
            return in_the_page(Path(data), Path(folder), int(first[0]) if first else 0)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
