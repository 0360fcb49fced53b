"""compare arms: chosen tokens against uniform, random and gold, objectives, or rivals, over seeds

Everything but the tokens is the same: target, rows, objective, settings, seeds. With --objectives (names, or
all) each objective trains the chosen tokens at its default. A rival among --arms, such as icul, trains
nothing and is measured as it is made. Measured at equal steps and at equal forgetting. Prints one table, and
which differences between the chosen tokens and a control are shown; --out keeps every single measurement as
JSONL. Run it again with the same --out to go on: what is measured stays.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load, target, tell_unchosen
from tokenunlearn.cli.training import add_rows_to_keep, add_training, training_settings
from tokenunlearn.errors import InputError, SettingError, did_you_mean
from tokenunlearn.settings import describe, from_flags, to_dict

_SET_BY_ARMS: Final = {
    "eval_every": "Each step is looked at, to find the one of equal forgetting",
    "stop_fact_below": "Each arm is measured at equal forgetting and goes on to the last step",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "the shared set, forget and retain")
    add_rows_to_keep(parser)
    parser.add_argument(
        "--mask", metavar="PATH", help="the chosen tokens, overrides included, instead of a rule's"
    )
    parser.add_argument("--out", metavar="PATH", help="every measurement as .jsonl; goes on where it stopped")
    add_model(parser)
    add_settings(parser, "CompareConfig")
    add_training(parser, hidden=tuple(_SET_BY_ARMS))
    add_settings(parser, "Rule")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the table was printed."""
    path = target(arguments.out, ".jsonl") if arguments.out else None

    from tokenunlearn.experiments.config import CompareConfig

    asked, config = from_flags(CompareConfig, arguments), training_settings(arguments)
    _refuse_set_by_arms(arguments)
    _refuse_one_objective(arguments)
    _last_seed(config, asked.seeds)
    rule = _rule(arguments)
    rows = given_rows(arguments, "shared_forget", "shared_retain")
    _refuse_nothing_to_keep(rows)
    tokens = ("chosen",) if asked.objectives and arguments.arms is None else asked.arms
    tokens = _arms_with_gold(arguments, tokens, any(row.gold for row in rows.forget))

    from tokenunlearn.data.demo import demo_rows
    from tokenunlearn.experiments.arms import arms_of
    from tokenunlearn.experiments.report import result_lines
    from tokenunlearn.experiments.results import BEFORE, comparison_origin, read_results, results_text
    from tokenunlearn.experiments.runner import ArmResult, Bench
    from tokenunlearn.experiments.sweep import Planned, sweep
    from tokenunlearn.runs.disk import held_alone, write_bytes_atomically
    from tokenunlearn.runs.measured import source_hash

    world = rows.world or demo_rows("world")
    bench = Bench(lambda: load(arguments), rows.forget, rows.retain, world, config, asked.equal_below)
    loaded = load(arguments, to_train=True)
    scoring = _scoring(rule, tokens)
    _refuse_unfit(scoring, loaded, rows, world, None if asked.objectives else config)
    origin = comparison_origin(
        bench, loaded, _chosen_by(arguments, rule), source_hash(), each_default=bool(asked.objectives)
    )
    ready = [loaded]
    del loaded
    results: list[ArmResult] = []

    def keep(measured: Sequence[ArmResult]) -> None:
        """Add the measurements of an arm and write the file as a whole: it survives whatever ends this."""
        results.extend(measured)
        if path:
            write_bytes_atomically(path, results_text(origin, results).encode())

    def choose() -> tuple[Any, Any]:
        return _chosen(arguments, rule, scoring, ready.pop(), rows)  # let go: each arm loads its own

    seeds = range(config.seed, config.seed + asked.seeds)
    arms = arms_of(tokens, asked.methods)
    planned = Planned(bench, arms, seeds, choose, skips=bool(asked.objectives))
    with held_alone(path) if path else nullcontext():
        if path and path.exists():
            results += read_results(path.read_bytes().decode(errors="replace"), origin, str(path))
        reasons = _follow(sweep(planned, results, str(path)), keep, asked.equal_below)
    shown = [each for each in results if each.arm == BEFORE or each.of in arms and each.seed in seeds]
    sys.stdout.write("\n".join([*result_lines(shown), *reasons]) + "\n")
    return 0


