"""What a person does with a run as a whole: name, tag, note, discard, bring back, take along, open."""

import base64
import json
import shlex
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from app.actions.compare import RunsGiven, measured, note_given, planned
from app.actions.run_tokens import RunOf
from app.requests import RunId, text, whole
from app.service import Service
from app.views.results_table import Measurement, comma_table
from tokenunlearn.errors import InputError, RunError, TokenUnlearnError
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.damage import MOST_NAME, MOST_NOTE, MOST_TAG, MOST_TAGS
from tokenunlearn.runs.disk import write_bytes_atomically
from tokenunlearn.runs.notes import RunNote, note_version, read_note, write_note

PIECE: Final = 3_000_000  # bytes of a file that is sent at once
_SAVING: Final = threading.Lock()
ZIP: Final = "adapter.zip"
TAKEN: Final = (
    "model",
    "adapter",
    "precision",
    "set",
    "arm",
    "mask_hash",
    "training",
    "rule",
    "probes",
    "sweep",
)


def words_given(longest: int) -> Any:
    """Return the reader of a line that a person typed, which may be empty, with single spaces."""

    def reader(value: Any, name: str) -> str:
        typed = " ".join(text(longest, empty=True)(value, name).split())
        if typed and not typed.isprintable():
            raise InputError(f"{name} holds characters that cannot be seen", fix="Type it again")
        return typed

    return reader


def tags_given(value: Any, name: str) -> tuple[str, ...]:
    """Return tags, each once. Raises InputError."""
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise InputError(f"{name} must be a list of tags", f"At most {MOST_TAGS} are kept")
    tags = (words_given(MOST_TAG)(each, "A tag") for each in value)
    return tuple(dict.fromkeys(tag for tag in tags if tag))


@dataclass(frozen=True, kw_only=True)
class NoteGiven(RunOf):
    """What a person writes on a run."""

    name: Annotated[str, words_given(MOST_NAME)] = ""
    tags: Annotated[tuple[str, ...], tags_given] = ()
    note: Annotated[str, text(MOST_NOTE, empty=True)] = ""
    # The note that it was made from (`note_version`); "" replaces whatever stands there.
    version: Annotated[str, text(40, empty=True)] = ""


@dataclass(frozen=True, kw_only=True)
class PieceOf:
    """A piece of the file that a run gives away, and the byte where it begins."""

    run_id: RunId
    at: Annotated[int, whole(2**40)] = 0


def save_note(service: Service, given: NoteGiven) -> dict[str, Any]:
    """Keep a run's name, tags and note; return `{version, other}`.

    Where another note was saved since the one that this was made from, nothing is kept, and that one is
    `other`; else that is None. Raises RunError for an unknown run.
    """
    directory, wanted = (
        service.queue.store.path(given.run_id),
        RunNote(given.name, given.tags, given.note.strip()),
    )
    with _SAVING:  # two pages may save at once
        version, (standing, _) = note_version(directory), read_note(directory)
        if given.version not in ("", version) and standing != wanted:
            return {"version": version, "other": note_given(standing, version)}
        write_note(directory, wanted)
        return {"version": note_version(directory), "other": None}


def discard(service: Service, run: RunOf) -> dict[str, Any]:
    """Set a run aside, its worker ended first; return `{}`. Raises RunError for an unknown run."""
    service.queue.discard(run.run_id)
    return {}


def bring_back(service: Service, run: RunOf) -> dict[str, Any]:
    """Put a discarded run back among the others; return `{}`. Raises RunError where it is not there."""
    service.queue.store.bring_back(run.run_id)
    return {}


def delete_for_good(service: Service, run: RunOf) -> dict[str, Any]:
    """Delete a discarded run; return `{}`. Raises RunError where it is not there."""
    service.queue.store.delete_aside(run.run_id)
    return {}


def command(service: Service, run: RunOf) -> dict[str, str]:
    """Return the command line that makes a run again, `{text}`. Raises RunError where there is none."""
    from tokenunlearn.runs.again import command_words

    store = service.queue.store
    return {"text": shlex.join(command_words(store.path(run.run_id), store.config(run.run_id)))}


def configuration(service: Service, run: RunOf) -> dict[str, str]:
    """Return the settings of a run without its rows, `{text}` as JSON. Raises RunError for an unknown run."""
    config = service.queue.store.config(run.run_id)
    taken = {name: config[name] for name in TAKEN if config.get(name) is not None}
    return {"text": json.dumps(taken, ensure_ascii=False, indent=2)}


