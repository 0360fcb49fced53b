"""Search for defaults that forget as far with less broken language: the demo's shared set, the real model.

    python -m benchmarks.defaults [--seeds 0,1,2] [--only default,npo-beta-1] [--out runs.jsonl]

1. Score the set once and probe the target. 2. For each candidate and seed train the rule's own tokens from
the same target. 3. Probe, and count the badges of the answers to the forget questions. Prints a line a run;
with --out each is kept, and one that the file holds is not trained again. Two minutes a run on one core.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.data.splits import Splits
from tokenunlearn.experiments.arms import weights_by_row
from tokenunlearn.masks import columns_from_table
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.badges import BADGES
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import Report, probe_report, with_badges
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule, select
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

CANDIDATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "default": {},
    **{
        f"npo-beta-{beta:g}": {"objective": "npo", "objective_settings": {"beta": beta}}
        for beta in (0.1, 0.3, 0.5, 1.0)
    },
    "npo-beta-0.1-kl": {"retain": "kl", "objective_settings": {"beta": 0.1}},
    "npo-beta-0.1-retain-10": {"retain_weight": 10.0, "objective_settings": {"beta": 0.1}},
    "npo-beta-0.1-8-steps": {"steps": 8, "objective_settings": {"beta": 0.1}},
    "wga": {"objective": "wga"},
    "simnpo": {"objective": "simnpo"},
}
FIGURES: Final = tuple("fact_joint paraphrased other retain world stated stated_retain fluency".split())
ROWS: Final = Splits(*map(demo_rows, ("shared_forget", "shared_retain", "world")))
PROBES: Final = ProbeSettings(truth_ratio=False, paraphrased_answers=0)


def target() -> LoadedModel:
    """The shipped target, in full precision."""
    return load_model(adapter=ASSETS / "adapters" / "target", precision="fp32")


def runs(names: list[str], seeds: list[int], known: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """One record per candidate and seed that is not `known`: its figures, badges and answers."""
    forget, retain = ROWS.forget, ROWS.retain
    model = target()
    table = score(model, forget, ScoreConfig())
    weights = weights_by_row(table, select(columns_from_table(table), Rule()).weights)
    before = probe_report(model, ROWS, PROBES)
    for name in names:
        for seed in seeds:
            if (name, seed) in known:
                continue
            config = replace(TrainConfig(**CANDIDATES[name]), seed=seed, eval_every=1000)
            trained = with_fresh_lora(target(), config)
            for _ in train(trained, forget, retain, weights, config):
                pass
            yield record(name, seed, with_badges(before, probe_report(trained, ROWS, PROBES)))


def record(name: str, seed: int, after: Report) -> dict[str, Any]:
    """What is kept of a run."""
    said = [line for line in after["answers"] if line["kind"] == "forget"]
    return {
        "name": name,
        "seed": seed,
        "summary": {figure: after["summary"][figure] for figure in FIGURES},
        "badges": Counter(line["badge"] for line in said),
        "garbled_below": after["garbled_below"],
        "answers": {line["row_id"]: [line["badge"], line["fluency"], line["answer"]] for line in said},
    }


def line_of(run: Mapping[str, Any]) -> str:
    """A run as a line of the table."""
    figures = "".join(f"{run['summary'][name]:>9.3f}" for name in FIGURES)
    badges = "".join(f"{run['badges'].get(badge, 0):>5}" for badge in BADGES)
    return f"{run['name']:<24}{run['seed']:>5}{figures}{badges}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2", metavar="N,…")
    parser.add_argument("--only", default=",".join(CANDIDATES), metavar="NAME,…")
    parser.add_argument("--out", type=Path, help="keep each run here, as JSONL")
    asked = parser.parse_args()
    out: Path | None = asked.out
    found = [json.loads(line) for line in out.read_text().splitlines()] if out and out.exists() else []
    heads = "".join(f"{name[:8]:>9}" for name in FIGURES) + "".join(f"{badge[:4]:>5}" for badge in BADGES)
    sys.stdout.write(f"{'candidate':<24}{'seed':>5}{heads}\n" + "".join(f"{line_of(run)}\n" for run in found))
    known = {(run["name"], run["seed"]) for run in found}
    for run in runs(asked.only.split(","), list(map(int, asked.seeds.split(","))), known):
        sys.stdout.write(line_of(run) + "\n")
        sys.stdout.flush()
        if out:
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(run) + "\n")


if __name__ == "__main__":
    main()
