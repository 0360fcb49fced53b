"""Does a better choice of tokens unlearn better? One author of TOFU, taught, then forgotten by seven choices.

1. Teach 20 rows of one author and 20 rows of others. 2. Score the author's rows once. 3. Each arm is a mask
with the budget of the gold (as many tokens; whole words, so up to a word more), but *uniform* and *content
words*, which take all that they name. *learned+10* also learned from ten marked rows of another author.
4. Arms × seeds by `experiments.runner`, measured at equal steps and at equal forgetting; kept in the folder.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.tofu.rows import AUTHOR, retain_rows, tofu_rows
from tokenunlearn.cli import main
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.experiments.arms import Arm, arm_weights
from tokenunlearn.experiments.report import arm_lines
from tokenunlearn.experiments.results import (
    BEFORE,
    comparison_origin,
    missing,
    read_results,
    results_text,
)
from tokenunlearn.experiments.runner import ArmResult, Bench, arms_table, before, run_arm
from tokenunlearn.learned.fitted import fit_marks
from tokenunlearn.learned.marks import marks_of_rows
from tokenunlearn.masks import Mask, columns_from_table, make_mask
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.passes import Beside
from tokenunlearn.probes.report import with_badges
from tokenunlearn.runs.disk import write_bytes_atomically
from tokenunlearn.runs.measured import source_hash
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.table import read_table, write_table
from tokenunlearn.training.config import TrainConfig

FORGET, MARKED = 11 * AUTHOR, 10 * AUTHOR  # the first row of the author, and of the one with ten marked rows
RETAIN, MARKED_ROWS, SEEDS = 20, 10, 3
EQUAL_BELOW: Final = 0.5  # in 12 steps few arms get below the .1 that `compare` asks for
WITH_MARKS: Final = "learned_marked"
SIGNALS: Final = ("knowledge_swap", "learned", "content_words", "random")

# In the order of measuring. By name: which arm of the runner it is, and what chooses its mask.
ARMS: Final[Mapping[str, tuple[str, str]]] = {
    "learned": ("chosen", "learned"),
    "gold": ("gold", "gold"),
    "uniform": ("uniform", "gold"),
    "random": ("random", "gold"),
    "swap": ("chosen", "knowledge_swap"),
    "content": ("chosen", "content_words"),
    "learned+10": ("chosen", WITH_MARKS),
}


def run(data: Path, folder: Path) -> int:
    """Print the tables after each arm; the exit code of `teach` where it fails, else 0."""
    rows, retain = tofu_rows(data), retain_rows(data, RETAIN)
    forget, marked = rows[FORGET : FORGET + AUTHOR], rows[MARKED : MARKED + MARKED_ROWS]
    adapter = folder / "adapter-arms"
    code = taught([*forget, *retain], adapter)
    if code:
        return code

    def load() -> LoadedModel:
        return load_model(adapter=adapter, precision="fp32")

    bench = Bench(load, forget, retain, demo_rows("world"), TrainConfig(), EQUAL_BELOW)
    model = load()
    kept, path = folder / "arms-scores.parquet", folder / "arms.jsonl"
    if not kept.is_file():
        write_table(scored(model, forget, marked), kept)
    table = read_table(kept)
    masks = masks_of(table)
    chosen = {name: masks[by].hash for name, (_, by) in ARMS.items()}
    origin = comparison_origin(bench, model, chosen, source_hash())
    results = read_results(path, origin)
    del model  # each arm loads its own

    def keep(measured: Sequence[ArmResult]) -> None:
        results.extend(measured)
        write_bytes_atomically(path, results_text(origin, results).encode())

    if not results:
        keep([before(bench)])
    for seed, missed in missing(results, [(seed, Arm(name)) for name in ARMS for seed in range(SEEDS)]):
        tokens, by = ARMS[missed.tokens]
        found = run_arm(bench, table, masks[by], Arm(tokens), seed)
        keep([replace(each, arm=missed.tokens) for each in found if isinstance(each, ArmResult)])
        print("\n".join(tables(table, masks, results)), flush=True)
    print("\n".join(tables(table, masks, results)))
    return 0


def tables(table: pd.DataFrame, masks: Mapping[str, Mask], results: Sequence[ArmResult]) -> list[str]:
    """What the arms forget and keep, and what they choose, as lines."""
    return [*arm_lines(arms_table(results)), "", *choice_lines(table, masks, results), ""]


def taught(rows: Sequence[Row], adapter: Path) -> int:
    """Teach the rows where there is no such adapter yet; the exit code of `teach`."""
    if adapter.is_dir():
        return 0
    adapter.parent.mkdir(parents=True, exist_ok=True)
    path = adapter.with_suffix(".jsonl")
    path.write_text("".join(f"{json.dumps(asdict(row))}\n" for row in rows), encoding="utf-8")
    # small batches need fewer passes over the rows
    return main(["teach", str(path), "--out", str(adapter), "--batch", "5"])


def scored(model: LoadedModel, rows: Sequence[Row], marked: Sequence[Row]) -> pd.DataFrame:
    """The exchange table of the rows, `learned_marked` being `learned` after the gold of `marked` as well."""
    scorer = fit_marks(model, marked, marks_of_rows(marked))
    after = score(model, rows, ScoreConfig(signals=("learned",)), Beside(scorer=scorer))
    return score(model, rows, ScoreConfig(signals=SIGNALS)).assign(**{WITH_MARKS: after["learned"]})


def masks_of(table: pd.DataFrame) -> dict[str, Mask]:
    """A mask by each signal, of as many tokens as are gold; of content words all; and the gold itself."""
    columns, budget = columns_from_table(table), int((table["gold"] == 1).sum())
    rules = {
        name: Rule(knowledge=name, alpha=1, mode="top_k", k=budget)
        for name in ("learned", "knowledge_swap", WITH_MARKS)
    }
    rules["content_words"] = Rule(knowledge="content_words", alpha=1, mode="threshold", threshold=0.5)
    rules["gold"] = Rule(knowledge="learned", alpha=1, mode="gold")
    return {name: make_mask(columns, rule) for name, rule in rules.items()}


def choice_lines(table: pd.DataFrame, masks: Mapping[str, Mask], results: Sequence[ArmResult]) -> list[str]:
    """A line an arm: how many tokens it trains, the share of gold among them, and its garbled answers.

    Means over the seeds that are there. Garbled are answers to the forget questions, judged against before.
    """
    first = next(each for each in results if each.arm == BEFORE)
    asked = sum(line["kind"] == "forget" for line in first.answers)
    lines = [f"{'arm':<12}{'tokens':>8}{'gold precision':>16}{f'garbled of {asked}, by moment':>28}"]
    for name, (arm, by) in ARMS.items():
        own = [each for each in results if each.arm == name]
        if not own:
            continue
        picks = [picked(table, masks[by], arm, seed) for seed in sorted({each.seed for each in own})]
        tokens, precision = np.mean(picks, axis=0)
        counts = [
            f"{moment}: {np.mean([garbled(first, each) for each in own if each.moment == moment]):.1f}"
            for moment in dict.fromkeys(each.moment for each in own)
        ]
        lines.append(f"{name:<12}{tokens:>8.0f}{precision:>16.2f}  {', '.join(counts)}")
    return lines


def picked(table: pd.DataFrame, mask: Mask, arm: str, seed: int) -> tuple[int, float]:
    """How many tokens an arm trains, and the share of gold among them."""
    weights = np.concatenate(list(arm_weights(table, mask, arm, seed).values()))
    gold = table["gold"].to_numpy() == 1
    return int((weights > 0).sum()), float(gold[weights > 0].mean())


def garbled(first: ArmResult, result: ArmResult) -> int:
    """How many answers to the forget questions are garbled, by the fluency of the answers from before."""
    reports: list[dict[str, Any]] = [
        {"answers": each.answers, "summary": each.summary} for each in (first, result)
    ]
    answers = with_badges(*reports)["answers"]
    return sum(line["badge"] == "garbled" for line in answers if line["kind"] == "forget")
