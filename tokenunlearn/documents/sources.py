"""What a report is made of: the file of a comparison with what lies beside it, or the folder of a run."""

import os
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tokenunlearn.data.rows import FORGET, RETAIN, WORLD, Row
from tokenunlearn.errors import ModelError, RunError, TokenUnlearnError
from tokenunlearn.experiments.arms import Arm, facts_among, weights_by_row
from tokenunlearn.experiments.planned import Plan
from tokenunlearn.experiments.result_files import beside
from tokenunlearn.experiments.results import BEFORE, read_head, read_plan, read_results, start_of
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.masks import Mask, read_mask
from tokenunlearn.models.embedded import EMBEDDED_NAME, embedded_model_folder
from tokenunlearn.runs.again import command_words
from tokenunlearn.runs.attack_job import results_in
from tokenunlearn.runs.damage import damaged, of_unlearn, read_record, read_state
from tokenunlearn.runs.depth_job import earlier_weights, read_depth
from tokenunlearn.runs.disk import read_lines_since
from tokenunlearn.runs.job import run_mask
from tokenunlearn.runs.notes import read_note
from tokenunlearn.runs.run_files import run_faults
from tokenunlearn.runs.run_probes import longest_in
from tokenunlearn.runs.run_rows import rows_of, world_kept
from tokenunlearn.runs.sweep_job import FILE
from tokenunlearn.settings import from_dict, to_dict
from tokenunlearn.table import is_edited, read_table
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Event, known_events
from tokenunlearn.training.origin import FILES, Origin, hash_of, model_asked_for, settings_of
from tokenunlearn.training.origin import rows_of as hash_of_rows

# Split → what an origin calls its rows.
SPLIT_WORDS: Final = {FORGET: "rows to forget", RETAIN: "rows to keep", WORLD: "rows of the world"}


@dataclass(frozen=True, eq=False)
class Beside:
    """A run that was started with another: its id, arm and reports, and how many of its tokens are the fact.

    `facts`: of how many tokens that it trains how many are marked, None where that is not known.
    """

    run_id: str
    arm: str
    before: dict[str, Any]
    after: dict[str, Any]
    facts: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Source:
    """Everything that a report may say. `name`: of the file or run.

    `origin`: what all measurements share. `texts`: row id → question and answer, of the rows to forget.
    `table`, `mask`: the scores, and the chosen tokens on them; None where they were not kept. `probes`: the
    reports before and after a run, None of a comparison. `attacks`: results of attacks on the run. `depth`:
    how deep its facts were erased, None where that was not measured. `events`: what a run told meanwhile.
    `notes`: how it stands, where it is not as planned. `remark`: a person's. `runs`: each seed and arm of a
    comparison that was asked for, none where that is not recorded. `plan`: the comparisons that were named.
    `standing`: how a run stands, "" for one that has finished. `longest`: how many tokens an answer of a run
    could have. `took`: up to which step of how many a run was trained. `beside`: the runs that were started
    with it.
    """

    name: str
    origin: Origin
    results: tuple[ArmResult, ...] = ()
    table: pd.DataFrame | None = None
    mask: Mask | None = None
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, Any] | None = None
    attacks: Sequence[Mapping[str, Any]] = ()
    depth: Mapping[str, Any] | None = None
    events: Sequence[Event] = ()
    notes: tuple[str, ...] = ()
    remark: str = ""
    runs: Sequence[tuple[int, Arm]] = ()
    plan: Plan | None = None
    standing: str = ""
    longest: int | None = None
    took: str = ""
    beside: Sequence[Beside] = ()


def open_source(path: Path, scores: Path | None = None, mask: Path | None = None) -> Source:
    """Return what is known of a comparison's file or a run's folder.

    `scores` and `mask` of a comparison lie beside its file unless they are given. Raises RunError for
    anything else and for what has no result yet, TableError and MaskError for damaged files.
    """
    if path.is_dir():
        return _of_run(path.resolve())  # `.` and `..` have no name
    if not path.is_file():
        raise RunError(
            f"There is no {path.name}",
            fix="Name a file of `compare --out`, or the folder of a run",
            where=str(path),
        )
    return _of_file(path, scores, mask)


def _of_file(path: Path, scores: Path | None, mask: Path | None) -> Source:
    origin, made = read_head(path)
    results = tuple(read_results(path))
    if not any(each.arm != BEFORE for each in results):
        raise _nothing_yet(path)
    texts = _texts_asked(results)
    kept_scores, kept_mask = beside(path)
    table, chosen = _choice(scores or kept_scores, mask or kept_mask, bool(scores or mask))
    if table is not None and chosen is not None:
        _refuse_other_rows(table, texts, scores or kept_scores)
        _refuse_other_mask(chosen, origin, mask or kept_mask)
    return Source(
        path.name,
        origin,
        results,
        table,
        chosen,
        texts,
        made.commands,
        made.versions,
        runs=made.runs,
        plan=read_plan(path),
    )


