"""unlearn rows: train a LoRA that forgets the chosen tokens and keeps the retain rows

Writes FOLDER/adapter (PEFT) and FOLDER/metrics.jsonl. Run it again on the same FOLDER to go on where it
stopped. Under `accelerate launch --multi_gpu --num_processes 2 -m tokenunlearn unlearn …` the rows of a step
are shared by the processes, also on a machine without a GPU (`--cpu` starts one process only).
"""

import argparse
import json
import sys
from typing import Any

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.sources import add_model, add_rows, given_rows, load, stoppable, target
from tokenunlearn.errors import RunError, SettingError
from tokenunlearn.settings import from_dict, from_flags, to_dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing; the verb's arguments are added."""
    add_rows(parser, "the shared set, forget and retain")
    parser.add_argument(
        "--retain-rows", metavar="FILE", help="rows to keep, beside those that FILE marks with split retain"
    )
    parser.add_argument("--mask", metavar="PATH", help="mask from `select`; without it every token weighs 1")
    parser.add_argument("--scores", metavar="PATH", help="the table that the mask was made on")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder of the run")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the objective itself, such as beta=0.1; `list` names them; may be repeated",
    )
    add_model(parser)
    add_settings(parser, "TrainConfig")


def run(arguments: argparse.Namespace) -> int:
    """0, 1 after divergence, 130 after Ctrl-C; in each case the adapter of the last good step is written."""
    folder = target(arguments.out)
    rows = given_rows(arguments, "shared_forget", "shared_retain")
    config = _config(arguments)
    weights = _weights(arguments)

    from tokenunlearn.models.adapters import save_adapter
    from tokenunlearn.runs.disk import append_line, write_json_atomically
    from tokenunlearn.training.distribution import Processes
    from tokenunlearn.training.events import to_json
    from tokenunlearn.training.loop import train
    from tokenunlearn.training.session import with_fresh_lora

    loaded = load(arguments)
    model = with_fresh_lora(loaded, config)
    processes = Processes()
    main = processes.is_main
    if main:
        folder.mkdir(exist_ok=True)
        write_json_atomically(folder / "config.json", to_dict(config))
    with stoppable() as stop:
        bar, stopped = _Bar(config.steps, main), False
        for event in train(
            model, rows.forget, rows.retain, weights, config, folder / "checkpoint", rows.forget[0]
        ):
            if main:
                append_line(folder / "metrics.jsonl", to_json(event))
            bar.show(event)
            # Ctrl-C may reach one process a step before the other, and one that goes on alone waits for ever.
            stopped = processes.sum(float(bool(stop))) > 0
            if stopped:
                break
    if main:
        save_adapter(model.model, folder / "adapter", model.merged)
        sys.stderr.write(f"\nadapter in {folder / 'adapter'}\n")
    return 130 if stopped else int(bar.diverged)


def _config(arguments: argparse.Namespace) -> Any:
    from tokenunlearn.training.config import TrainConfig

    values = {}
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"set is {text!r}", "It must be NAME=VALUE", "For example beta=0.1", "--set")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return from_dict(
        TrainConfig, {**to_dict(from_flags(TrainConfig, arguments)), "objective_settings": values}
    )


def _weights(arguments: argparse.Namespace) -> Any:
    """One array of weights per row id, or None for the sequence form."""
    if not arguments.mask:
        return None
    if not arguments.scores:
        raise RunError(
            "The mask needs its scores", "Its tokens are named by that table", "Add --scores", "--mask"
        )
    from tokenunlearn.experiments.arms import weights_by_row
    from tokenunlearn.masks import read_mask
    from tokenunlearn.table import provenance, read_table

    table = read_table(arguments.scores)
    mask = read_mask(arguments.mask, table, provenance(table).get("scores_id", ""))
    return weights_by_row(table, mask.weights)


class _Bar:
    """A progress bar on stderr, in the main process only."""

    def __init__(self, steps: int, shown: bool) -> None:
        from tqdm import tqdm

        self.diverged = False
        self.shown = shown
        self.bar = tqdm(total=steps, unit="step", desc="unlearn", disable=not shown)

    def show(self, event: Any) -> None:
        from tokenunlearn.training.events import Diverged, EvalDone, Finished, StepDone

        if isinstance(event, StepDone):
            self.bar.n = event.step
            self.bar.refresh()
        elif isinstance(event, EvalDone) and event.fact_joint is not None:
            self.bar.set_postfix(fact=f"{event.fact_joint:.3f}", other=f"{event.other or 0:.3f}")
        elif isinstance(event, (Diverged, Finished)):
            self.diverged = isinstance(event, Diverged)
            if self.shown:
                self.bar.write(f"{type(event).__name__.lower()}: {event.reason}", file=sys.stderr)
            self.bar.close()