def _follow(events: Any, keep: Any, equal_below: float) -> list[str]:
    """Keep what a sweep measures, under a progress bar an arm; return why arms were left out."""
    from tqdm import tqdm

    from tokenunlearn.experiments.sweep import ArmBegins, ArmMeasured, ArmSkipped, Unknown, place_words
    from tokenunlearn.training.events import StepDone

    reasons = []
    bar, began = None, time.monotonic()
    for event in events:
        if isinstance(event, ArmBegins):
            began = time.monotonic() if event.at == 1 else began
            words = f"{event.arm.name}, seed {event.seed}, {place_words(event, time.monotonic() - began)}"
            bar = tqdm(desc=words, unit="step")
        elif isinstance(event, StepDone) and bar is not None:
            bar.total = event.steps
            bar.update()
        elif isinstance(event, ArmMeasured | ArmSkipped):
            if bar is not None:
                bar.close()
            if isinstance(event, ArmMeasured):
                keep(event.results)
            else:
                reasons.append(f"{event.arm.name}, seed {event.seed}: not measured. {event.why}")
        elif isinstance(event, Unknown):
            sys.stderr.write(
                f"the model does not know these rows: fact_joint is {event.fact_joint:.2f} before any "
                f"step, so there is no moment of equal forgetting (below {equal_below:g})\n"
            )
    return reasons


def _last_seed(config: Any, seeds: int) -> None:
    """Raise SettingError where the seeds, which count up, go beyond the highest one."""
    highest = next(info.high for info in describe(type(config)) if info.name == "seed")
    if config.seed + seeds - 1 > highest:
        raise SettingError(
            f"{seeds} seeds from {config.seed} go beyond {highest:.0f}",
            fix="Lower one of them",
            where="--seed",
        )


def _refuse_set_by_arms(arguments: argparse.Namespace) -> None:
    """Raise SettingError for a setting of training that a comparison sets itself."""
    for name, why in _SET_BY_ARMS.items():
        if getattr(arguments, name) is not None:
            raise SettingError(
                f"{name} cannot be set here", why, "Leave it out", "--" + name.replace("_", "-")
            )


def _refuse_nothing_to_keep(rows: Any) -> None:
    """Raise InputError without rows to keep."""
    if not rows.retain:
        raise InputError(
            "There are no rows to keep",
            "Arms are judged by what they keep",
            "Mark rows with split retain, or add --retain-rows FILE",
        )


def _refuse_one_objective(arguments: argparse.Namespace) -> None:
    """Raise SettingError for the settings of one objective where several are compared at their defaults."""
    typed = "--set" if arguments.set else "--objective" if arguments.objective is not None else ""
    if arguments.objectives is not None and typed:
        raise SettingError(
            f"{typed} and --objectives contradict each other",
            "Objectives are compared at their default settings",
            "Leave one of them out",
            typed,
        )


def _rule(arguments: argparse.Namespace) -> Any:
    """Return the rule that chooses: of the flags, or of the mask. What can be wrong with it is told now."""
    from tokenunlearn.masks import read_header, refuse_empty_file
    from tokenunlearn.selection import Rule
    from tokenunlearn.settings import from_dict
    from tokenunlearn.signals import SIGNALS

    rule = from_flags(Rule, arguments)
    if arguments.mask:
        typed = next((info for info in describe(Rule) if getattr(arguments, info.name) is not None), None)
        if typed:
            raise SettingError(
                "A mask has its own rule", f"{typed.flag} would change nothing", "Leave one out", typed.flag
            )
        refuse_empty_file(arguments.mask)
        rule = from_dict(Rule, read_header(arguments.mask).get("rule", {}))
    for flag, name, share in (
        ("--knowledge", rule.knowledge, rule.alpha),
        ("--entropy", rule.entropy, 1 - rule.alpha),
    ):
        if share > 0 and name not in SIGNALS:
            raise SettingError(f"There is no signal {name!r}", fix=did_you_mean(name, SIGNALS), where=flag)
    return rule