def _of_run(path: Path) -> Source:
    if not any((path / name).exists() for name in ("config.json", "state.json")):
        raise RunError(
            f"{path.name} is no run", "It has no config.json", "Name the folder of a run", str(path)
        )
    _refuse_of_unlearn(path)
    config, (state, why) = read_record(path / "config.json"), read_state(path)
    if why or config is None:
        raise damaged(path / ("state.json" if why else "config.json"), why or "it is missing")
    rows, note, faults = rows_of(config), read_note(path)[0], run_faults(path, state)
    commands, why_none = _commands(path, config)
    depth, _ = read_depth(path)  # why it cannot be read is among the faults
    other_depth = earlier_weights(path, depth) if depth else ""
    found = run_mask(path, config)
    table, mask = (found[1], found[0]) if found else (None, None)
    known: dict[str, Any] = {
        "name": f"{path.name}, {note.name or state.get('name') or 'a run'}",
        "table": table,
        "mask": mask,
        "texts": {row.id: (row.question, row.answer) for row in rows.forget},
        "versions": _versions(path),
        "commands": commands,
        "events": known_events(read_lines_since(path / "metrics.jsonl")[0]),
        "notes": tuple(each for each in (why_none, other_depth, *faults) if each),
        "standing": _standing(state),
        "remark": note.text,
    }
    if (path / FILE).is_file():
        results = tuple(read_results(path / FILE))
        if not results:
            raise damaged(path / FILE, "it holds no measurement")
        if not any(each.arm != BEFORE for each in results):
            raise _nothing_yet(path, faults)
        origin, made = read_head(path / FILE)
        named = read_plan(path / FILE)
        return Source(origin=origin, results=results, runs=made.runs, plan=named, **known)
    probes = read_record(path / "probes.json")
    if not probes or not probes.get("before") or not probes.get("after"):
        raise _nothing_yet(path, faults)
    splits = {FORGET: rows.forget, RETAIN: rows.retain, WORLD: rows.world}
    return Source(
        origin=_run_origin(config, mask, splits),
        probes=probes,
        longest=longest_in(probes["after"], config),
        took=f"step {state.get('step')} of {state.get('steps')}",
        beside=_beside(path, config),
        attacks=results_in(path),
        depth=depth,
        **known,
    )


def _beside(path: Path, config: Mapping[str, Any]) -> tuple[Beside, ...]:
    """Return the measured runs that were started with a run; one that cannot be read is left out."""
    if not config.get("group"):
        return ()
    found = []
    for other in sorted(path.parent.iterdir(), key=lambda each: (len(each.name), each.name)):
        with suppress(TokenUnlearnError, OSError):
            theirs = read_record(other / "config.json") if other != path else None
            if not theirs or theirs.get("group") != config["group"]:
                continue
            probes = read_record(other / "probes.json")
            if probes and probes.get("before") and probes.get("after"):
                arm, reports = str(theirs.get("arm") or ""), (probes["before"], probes["after"])
                found.append(Beside(other.name, arm, *reports, facts_of_run(other, theirs)))
    return tuple(found)


