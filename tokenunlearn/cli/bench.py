"""What `compare`, `sweep` and `validate` share: arms on one bench, from flags to kept measurements."""

import argparse
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tokenunlearn.cli.chosen import add_choice, asked_rule, chosen_tokens, refuse_unscorable, scoring_of
from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load, tell
from tokenunlearn.cli.training import add_rows_to_keep, add_training, training_settings
from tokenunlearn.documents.terminal import to_stderr, to_stdout
from tokenunlearn.errors import SettingError
from tokenunlearn.experiments.fixed import SET_BY_ARMS
from tokenunlearn.experiments.result_files import beside
from tokenunlearn.settings import to_dict
from tokenunlearn.text.numbers import now_words

if TYPE_CHECKING:
    import pandas as pd

    from tokenunlearn.data.splits import Splits
    from tokenunlearn.experiments.config import CompareConfig
    from tokenunlearn.experiments.planned import Plan
    from tokenunlearn.experiments.runner import ArmResult
    from tokenunlearn.experiments.sweep import SweepEvent
    from tokenunlearn.masks import Mask
    from tokenunlearn.models.loading import LoadedModel
    from tokenunlearn.scoring import ScoreConfig
    from tokenunlearn.selection import Rule
    from tokenunlearn.training.config import TrainConfig


@dataclass(frozen=True)
class Found:
    """What was measured: all that the file of --out holds, also of earlier commands.

    `reasons`: why arms were left out. `plan`: the comparisons that were named. `how`: precision and
    length of the answers, in words.
    """

    results: "list[ArmResult]"
    reasons: list[str]
    plan: "Plan | None"
    how: str = ""


def add_bench(parser: argparse.ArgumentParser, defaults: "Mapping[str, Any]" = MappingProxyType({})) -> None:
    """Let the parser take rows, mask or rule, model, training, and what to compare (a verb has defaults)."""
    add_rows(parser, "the shared set, forget and retain")
    add_rows_to_keep(parser)
    add_output(
        parser,
        "--out",
        ".jsonl",
        beside=beside,
        goes_on=True,
        help="every measurement as .jsonl, scores and mask beside it; goes on where it stopped",
    )
    add_model(parser)
    add_settings(parser, "CompareConfig", defaults=defaults)
    add_training(parser, hidden=tuple(SET_BY_ARMS))
    add_choice(parser)


def rows_of(arguments: argparse.Namespace) -> "Splits":
    """Return the rows that the flags name, with facts of the world."""
    from dataclasses import replace

    from tokenunlearn.data.demo import demo_rows

    rows = given_rows(arguments, "shared_forget", "shared_retain")
    return rows if rows.world else replace(rows, world=demo_rows("world"))


def measured(arguments: argparse.Namespace, asked: "CompareConfig", rows: "Splits") -> "Found":
    """Return the measurements of all that is asked, and why arms were left out.

    What the file of --out holds is not measured again, and is among them. Raises what a bad setting, row or
    file raises, before anything slow runs.
    """
    path = Path(arguments.out) if arguments.out else None

    from tokenunlearn.experiments.config import refuse_unfit_arms
    from tokenunlearn.experiments.results import (
        Made,
        comparison_origin,
        how_measured,
        made_again,
        plan_of,
        read_results,
        results_text,
    )
    from tokenunlearn.experiments.runner import Bench
    from tokenunlearn.experiments.sweep import Planned, sweep
    from tokenunlearn.runs.disk import write_bytes_atomically
    from tokenunlearn.runs.measured import source_hash
    from tokenunlearn.runs.versions import versions

    config = training_settings(arguments)
    _refuse_set_by_arms(arguments)
    rule = asked_rule(arguments)
    scoring, runs = scoring_of(rule, asked.signals), asked.runs(config)
    refuse_unfit_arms(asked, config, rows, any(row.gold for row in rows.forget), scoring.signals)
    bench = Bench(
        lambda: load(arguments),
        rows.forget,
        rows.retain,
        rows.world,
        config,
        asked.equal_below,
        asked.kept_below,
    )
    loaded = load(arguments, to_train=True)
    _refuse_unfit(scoring, loaded, rows, None if asked.objectives else config)
    origin = comparison_origin(
        bench, loaded, _chosen_by(arguments, rule), source_hash(), each_default=bool(asked.objectives)
    )
    ready = [loaded]
    del loaded
    results: list[ArmResult] = []
    made, plan = Made(), None

    def keep(found: "Sequence[ArmResult]") -> None:
        """Add the measurements of an arm and write the file as a whole: it survives whatever ends this."""
        results.extend(found)
        if path:
            write_bytes_atomically(path, results_text(origin, results, made, plan).encode())

    def choose() -> "tuple[pd.DataFrame, Mask]":
        # let go: each arm loads its own
        found = chosen_tokens(arguments.mask, rule, ready.pop(), rows, asked.signals)
        if path:
            _keep_choice(path, *found)
        return found

    planned = Planned(bench, runs, choose, skips=bool(asked.objectives))
    if path:
        results += read_results(path, origin)
        made = made_again(path, arguments.command, versions(), runs)
    plan = plan_of(path, asked.planned, results, asked.seeds, now_words())
    if plan and results:
        keep([])  # so that the file tells when they were named, also where nothing is left to measure
    reasons = _follow(sweep(planned, results, str(path)), keep, asked.equal_below)
    return Found(results, reasons, plan, how_measured(origin, results))