def _arms_with_gold(arguments: argparse.Namespace, arms: tuple[str, ...], gold: bool) -> tuple[str, ...]:
    """Return arms, each once; without gold spans that arm trains nothing, so it is left out or refused."""
    arms = tuple(dict.fromkeys(arms))
    if gold or "gold" not in arms:
        return arms
    if arguments.arms is not None:
        why = "No row to forget has its fact marked (gold)"
        raise SettingError("The arm gold has no tokens", why, "Leave it out of --arms", "--arms")
    sys.stderr.write("no row to forget has gold spans: the arm gold is left out\n")
    return tuple(arm for arm in arms if arm != "gold")


def _chosen_by(arguments: argparse.Namespace, rule: Any) -> dict[str, Any]:
    """Return what decides the chosen tokens beside model and rows: the mask's hash or the rule's settings."""
    from tokenunlearn.masks import read_header

    if arguments.mask:
        return {"mask": f"{Path(arguments.mask).name} @{read_header(arguments.mask).get('hash')}"}
    return {"mask": "none: the rule chooses", **to_dict(rule)}


def _scoring(rule: Any, tokens: tuple[str, ...]) -> Any:
    """Return the settings of scoring the signals that a rule uses, and those that choices of tokens need."""
    from tokenunlearn.experiments.arms import ARMS
    from tokenunlearn.scoring import ScoreConfig

    names = [rule.knowledge] * (rule.alpha > 0) + [rule.entropy] * (rule.alpha < 1)
    names += [signal for name in tokens if name in ARMS for signal in ARMS[name].signals]
    return ScoreConfig(signals=tuple(dict.fromkeys(names)))


def _refuse_unfit(scoring: Any, loaded: Any, rows: Any, world: Any, config: Any) -> None:
    """Raise where a row does not fit, or a signal to score or the one objective needs what is not here.

    `config` None: several objectives. Raises InputError, SettingError or ModelError.
    """
    from tokenunlearn.fitting import check_rows
    from tokenunlearn.passes import Beside, refuse_lacking
    from tokenunlearn.training.needs import layer_needed, refuse_rows

    check_rows(loaded, (*rows.forget, *rows.retain, *world), other_words=True)
    beside = Beside(rows.retain)
    for name in scoring.signals:
        for each in scoring.passes_of(name):
            refuse_lacking(each, loaded, beside)
    if config is not None:
        refuse_rows(rows.forget, rows.retain, config)
        layer_needed(loaded.model, config)


def _chosen(
    arguments: argparse.Namespace, rule: Any, scoring: Any, loaded: Any, rows: Any
) -> tuple[Any, Any]:
    """Return the table of the rows to forget, with the signals scored, and the mask of the chosen tokens."""
    from tokenunlearn.masks import columns_from_table, make_mask, read_mask, refuse_empty
    from tokenunlearn.passes import Beside
    from tokenunlearn.scoring import score

    table = score(loaded, rows.forget, scoring, Beside(rows.retain))
    if arguments.mask:
        chosen = read_mask(arguments.mask, table, None)
    else:
        chosen = make_mask(columns_from_table(table), rule)
    refuse_empty(chosen, arguments.mask or "the rule")
    empty = [name for name, part in table.assign(chosen=chosen.selected).groupby("row_id", sort=False)
             if not part["chosen"].any()]  # fmt: skip
    tell_unchosen([str(name) for name in empty], table["row_id"].nunique())
    return table, chosen
