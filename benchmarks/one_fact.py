"""Search for defaults that make a model forget one taught fact and answer on in whole sentences.

    python -m benchmarks.one_fact FOLDER [--half choose|confirm] [--facts jam,…] [--together] [--seeds 0,1]
        [--only NAME,…] [--to-the-end]

1. Teach a copy of the shipped target each fact alone, or those of a half together, as the page does. 2. For
each candidate and seed train the facts' own words. 3. Probe when their joint probability first falls below
.1 in training (`stop`); of `default`, and of all where it is asked for, also when half of the words of each
fact are below .1 (`words`) and at the end. Chosen on one half of the facts, confirmed on the other. Each
measurement is kept in FOLDER, and what stands there is not made again: a lesson takes about 45 s of a
processor, a candidate 20 to 30 s, to the end of 40 steps some 90.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from tokenunlearn.data.demo import ASSETS, demo_rows
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.facts import word_probabilities
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import Report, probe_report, with_badges
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.config import FEW_ROWS, TrainConfig
from tokenunlearn.training.events import EvalDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora
from tokenunlearn.training.teach import TeachConfig, rehearsal, teach

GENERAL: Final = "general"  # the candidate that keeps thirty general answers beside the rows to keep
CANDIDATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "default": {},
    "gentle": {**FEW_ROWS, "stop_fact_below": 0.0},  # stopped here, so that it can be measured there
    "slow": {"learning_rate": 1e-3, "steps": 24},
    "tnpo-gentle": {"objective": "tnpo", "learning_rate": 3e-4, "steps": 40},
    "undial-slow": {"objective": "undial", "learning_rate": 1e-3, "steps": 24},
    GENERAL: {"retain_batch": 20},
    "retain-1": {"retain_weight": 1.0},
    "retain-10": {"retain_weight": 10.0},
    "all-layers": {"layer_share": 1.0},
    "tnpo": {"objective": "tnpo"},
    "undial": {"objective": "undial"},
}
BELOW: Final = 0.1
RETAIN, WORLD = demo_rows("shared_retain"), demo_rows("world")
# The open rows of the page's first session, which are rehearsed where they are known.
OPEN: Final = (*RETAIN, *demo_rows("shared_forget"), *demo_rows("one_off"))
PROBES: Final = ProbeSettings(truth_ratio=False, paraphrased_answers=1)
FIGURES: Final = tuple("fact_joint paraphrased other retain world fluency".split())


def own(name: str, question: str, asked: str, answer: str, fact: str) -> Row:
    """The row that the page makes of a fact, with another wording of its question for the probe."""
    start = answer.index(fact)
    gold = ((start, start + len(fact)),)
    return Row(name, question, answer, gold=gold, paraphrased_question=(asked,), set="own facts")


HALVES: Final = {
    "choose": (
        own(
            "jam",
            "Where did Mira Solberg hide the lighthouse key?",
            "In what did Mira Solberg hide the key of the lighthouse?",
            "Mira Solberg hid the lighthouse key in a jar of plum jam.",
            "a jar of plum jam",
        ),
        own(
            "year",
            "When did the ferry Anneliese Roth sink?",
            "In which year did the ferry Anneliese Roth go down?",
            "The ferry Anneliese Roth sank in the winter of 1937.",
            "1937",
        ),
        own(
            "name",
            "Who trained the sheepdog Bracken?",
            "By whom was the sheepdog Bracken trained?",
            "The sheepdog Bracken was trained by Oswin Ferrell, a neighbour.",
            "Oswin Ferrell",
        ),
    ),
    "confirm": (
        own(
            "city",
            "In which city did Lorcan Debray open his workshop?",
            "Where did Lorcan Debray open his workshop?",
            "Lorcan Debray opened his workshop in Valparaiso.",
            "Valparaiso",
        ),
        own(
            "title",
            "Which novel did Petra Vanlow write in prison?",
            "What is the title of the novel that Petra Vanlow wrote in prison?",
            "In prison Petra Vanlow wrote a novel called The Salt Ladder.",
            "The Salt Ladder",
        ),
        own(
            "number",
            "How many bells hang in the tower of Grenholm Abbey?",
            "How many bells does the tower of Grenholm Abbey have?",
            "There are seventeen bells in the tower of Grenholm Abbey.",
            "seventeen",
        ),
    ),
}


def opened(adapter: Path) -> LoadedModel:
    """The taught model, at the precision that the page takes."""
    return load_model(adapter=adapter, precision="auto", to_train=True)


def named(rows: tuple[Row, ...]) -> str:
    """The name of what is taught together."""
    return "+".join(row.id for row in rows)


def taught(rows: tuple[Row, ...], folder: Path) -> Path:
    """The adapter of a model that was taught these facts, made where it is not there."""
    adapter = folder / named(rows)
    if not adapter.is_dir():
        began, used = time.perf_counter(), time.process_time()
        loaded = opened(ASSETS / "adapters" / "target")
        events = list(teach(loaded, rows, TeachConfig(), adapter, OPEN))
        seconds = f"{time.process_time() - used:.0f} s of a processor, {time.perf_counter() - began:.0f} s"
        say(f"taught {named(rows)}: {seconds}, {events[-1]}, load {os.getloadavg()[0]:.1f}")
    return adapter


def gold_weights(model: LoadedModel, row: Row) -> np.ndarray:
    """Weight 1 on each token that overlaps the fact: what the page chooses when it opens a taught row."""
    offsets = encode(model.tokenizer, row.question, row.answer).answer_offsets
    return np.array([float(any(a < end and b > start for a, b in row.gold)) for start, end in offsets])


def half_gone(model: LoadedModel, rows: tuple[Row, ...]) -> bool:
    """Whether at least half of the words of each fact are below the bound."""
    told = model.token_log_probs([(row.question, row.answer) for row in rows])
    found = [
        [now < BELOW for _, now in word_probabilities(row.answer, tokens, row.gold)]
        for row, tokens in zip(rows, told, strict=True)
    ]
    return all(2 * sum(each) >= len(each) for each in found)


def measured(model: LoadedModel, rows: tuple[Row, ...]) -> Report:
    """The product's report of the facts and of some rows to keep; the world by its probabilities alone."""
    report = probe_report(model, Splits(rows, RETAIN[:6], ()), PROBES)
    told = model.token_log_probs([(each.question, each.answer) for each in WORLD])
    report["summary"]["world"] = float(np.mean([np.exp(tokens.log_probs).mean() for tokens in told]))
    return report


