"""What several verbs share: which rows, which model, where to write, and how Ctrl-C keeps the work."""

import argparse
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokenunlearn.data.columns import COLUMNS_HELP
from tokenunlearn.documents.terminal import to_stderr
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.models.precision import check_precision
from tokenunlearn.settings import MOST_SHOWN
from tokenunlearn.training.events import Measured, Measuring

if TYPE_CHECKING:
    import pandas as pd

    from tokenunlearn.data.rows import Row
    from tokenunlearn.data.splits import Splits
    from tokenunlearn.models.loading import LoadedModel


SHOWN_ROWS = 5
INTERRUPTED: Final = 130  # the exit status after Ctrl-C


def add_rows(
    parser: argparse.ArgumentParser,
    demo: str,
    splits: str = "split says which are to be forgotten, which kept",
) -> None:
    """Let the parser take a file of rows, or --demo for our own (`demo` says which)."""
    words = (
        f"rows: .jsonl, .json, .csv, .tsv or .parquet, {splits}; or a set by its name (`list` has them), "
        "such as tofu_forget01=FOLDER"
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help=words)
    parser.add_argument("--demo", action="store_true", help=f"use our own rows instead of FILE: {demo}")
    parser.add_argument(
        "--skip-bad-rows", action="store_true", help="leave refused lines out instead of stopping"
    )
    parser.add_argument("--columns", default="", metavar="FIELD=COLUMN,…", help=COLUMNS_HELP)


def add_model(parser: argparse.ArgumentParser, adapter: bool = True) -> None:
    """Let the parser take a model, an adapter unless the verb has its own, and a precision."""
    group = parser.add_argument_group("model")
    group.add_argument("--model", metavar="NAME", help="folder or hub id (default: the embedded model)")
    if adapter:
        group.add_argument("--adapter", metavar="FOLDER", help="PEFT adapter to put on it")
    group.add_argument(
        "--precision", default="auto", metavar="WORD", help="auto, fp32 or bf16 (default auto)"
    )


def given_rows(arguments: argparse.Namespace, *demo: str, beside: "Splits | None" = None) -> "Splits":
    """Return the rows of FILE or the demo sets by their split, with those of --retain-rows and --world-rows.

    `beside` are rows of sets that join them; with questions that have choices among these, or in FILE where
    it is given, no row to forget is needed, nor a FILE. Says on stderr how many there are of each. Raises
    InputError when neither FILE nor --demo is given or both are, when there is no row to forget, and for a
    row that one place forgets and another keeps.
    """
    from tokenunlearn.data.rows import RETAIN, WORLD
    from tokenunlearn.data.splits import split_rows

    files = {RETAIN: getattr(arguments, "retain_rows", None), WORLD: getattr(arguments, "world_rows", None)}
    instead = {"shared_retain": files[RETAIN], "world": files[WORLD]}
    alone = beside is not None and bool(beside.rows) and not arguments.file and not arguments.demo
    names = (name for name in demo if not instead.get(name))
    rows = [] if alone else list(first_rows(arguments, *names))
    where = "--set" if alone else arguments.file or "--demo"
    rows += beside.rows if beside is not None else ()
    first = split_rows(rows)
    if beside is None or not first.choice:
        first.need_forget(where)
    for split, path in files.items():
        if path:
            rows += _rows_to_keep(path, arguments, split)
    found = split_rows(rows)
    found.refuse_one_id_twice()
    _say(found, where)
    return found


def _rows_to_keep(path: str, arguments: argparse.Namespace, split: str) -> "tuple[Row, ...]":
    """Return the rows of a file that is named as one of rows to keep.

    Raises InputError for one marked to forget.
    """
    from tokenunlearn.data.rows import FORGET
    from tokenunlearn.data.sets import open_rows

    rows = open_rows(path, tell, arguments.skip_bad_rows, arguments.columns, split).rows
    marked = next((row for row in rows if row.split == FORGET), None)
    if marked is not None:
        raise InputError(
            f"Row {marked.id[:60]} is marked to be forgotten",
            "The file is named as one of rows to keep",
            "Take the row out, or read no column as split: --columns split=",
            path,
        )
    return rows


def _say(found: "Splits", where: str) -> None:
    """Write to stderr how many rows are to be forgotten and kept, and which are to be both."""
    world = f", {len(found.world)} of the world's facts" if found.world else ""
    rows = "1 row" if len(found.forget) == 1 else f"{len(found.forget)} rows"
    more = f", {len(found.holdout)} held out" if found.holdout else ""
    more += f", {len(found.choice)} with choices" if found.choice else ""
    more += f" ({len(found.unkeyed)} of them without a known true one)" if found.unkeyed else ""
    to_stderr(f"{where}: {rows} to forget, {len(found.retain)} to keep{world}{more}\n")
    both = [row.id for row in found.contradictory]
    if both:
        more = f" and {len(both) - 3} more" if len(both) > 3 else ""
        to_stderr(f"both to forget and to keep: {', '.join(both[:3])}{more}\n")