def results_file(service: Service, given: RunsGiven) -> dict[str, Any]:
    """Return every measurement of some runs and sweeps as CSV, `{filename, text, mime, left_out}`.

    `left_out` says of each run that cannot be read why; where none can, that is raised, as RunError.
    """
    lines, saved = list[Measurement](), list[str]()
    left_out: dict[str, TokenUnlearnError] = {}
    for run_id in given.runs:
        try:
            lines += _measurements(service, run_id)
            saved.append(run_id)
        except TokenUnlearnError as error:
            left_out[run_id] = error
    if left_out and not saved:
        raise next(iter(left_out.values()))
    if not lines:
        raise RunError("There is nothing to save yet", "None of these runs has been measured")
    name = saved[0] if len(saved) == 1 else f"{len(saved)}-runs"
    return {
        "filename": f"results-{name}.csv",
        "text": comma_table(lines),
        "mime": "text/csv",
        "left_out": [f"{run_id} is left out. {error}" for run_id, error in left_out.items()],
    }


def _measurements(service: Service, run_id: str) -> list[Measurement]:
    from app.views.results_table import of_run, of_sweep
    from tokenunlearn.runs.notes import read_note

    store = service.queue.store
    state, config = store.state(run_id), store.config(run_id)
    tags = read_note(store.path(run_id))[0].tags
    if state.get("kind") == "sweep":
        return of_sweep(state, tags, config, measured(service, run_id), planned(service, run_id))
    return of_run(state, tags, config, store.probes(run_id))


def adapter_file(service: Service, piece: PieceOf) -> dict[str, Any]:
    """Return a piece of a run's adapter with its model card: `{filename, size, data}`, `data` in base64.

    The first piece writes the file anew. Raises RunError where the run has no adapter.
    """
    from tokenunlearn.runs.again import FOLDER
    from tokenunlearn.runs.model_card import adapter_zip

    store = service.queue.store
    directory = store.path(piece.run_id)
    file = directory / FOLDER / ZIP
    if piece.at == 0:
        probes = store.probes(piece.run_id)
        content = adapter_zip(directory, store.config(piece.run_id), probes)
        file.parent.mkdir(exist_ok=True)
        write_bytes_atomically(file, content)
    if not file.is_file():
        raise RunError("The file is gone", fix="Begin again", where=str(file))
    with file.open("rb") as opened:
        opened.seek(piece.at)
        data = opened.read(PIECE)
    return {
        "filename": f"{piece.run_id}-adapter.zip",
        "size": file.stat().st_size,
        "data": base64.b64encode(data).decode(),
    }


def merged(service: Service, run: RunOf) -> dict[str, Any]:
    """Write a run's model with its adapter merged in; return where and how large, `{folder, bytes}`.

    Raises RunError where it has no adapter or there is no room, ModelError.
    """
    from tokenunlearn.runs.merged import save_merged

    store = service.queue.store
    config, probes = store.config(run.run_id), store.probes(run.run_id)
    with service.sessions.model_lock:
        folder, size = save_merged(store.path(run.run_id), config, probes)
    return {"folder": str(folder), "bytes": size}


def open_as_model(service: Service, run: RunOf) -> dict[str, Any]:
    """Begin to open the model that a run left, on the rows that are open; return `{model, at}`.

    Raises RunError where the run has no adapter.
    """
    store = service.queue.store
    directory, config = store.path(run.run_id), store.config(run.run_id)
    artifact = read_artifact(directory)
    if artifact is None or artifact.kind != ADAPTER:
        raise RunError(f"{run.run_id} has no adapter to open", "It trained nothing that was saved")
    adapter, precision = str(directory / "adapter"), config.get("precision") or "auto"
    service.sessions.open(service.sessions.wanted.with_model(config.get("model"), adapter, precision))
    return {"model": run.run_id, "at": time.time()}


ASKED: Final[Mapping[str, Any]] = {
    "save_note": save_note,
    "discard_run": discard,
    "bring_back": bring_back,
    "delete_for_good": delete_for_good,
    "run_command": command,
    "run_configuration": configuration,
    "results_file": results_file,
    "adapter_file": adapter_file,
    "save_merged": merged,
    "open_as_model": open_as_model,
}
