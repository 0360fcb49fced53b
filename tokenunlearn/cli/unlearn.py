"""unlearn rows: train a LoRA that forgets the chosen tokens and keeps the retain rows

Writes FOLDER/adapter (PEFT) and FOLDER/metrics.jsonl. Run it again on the same FOLDER to go on where it
stopped. Under `accelerate launch --multi_gpu --num_processes 2 -m tokenunlearn unlearn …` the rows of a step
are shared by the processes, also on a machine without a GPU (`--cpu` starts one process only).
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import (
    INTERRUPTED,
    add_model,
    add_rows,
    given_rows,
    load,
    stoppable,
    tell_edited,
    tell_unchosen,
)
from tokenunlearn.cli.training import add_rows_to_keep, add_training, training_settings
from tokenunlearn.documents.terminal import to_stderr
from tokenunlearn.errors import RunError
from tokenunlearn.settings import to_dict

if TYPE_CHECKING:
    from tokenunlearn.training.config import TrainConfig

NO_MASK: Final = "no --mask: every token of the rows to forget is trained, with weight 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    add_rows(parser, "the shared set, forget and retain")
    add_rows_to_keep(parser)
    parser.add_argument("--mask", metavar="PATH", help="mask from `select`; without it every token weighs 1")
    parser.add_argument(
        "--scores", metavar="PATH", help="the table that the mask was made on, to check the mask against"
    )
    add_output(parser, "--out", required=True, help="folder of the run")
    add_model(parser)
    add_training(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0, 1 after divergence, 130 after Ctrl-C.

    In each case the adapter of the last good step is written.
    """
    from tokenunlearn.data.demo import demo_rows

    folder = Path(arguments.out)
    rows = given_rows(arguments, "shared_forget", "shared_retain")
    if not rows.retain:
        rows = rows.keeping(demo_rows("world"))
        to_stderr(
            f"no row to keep: facts of the world take their place ({len(rows.retain)}); "
            "--retain-rows FILE keeps rows of your own\n"
        )
    config = training_settings(arguments)
    to_stderr(few_words(config, len(rows.forget)))
    scores = _scores(arguments)

    from tokenunlearn.fitting import check_rows
    from tokenunlearn.models.adapters import save_adapter
    from tokenunlearn.runs.disk import append_line, write_json_atomically
    from tokenunlearn.training.checkpoint import refuse_other_run
    from tokenunlearn.training.distribution import Processes
    from tokenunlearn.training.events import to_json
    from tokenunlearn.training.loop import train
    from tokenunlearn.training.origin import settings_of
    from tokenunlearn.training.session import with_fresh_lora

    checkpoint, metrics = folder / "checkpoint", folder / "metrics.jsonl"
    _refuse_finished(folder)
    refuse_other_run(checkpoint, settings_of(config), config.steps)  # before the model is loaded
    loaded = load(arguments, to_train=True)
    check_rows(loaded, (*rows.forget, *rows.retain))
    weights = _weights(arguments, scores, loaded, rows.forget)
    model = with_fresh_lora(loaded, config)
    processes = Processes()
    main = processes.is_main
    events = train(model, rows.forget, rows.retain, weights, config, checkpoint, rows.forget[0])
    if main:
        if weights:
            tell_unchosen([name for name, values in weights.items() if not values.any()], len(weights))
            to_stderr(_other_model(scores, loaded))
        else:
            to_stderr(f"{NO_MASK}\n")
        folder.mkdir(exist_ok=True)
        write_json_atomically(folder / "config.json", {**to_dict(config), **_trained(arguments, weights)})
        if not checkpoint.exists():  # what a start left that came to no checkpoint
            metrics.unlink(missing_ok=True)
    stopped, bar = False, _Bar(config.steps, main)
    with stoppable() as stop, closing(events), closing(bar):  # an error begins on a line of its own
        for event in events:
            if main:
                append_line(metrics, to_json(event))
            bar.show(event)
            # Ctrl-C may reach one process a step before the other, and one that goes on alone waits for ever.
            stopped = processes.sum(float(bool(stop))) > 0
            if stopped:
                break
    if main:
        save_adapter(model.model, folder / "adapter", model.merged)
        to_stderr(f"\nadapter in {folder / 'adapter'}\n")
    return INTERRUPTED if stopped else int(bar.diverged)