def facts_of_run(path: Path, config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return how many tokens that a run trains are the fact, and how many it trains; None where not known."""
    found = run_mask(path, config)
    return facts_among(found[1], weights_by_row(found[1], found[0].weights)) if found else None


def _refuse_of_unlearn(path: Path) -> None:
    """Raise RunError for a folder of `unlearn`: it holds an adapter and curves, and nothing was probed."""
    if of_unlearn(path):
        adapter = shlex.quote(path_here(str(path / "adapter")))
        raise RunError(
            f"{path.name} is a folder of `unlearn`",
            "It has an adapter and the curves of its training; what the model says was not measured",
            f"Measure it: probe ROWS --adapter {adapter} --out after.json; or let `compare` train the arms",
            str(path),
        )


def _commands(path: Path, config: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Return the command line that makes a run again, from this folder, or why there is none."""
    try:
        words = command_words(path, config)
    except TokenUnlearnError as error:
        return (), str(error)
    return (shlex.join(map(path_here, words)),), ""


def path_here(word: str) -> str:
    """Return a path below the folder that this process runs in from there on; any other word as it is."""
    return word.removeprefix(f"{Path.cwd()}{os.sep}")


def _standing(state: Mapping[str, Any]) -> str:
    """Return how a run stands, "" for one that has finished."""
    if state.get("state") in ("finished", None):
        return ""
    message = f": {state['message']}" if state.get("message") else ""
    return f"The run is {state['state']}, at {state.get('step')} of {state.get('steps')}{message}."


def _run_origin(config: Mapping[str, Any], mask: Mask | None, rows: Mapping[str, Sequence[Row]]) -> Origin:
    """Return what a run was made of, as the file of a comparison says it; without token ids."""
    rival = config.get("rival")
    training = from_dict(TrainConfig, dict(config.get("training") or {}))
    settings = {"rival": rival} if rival else {"steps": training.steps, **settings_of(training)}
    adapter = Path(config["adapter"]) if config.get("adapter") else None
    model = _model(config.get("model"), adapter or Path(), str(config.get("precision") or "auto"))
    model.pop(FILES)
    if adapter is None:
        model["adapter"] = "none"
    elif not adapter.is_dir():
        model["adapter"] = f"{adapter.name} (no longer there, so without a hash)"
    return {
        **settings,
        "seed": training.seed,
        "arm": config.get("arm") or "",
        "mask": f"{config.get('name') or 'mask'} @{mask.hash}" if mask else "none: every token has weight 1",
        **({} if mask is None else to_dict(mask.rule)),
        **model,
        **{SPLIT_WORDS[name]: hash_of_rows(part) for name, part in rows.items()},
        "world_kept": world_kept(config),
    }


def _model(given: str | None, adapter: Path, precision: str) -> dict[str, str]:
    """Return the model and adapter with hashes; the embedded model, where it is not installed, without."""
    if given:
        return model_asked_for(given, adapter, precision)
    try:
        folder = str(embedded_model_folder())
    except ModelError:
        return model_asked_for(None, adapter, precision) | {"model": EMBEDDED_NAME}
    found = model_asked_for(folder, adapter, precision)
    return found | {"model": found["model"].replace(folder, EMBEDDED_NAME)}


def _texts_asked(results: Sequence[ArmResult]) -> dict[str, tuple[str, str]]:
    """Return question and taught answer of the rows to forget, from what was measured before any step."""
    start = start_of(results)
    lines = start.answers if start else []
    return {
        str(line["row_id"]): (str(line["question"]), str(line["expected"]))
        for line in lines
        if line.get("kind") == FORGET
    }


def _choice(scores: Path, mask: Path, asked: bool) -> tuple[pd.DataFrame | None, Mask | None]:
    """Return the scores and the mask of a comparison, None where they were not kept.

    Raises RunError where only one of them is there, and where they were `asked` for and are not.
    """
    there = [each for each in (scores, mask) if each.is_file()]
    if not there and not asked:
        return None, None
    if len(there) < 2:
        lacking = mask if scores in there else scores
        raise RunError(
            f"There is no {lacking.name}",
            "Heatmaps take the scores and the mask of one choice",
            "Give both, by --scores and --mask",
            str(lacking),
        )
    table = read_table(scores)
    if is_edited(table):
        raise RunError(
            f"{scores.name} was changed after it was written",
            "Its numbers are not those that were scored",
            "Score the rows again",
            str(scores),
        )
    return table, read_mask(mask, table, None)


def _refuse_other_rows(table: pd.DataFrame, texts: Mapping[str, tuple[str, str]], where: Path) -> None:
    """Raise RunError where the scores are of other text than the measurements."""
    for name, part in table.groupby("row_id", sort=False):
        answer = texts.get(str(name), ("", ""))[1]
        places = zip(part["char_start"], part["char_end"], part["token"], strict=True)
        if not answer or any(answer[start:end] != token for start, end, token in places):
            raise RunError(
                "The scores are of other rows than the measurements",
                f"Row {str(name)[:60]} has another answer, or was not measured",
                "Give the scores of these rows",
                str(where),
            )


def _refuse_other_mask(mask: Mask, origin: Origin, where: Path) -> None:
    """Raise RunError where the arms were trained on another mask, as far as the file says which."""
    expected = hash_of(str(origin.get("mask") or ""))
    rule = to_dict(mask.rule)
    other_rule = any(name in origin and origin[name] != value for name, value in rule.items())
    if expected and expected != mask.hash:
        what = f"The mask is {mask.hash[:12]}, the measurements are of {expected[:12]}"
    elif not expected and (mask.overrides or other_rule):
        what = "The mask is not what the rule of the measurements chooses"
    else:
        return
    raise RunError(what, fix="Give the mask that was measured", where=str(where))


def _nothing_yet(path: Path, faults: Sequence[str] = ()) -> RunError:
    why = ". ".join(faults) or "A report says what was measured"
    return RunError(f"{path.name} has no result yet", why, "Wait for its end", str(path))


def _versions(path: Path) -> Mapping[str, str]:
    """Return the versions of the software that made a run; none where that cannot be read."""
    try:
        return read_record(path / "versions.json") or {}
    except RunError:  # among the faults
        return {}
