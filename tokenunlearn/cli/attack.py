"""attack an unlearned model: try to bring the facts back, and say how much that took

RUN is a run of the page, a folder of `unlearn`, or an adapter. A run of the page has its rows with it; for
the others name them: FILE or --demo. The result is added to attacks.json in that folder. Stopped or killed,
the same command goes on after the last measurement. The model that never knew is the base beneath the
adapter; where the base knows the rows by itself, leave it out: --set control=false.
"""

import argparse
import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenunlearn.cli.flags import values_of
from tokenunlearn.cli.outputs import Output, add_written
from tokenunlearn.cli.sources import INTERRUPTED, add_model, add_rows, given_rows, stoppable
from tokenunlearn.documents.terminal import to_stdout
from tokenunlearn.errors import InputError, RunError
from tokenunlearn.models.precision import check_precision
from tokenunlearn.runs.damage import damaged, of_unlearn, read_record, read_state

ADAPTER_FILE = "adapter_config.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("folder", metavar="RUN", help="folder of a run, or a PEFT adapter")
    add_written(parser, Output("folder", "RUN", _written, goes_on=True, of_run=True))
    parser.add_argument(
        "--attack",
        default="relearning",
        metavar="ATTACK",
        help="which attack to run (default relearning; `list` names them)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the attack, such as steps=20; `list` names them; may be repeated",
    )
    add_rows(parser, "the shared set")
    add_model(parser, adapter=False)


def run(arguments: argparse.Namespace) -> int:
    """Return 0, or 130 after Ctrl-C with the measurements kept.

    The result goes to attacks.json and stdout.
    """
    folder, config = _folder(Path(arguments.folder))
    given = arguments.file or arguments.demo or arguments.model or arguments.precision != "auto"
    if config is not None and given:
        fix = "Leave FILE, --demo, --model and --precision out"
        raise InputError("The run has its own rows, model and precision", fix=fix)
    rows = given_rows(arguments, "shared_forget", "shared_retain") if config is None else None
    check_precision(arguments.precision)

    from tqdm import tqdm

    from tokenunlearn.attacks import ATTACKS, check_attack
    from tokenunlearn.models.loading import text_hash
    from tokenunlearn.runs.attack_job import keep_result, results_in, subject_of, subject_of_run
    from tokenunlearn.runs.disk import append_line, read_lines_since
    from tokenunlearn.settings import to_dict
    from tokenunlearn.training.events import AttackDone, AttackStep, from_json, to_json
    from tokenunlearn.training.origin import model_asked_for, rows_of

    if config is not None:
        subject = subject_of_run(folder, config, folder)
        asked = model_asked_for(config.get("model"), folder / "adapter", config.get("precision") or "auto")
    else:
        results_in(folder)  # a result could not be kept beside damaged ones
        adapter = folder / "adapter" if (folder / "adapter" / ADAPTER_FILE).is_file() else folder
        subject = subject_of(arguments.model, adapter, arguments.precision, rows, folder, taught=True)
        asked = model_asked_for(arguments.model, adapter, arguments.precision)
    settings = check_attack(arguments.attack, subject.rows, values_of(arguments.set, "steps=20"))
    named = text_hash(
        arguments.attack, json.dumps(to_dict(settings)), rows_of(subject.rows.forget), json.dumps(asked)
    )
    work = folder / f".attack-{named}"
    work.mkdir(exist_ok=True)
    told, _ = read_lines_since(work / "events.jsonl")
    earlier = [event for event in map(from_json, told) if isinstance(event, AttackStep)]
    subject = replace(subject, folder=work, earlier=tuple(earlier))
    events = ATTACKS[arguments.attack].run(subject, settings)
    with stoppable() as stop, closing(events), tqdm(unit="measurement", desc=arguments.attack) as bar:
        for event in events:
            if isinstance(event, AttackDone):
                keep_result(folder, event.result, f"attack {named}")
                result = event.result
                break
            append_line(work / "events.jsonl", to_json(event))
            bar.total, bar.n = event.steps, event.step
            bar.set_postfix({name: _figure(value) for name, value in event.figures.items()})
            if stop:
                return INTERRUPTED
    shutil.rmtree(work, ignore_errors=True)
    for line in result_lines(result):
        to_stdout(f"{line}\n")
    return 0


def result_lines(result: Mapping[str, Any]) -> list[str]:
    """Return a result of attacks.json as text: its sentences, then its curve as a table."""
    columns: Mapping[str, str] = result["columns"]
    head = f"{'model':<14}{'steps':>6}" + "".join(f"{words:>26}" for words in columns.values())
    return [
        *result["says"],
        head,
        *(
            f"{line['model']:<14}{line['taken']:>6}"
            + "".join(f"{_figure(line['figures'].get(name)):>26}" for name in columns)
            for line in result["curve"]
        ),
    ]


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _written(typed: str) -> list[Path]:
    """Return what an attack on this folder writes. Raises RunError for one that cannot be attacked."""
    folder, _ = _folder(Path(typed))

    from tokenunlearn.runs.attack_job import FILE

    return [folder / FILE]


def _folder(path: Path) -> tuple[Path, Mapping[str, Any] | None]:
    """Return the folder that gets the result, and the config of a run of the page, None for anything else.

    Raises RunError for a folder that is none of what can be attacked.
    """
    config = path / "config.json"
    if (path / "state.json").exists() or (config.exists() and not of_unlearn(path)):
        why, found = read_state(path)[1], read_record(config)
        if why:
            raise damaged(path / "state.json", why)
        if found is None:
            raise damaged(config, "it is missing")
        return path, found
    if path.name == "adapter" and (path / ADAPTER_FILE).is_file():
        return path.parent, None
    if (path / ADAPTER_FILE).is_file() or (path / "adapter" / ADAPTER_FILE).is_file():
        return path, None
    raise RunError(
        f"{path} cannot be attacked",
        "It is neither a run nor a folder with an adapter",
        "Name a folder of `unlearn`, a run of the page, or a PEFT adapter",
        "RUN",
    )
