"""compare arms: chosen tokens against uniform, random and gold, over seeds, at equal steps and forgetting

Everything but the tokens is the same: target, rows, objective, settings, seeds. Prints one table; --out keeps
every single measurement as JSONL.
"""

import argparse
import json
import sys
from dataclasses import asdict

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load, target
from tokenunlearn.errors import InputError
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing; the verb's arguments are added."""
    add_rows(parser, "the shared set, forget and retain")
    parser.add_argument(
        "--retain-rows", metavar="FILE", help="rows to keep, beside those that FILE marks with split retain"
    )
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 … N−1 (default 3)")
    parser.add_argument(
        "--arms",
        default="uniform,chosen,random,gold",
        metavar="NAME[,NAME]",
        help="arms to run (default all)",
    )
    parser.add_argument("--out", metavar="PATH", help="every measurement as .jsonl")
    add_model(parser)
    add_settings(parser, "TrainConfig")
    add_settings(parser, "Rule")


def run(arguments: argparse.Namespace) -> int:
    """0, after the table was printed."""
    rows = given_rows(arguments, "shared_forget", "shared_retain")
    if not rows.retain:
        raise InputError(
            "There are no rows to keep",
            "Arms are judged by what they keep",
            "Mark rows with split retain, or add --retain-rows FILE",
        )
    path = target(arguments.out, ".jsonl") if arguments.out else None

    from tqdm import tqdm

    from tokenunlearn.data.demo import demo_rows
    from tokenunlearn.experiments.report import arm_lines
    from tokenunlearn.experiments.runner import ArmResult, Bench, arms_table, before, run_arm
    from tokenunlearn.fitting import check_rows
    from tokenunlearn.masks import columns_from_table, make_mask
    from tokenunlearn.scoring import ScoreConfig, score
    from tokenunlearn.selection import Rule
    from tokenunlearn.training.config import TrainConfig

    config, rule = from_flags(TrainConfig, arguments), from_flags(Rule, arguments)
    world = rows.world or demo_rows("world")
    model = load(arguments, to_train=True)
    check_rows(model, (*rows.forget, *rows.retain, *world), other_words=True)
    table = score(model, rows.forget, ScoreConfig())
    chosen = make_mask(columns_from_table(table), rule)
    bench = Bench(lambda: load(arguments), table, rows.forget, rows.retain, world, chosen, config)
    results: list[ArmResult] = []

    def keep(result: ArmResult) -> None:
        """Add a measurement, and write it at once: hours of arms must survive an interrupt."""
        results.append(result)
        if path:
            with path.open("a" if len(results) > 1 else "w", encoding="utf-8") as file:
                file.write(json.dumps(asdict(result)) + "\n")

    keep(before(bench))
    for seed in range(arguments.seeds):
        for arm in arguments.arms.split(","):
            for event in tqdm(run_arm(bench, arm, seed), desc=f"{arm}, seed {seed}", unit="event"):
                if isinstance(event, ArmResult):
                    keep(event)
    sys.stdout.write("\n".join(arm_lines(arms_table(results))) + "\n")
    return 0