def first_rows(arguments: argparse.Namespace, *demo: str) -> "tuple[Row, ...]":
    """Return the rows of FILE, or of the demo sets when --demo is given.

    Raises InputError where neither or both are given.
    """
    if bool(arguments.file) == arguments.demo:
        raise InputError("Which rows?", "A FILE or --demo is needed, and not both", "Try --demo")
    if arguments.demo:
        from tokenunlearn.data.demo import demo_rows

        return tuple(row for name in demo for row in demo_rows(name))
    return more_rows(arguments, arguments.file)


def more_rows(arguments: argparse.Namespace, name: str) -> "tuple[Row, ...]":
    """Return the rows of a file, or of a set by its name, read as FILE is. Raises InputError."""
    from tokenunlearn.data.sets import open_rows

    return open_rows(name, tell, arguments.skip_bad_rows, arguments.columns).rows


def tell(words: str) -> None:
    """Write one line to stderr."""
    to_stderr(f"{words}\n")


def load(arguments: argparse.Namespace, demo_target: bool = True, to_train: bool = False) -> "LoadedModel":
    """Return the model that the flags name; --demo alone means the embedded one with the shipped target.

    So does the shipped set by its name, as FILE or among `arguments.sets`, unless not `demo_target`.
    `to_train`: an adapter that training cannot add to is refused, before anything slow. Raises ModelError.
    """
    from tokenunlearn.models.loading import load_model

    check_precision(arguments.precision)
    adapter = arguments.adapter
    if adapter is None and arguments.model is None and demo_target:
        from tokenunlearn.data.sets import shipped_adapter

        named = ["demo"] if arguments.demo else [arguments.file or "", *getattr(arguments, "sets", ())]
        adapter = shipped_adapter(named)
    model = load_model(arguments.model, adapter, arguments.precision, to_train=to_train)
    for note in model.notes:
        to_stderr(f"{note}\n")
    return model


def models_beside(arguments: argparse.Namespace) -> "dict[str, LoadedModel]":
    """Return the models of --beside NAME=MODEL by name; an adapter's folder goes on the model of --model.

    Raises SettingError for another form and for a name given twice, ModelError as `load_model` does.
    """
    from tokenunlearn.models.adapter_files import CONFIG
    from tokenunlearn.models.loading import load_model

    found: dict[str, LoadedModel] = {}
    for text in arguments.beside:
        name, _, place = text.partition("=")
        if not name.isidentifier() or not place or name in found:
            why = "The name is taken" if name in found else "It must be NAME=MODEL, the name a plain word"
            raise SettingError(f"beside is {text[:MOST_SHOWN]!r}", why, "For example base=folder", "--beside")
        adapter = place if (Path(place) / CONFIG).is_file() else None
        found[name] = load_model(arguments.model if adapter else place, adapter, arguments.precision)
    return found


def tell_edited(table: "pd.DataFrame", path: str) -> None:
    """Say on stderr where the numbers of a table are not those that were scored."""
    from tokenunlearn.table import is_edited

    if is_edited(table):
        to_stderr(
            f"{path} was changed after it was written: its numbers are not those that were scored. "
            "A mask made from it is for this very table\n"
        )


def tell_unchosen(rows: Sequence[str], of: int) -> None:
    """Say on stderr which rows of a mask have no chosen token: they add nothing to the loss."""
    if rows:
        named = ", ".join(rows[:SHOWN_ROWS]) + (
            f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
        )
        to_stderr(f"{len(rows)} of {of} rows have no chosen token and add nothing: {named}\n")


class Stop:
    """Says whether Ctrl-C was pressed; `bool(stop)` is read between two steps."""

    def __init__(self) -> None:
        self.asked = False

    def __bool__(self) -> bool:
        return self.asked


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Give a Stop that the first Ctrl-C sets, so that the step ends and is kept; the second interrupts."""
    stop = Stop()

    def ask(*_: Any) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        to_stderr("\nStopping after this step; what is done is kept. Ctrl-C again to leave at once.\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def followed(events: Measuring, words: str) -> Measured | None:
    """Return the end of a measurement; None after Ctrl-C. Each part before it moves a progress bar."""
    from tqdm import tqdm

    with stoppable() as stop, tqdm(unit="part", desc=words) as bar:
        for event in events:
            if isinstance(event, Measured):
                return event
            bar.total, bar.n = event.parts, event.part
            bar.refresh()
            if stop:
                return None
    raise AssertionError("the measurement ended without a report")