def _trained(arguments: argparse.Namespace, weights: Any) -> dict[str, str]:
    """Return which tokens a run trains, for its config.json."""
    if not weights:
        return {"mask": NO_MASK}
    from tokenunlearn.masks import read_header

    chosen = sum(int((values > 0).sum()) for values in weights.values())
    of = sum(map(len, weights.values()))
    name, digest = Path(arguments.mask).name, read_header(arguments.mask).get("hash")
    return {"mask": f"{name} @{digest}: {chosen} of {of} tokens"}


def _other_model(scores: Any, loaded: Any) -> str:
    """Return that the mask is of scores of another model than the one that is trained; "" elsewhere."""
    from tokenunlearn.table import provenance

    made = provenance(scores[1]) if scores else {}
    now = loaded.provenance()
    if made.get("weights", now["weights"]) == now["weights"]:
        return ""
    named = [f"{each.get('model')} with adapter {each.get('adapter')}" for each in (made, now)]
    return f"scored on another model: {named[0]}; trained is {named[1]}\n"


def few_words(config: "TrainConfig", rows: int) -> str:
    """Return how few rows are trained as on the page, where nothing was said of it; "" elsewhere."""
    from tokenunlearn.training.config import TrainConfig, defaults_for

    own, usual = defaults_for(rows), TrainConfig()
    if not own or any(getattr(config, name) != getattr(usual, name) for name in own):
        return ""
    flags = " ".join(f"--{name.replace('_', '-')} {value:g}" for name, value in own.items())
    return f"few rows break easily: the page trains them with {flags}\n"


def _scores(arguments: argparse.Namespace) -> Any:
    """Return the mask with the table that it was made on, read and checked; None without --scores.

    A mask alone is looked at for tokens at all; what they are is known when there is a tokenizer.
    """
    if not arguments.mask:
        if arguments.scores:
            raise RunError(
                "There are scores and no mask", "Every token would weigh 1", "Add --mask", "--scores"
            )
        return None
    from tokenunlearn.masks import read_mask, refuse_empty, refuse_empty_file
    from tokenunlearn.table import provenance, read_table

    if not arguments.scores:
        refuse_empty_file(arguments.mask)
        return None
    table = read_table(arguments.scores)
    tell_edited(table, arguments.scores)
    mask = read_mask(arguments.mask, table, provenance(table).get("scores_id", ""))
    refuse_empty(mask, arguments.mask)
    return mask, table


def _weights(arguments: argparse.Namespace, scores: Any, loaded: Any, forget: Any) -> Any:
    """Return the mask's weights by row id, for these very tokens; None for the sequence form."""
    if not arguments.mask:
        return None
    from tokenunlearn.masks import read_header, read_mask, refuse_empty, token_table, weights_for
    from tokenunlearn.training.session import answer_tokens

    tokens = answer_tokens(loaded, forget)
    if scores is None:
        table = token_table(tokens, list(read_header(arguments.mask).get("rows", {})))
        scores = read_mask(arguments.mask, table, None), table
        refuse_empty(scores[0], arguments.mask)
    mask, table = scores
    return weights_for(mask, table, tokens, arguments.mask)


def _refuse_finished(folder: Path) -> None:
    """Raise RunError for a folder with a result and no checkpoint: the result would be replaced."""
    if (folder / "adapter").exists() and not (folder / "checkpoint").exists():
        raise RunError(
            f"{folder} holds the adapter of a run and no checkpoint to go on from",
            "Training would start over and replace it",
            "Give another folder",
            "--out",
        )


class _Bar:
    """A progress bar on stderr, in the main process only."""

    def __init__(self, steps: int, shown: bool) -> None:
        from tqdm import tqdm

        self.diverged = False
        self.shown = shown
        self.bar = tqdm(total=steps, unit="step", desc="unlearn", disable=not shown)

    def close(self) -> None:
        """End the bar's line."""
        self.bar.close()

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