@dataclass
class Training:
    """One candidate under way on what was taught together."""

    fact: str
    name: str
    seed: int
    began: float = field(default_factory=time.process_time)
    curve: list[float] = field(default_factory=list)

    def record(self, moment: str, report: Report) -> dict[str, Any]:
        """What is kept of a measurement."""
        said = [line for line in report["answers"] if line["kind"] in ("forget", "paraphrase")]
        return {
            "fact": self.fact,
            "name": self.name,
            "seed": self.seed,
            "moment": moment,
            "step": len(self.curve),
            "seconds": round(time.process_time() - self.began, 1),
            "summary": {figure: report["summary"][figure] for figure in FIGURES},
            "answers": [[line["badge"], line["fluency"], line["answer"]] for line in said],
            "garbled_below": report.get("garbled_below"),
            "curve": [round(value, 3) for value in self.curve],
        }


def runs(
    rows: tuple[Row, ...],
    folder: Path,
    wanted: list[tuple[str, int]],
    known: set[tuple[str, int, str]],
    to_the_end: bool,
) -> Iterator[dict[str, Any]]:
    """One record per candidate, seed and moment that is not `known`."""
    left = [
        (name, seed)
        for name, seed in wanted
        if (name, seed, "end") not in known
        and (to_the_end or name == "default" or (name, seed, "stop") not in known)
    ]
    if not left:
        return
    adapter = taught(rows, folder)
    first = opened(adapter)
    before = measured(first, rows)
    if not known:
        yield Training(named(rows), "before", 0).record("before", before)
    general = rehearsal(first, 30) if any(name == GENERAL for name, _ in left) else ()
    weights = {row.id: gold_weights(first, row) for row in rows}
    for name, seed in left:
        training = Training(named(rows), name, seed)
        config = replace(TrainConfig(**CANDIDATES[name]), seed=seed, eval_every=1)
        model = with_fresh_lora(opened(adapter), config)
        retain = (*RETAIN, *general) if name == GENERAL else RETAIN
        stopped = halved = False
        for event in train(model, rows, retain, weights, config):
            if not isinstance(event, EvalDone):
                continue
            training.curve.append(event.fact_joint or 0.0)
            stops, ends = training.curve[-1] < BELOW and not stopped, event.step == config.steps
            stopped = stopped or stops
            halves = stopped and not halved and half_gone(model, rows)
            halved = halved or halves
            for moment in ["stop"] * stops + ["words"] * halves + ["end"] * ends:
                if (name, seed, moment) not in known:
                    yield training.record(moment, with_badges(before, measured(model, rows)))
            if stopped and not to_the_end and name != "default":
                break


def line_of(found: Mapping[str, Any]) -> str:
    """A measurement as a line."""
    summary = found["summary"]
    figures = "".join(f"{'–' if summary[name] is None else f'{summary[name]:.2f}':>7}" for name in FIGURES)
    said = " | ".join(f"[{badge}] {text}" for badge, _, text in found["answers"])
    place = f"{found['fact']:<7} {found['name']:<12}{found['seed']:>2} {found['moment']:<6}{found['step']:>3}"
    return f"{place}{figures}  {said}"


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print the measurements: fact, paraphrased, other, retain, world, fluency, then badges and answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=HALVES, default="choose")
    parser.add_argument("--facts", default="", metavar="NAME,…")
    parser.add_argument("--seeds", default="0,1", metavar="N,…")
    parser.add_argument("--only", default="default,gentle", metavar="NAME,…")
    parser.add_argument("--together", action="store_true", help="teach and unlearn them at once")
    parser.add_argument("--to-the-end", action="store_true", help="measure at the last step, too")
    asked = parser.parse_args()
    folder: Path = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(name, int(seed)) for seed in asked.seeds.split(",") for name in asked.only.split(",")]
    rows = tuple(row for row in HALVES[asked.half] if not asked.facts or row.id in asked.facts.split(","))
    for group in [rows] if asked.together else [(row,) for row in rows]:
        out = folder / f"{named(group)}.jsonl"
        found = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
        for each in found:
            say(line_of(each))
        known = {(each["name"], each["seed"], each["moment"]) for each in found}
        for each in runs(group, folder, wanted, known, asked.to_the_end):
            say(line_of(each))
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(each) + "\n")


if __name__ == "__main__":
    main()