def print_results(found: "Found", out: str | None) -> None:
    """Write what was measured to stdout, and to stderr how a report is made of it."""
    from tokenunlearn.experiments.report import result_lines

    lines = [*result_lines(found.results, found.plan), f"{found.how}.", *found.reasons]
    to_stdout("\n".join(lines) + "\n")
    if out:
        page = Path(out).with_suffix(".html")
        tell(f"for a report: python -m tokenunlearn report {shlex.quote(out)} --out {shlex.quote(str(page))}")


def _keep_choice(path: Path, table: "pd.DataFrame", chosen: "Mask") -> None:
    """Keep the scores and the mask beside the measurements, for a report."""
    from tokenunlearn.masks import write_mask
    from tokenunlearn.table import provenance, write_table

    scores, mask = beside(path)
    write_table(table, scores)
    write_mask(mask, chosen, table, provenance(table))


def _follow(
    events: "Iterable[SweepEvent]", keep: "Callable[[Sequence[ArmResult]], None]", equal_below: float
) -> list[str]:
    """Keep what a sweep measures, under a progress bar an arm; return why arms were left out."""
    from tqdm import tqdm

    from tokenunlearn.experiments.sweep import ArmBegins, ArmMeasured, ArmSkipped, Unknown, place_words
    from tokenunlearn.experiments.verdict import arm_method
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
                arm = arm_method(event.arm.tokens, event.arm.method)
                reasons.append(f"{arm}, seed {event.seed}: not measured. {event.why}")
        elif isinstance(event, Unknown):
            to_stderr(
                f"the model does not know these rows: fact_joint is {event.fact_joint:.2f} before any "
                f"step, so there is no moment of equal forgetting (below {equal_below:g})\n"
            )
    return reasons


def _refuse_set_by_arms(arguments: argparse.Namespace) -> None:
    """Raise SettingError for a setting of training that a comparison sets itself."""
    for name, why in SET_BY_ARMS.items():
        if getattr(arguments, name) is not None:
            raise SettingError(
                f"{name} cannot be set here", why, "Leave it out", "--" + name.replace("_", "-")
            )


def _chosen_by(arguments: argparse.Namespace, rule: "Rule") -> dict[str, Any]:
    """Return what decides the chosen tokens beside model and rows: the mask's hash or the rule's settings."""
    from tokenunlearn.masks import read_header

    if arguments.mask:
        return {"mask": f"{Path(arguments.mask).name} @{read_header(arguments.mask).get('hash')}"}
    return {"mask": "none: the rule chooses", **to_dict(rule)}


def _refuse_unfit(
    scoring: "ScoreConfig", loaded: "LoadedModel", rows: "Splits", config: "TrainConfig | None"
) -> None:
    """Raise where a row does not fit, or a signal to score or the one objective needs what is not here.

    `config` None: several objectives. Raises InputError, SettingError or ModelError.
    """
    from tokenunlearn.fitting import check_rows
    from tokenunlearn.training.needs import layer_needed

    check_rows(loaded, (*rows.forget, *rows.retain, *rows.world), other_words=True)
    refuse_unscorable(scoring, loaded, rows)
    if config is not None:
        layer_needed(loaded.model, config)
