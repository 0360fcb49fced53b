"""The file of a comparison: what all arms share in its first line, then one measurement a line (JSONL).

Arms take hours, so a file is never begun anew: what it holds is kept, and only what is missing is measured.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tokenunlearn.data.json_text import from_json
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import RunError
from tokenunlearn.experiments.arms import CHOSEN, Arm
from tokenunlearn.experiments.config import ARM_PROBES, EARLIER_LONGEST
from tokenunlearn.experiments.entry import Size
from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.planned import Plan, plan_for, plan_from, plan_record
from tokenunlearn.experiments.runner import ArmResult, Bench
from tokenunlearn.figures import are_figures, is_figure
from tokenunlearn.models.language_model import longest_answer
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.models.precision import measured_in
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.probes.report import report_fault
from tokenunlearn.probes.transcript import length_words
from tokenunlearn.settings import to_dict
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.origin import Origin, differences, model_of, rows_of, settings_of

FORMAT: Final = "tokenunlearn comparison"
OWN_OF_EACH_ARM: Final = ("seed", "eval_every", "stop_fact_below")  # `run_arm` sets them
BEFORE: Final = "before"
EACH_AT_DEFAULT: Final = "each at its default"
_KINDS: Final = {"arm": str, "seed": int, "moment": str, "step": int, "summary": dict}
_LATER: Final = {  # of newer versions
    "answers": list,
    "method": str,
    "seconds": float,
    "by_row": dict,
    "norm": float,
    "tokens": int,
    "note": str,
    "facts": int,
    "chosen": int,
}


def _by_row(found: Any) -> bool:
    return found is None or isinstance(found, dict) and all(map(are_figures, found.values()))


def _answers(found: Any) -> bool:
    if found is None or report_fault({"answers": found}):
        return found is None
    return all(isinstance(line.get("expected"), str) and is_figure(line.get("rouge_l")) for line in found)


# What tables, statistics and reports are made of; files of older versions have no `by_row` and `answers`.
_FITS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "step": is_figure,
    "summary": are_figures,
    "by_row": _by_row,
    "answers": _answers,
    "tokens": is_figure,
}


def comparison_origin(
    bench: Bench, loaded: LoadedModel, chosen_by: Origin, source: str, each_default: bool = False
) -> dict[str, Any]:
    """Return what all measurements of a comparison share.

    `chosen_by` says how the tokens are chosen: the rule's settings, or a mask's hash. `source` is the hash of
    this library's code, since other code may measure something else. `each_default`: objectives are compared.
    """
    own = {name: value for name, value in settings_of(bench.config).items() if name not in OWN_OF_EACH_ARM}
    if each_default:
        defaults = {name: to_dict(entry.settings()) for name, entry in OBJECTIVES.items()}
        own |= {"objective": EACH_AT_DEFAULT, "objective_settings": defaults}
    parts = {
        "rows to forget": bench.forget,
        "rows to keep": bench.retain,
        "rows of the world": bench.world,
    }
    taught = {
        name: [encode(loaded.tokenizer, row.question, row.answer) for row in part]
        for name, part in parts.items()
    }
    rows = {name: rows_of(part, [each.ids for each in taught[name]]) for name, part in parts.items()}
    lengths = [each.answer_length for part in taught.values() for each in part]
    return {
        "steps": bench.config.steps,
        **own,
        **chosen_by,
        "equal_below": bench.equal_below,
        "kept_below": bench.kept_below,
        **model_of(loaded),
        **rows,
        "world_kept": Splits(*map(tuple, parts.values())).world_kept,
        "longest_answer": ARM_PROBES.max_new_tokens or longest_answer(lengths),
        "code": f"tokenunlearn @{source[:12]}",
    }


def longest_of(origin: Origin) -> int:
    """Return how many tokens an answer of a comparison could have; earlier versions did not write it."""
    found = origin.get("longest_answer")
    return found if isinstance(found, int) else EARLIER_LONGEST["arm"]


def how_measured(origin: Origin, results: Iterable[ArmResult]) -> str:
    """Return a comparison's precision, and how long its answers could be, in words."""
    precision = origin.get("precision")
    length = length_words(longest_of(origin), [line for each in results for line in each.answers])
    return f"{measured_in(str(precision))}. {length}" if precision else length


@dataclass(frozen=True)
class Made:
    """How a file came about, for its reader; it decides nothing. Files of older versions do not say it.

    `commands`: the command lines that measured into it, in order. `versions`: of the software, by name.
    `runs`: each seed and arm that was ever asked for, measured or not.
    """

    commands: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[tuple[int, Arm], ...] = ()


def results_text(
    origin: Origin, results: Sequence[ArmResult], made: Made | None = None, plan: Plan | None = None
) -> str:
    """Return the content of the file."""
    head: dict[str, Any] = {"format": FORMAT, "origin": dict(origin)}
    head |= {"made": asdict(made)} if made else {}
    head |= {"plan": plan_record(plan)} if plan else {}
    lines = [head, *(asdict(result) for result in results)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def read_head(path: Path) -> tuple[Origin, Made]:
    """Return what the measurements in a file share, and how it came about.

    Raises RunError for a file that is something else.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        found = _head(file.readline(), str(path))
    return found["origin"], _made(found.get("made"))


def read_plan(path: Path) -> Plan | None:
    """Return the comparisons that were named for a file; None where there are none, or no file yet.

    Raises RunError for a damaged plan, and for a file that is something else.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        return plan_from(_head(file.readline(), str(path)).get("plan"), str(path))


def plan_of(
    path: Path | None,
    texts: Sequence[str] | None,
    results: Sequence[ArmResult],
    seeds: int,
    now: str,
) -> Plan | None:
    """Return the plan that a comparison on so many seeds goes on under.

    `path` is its file and `results` what that holds. Raises RunError where the file has another plan.
    """
    kept = read_plan(path) if path else None
    return plan_for(texts, kept, runs_measured(results), seeds, now, str(path or ""))


def runs_measured(results: Sequence[ArmResult]) -> int:
    """Return how many runs of arms the results are of."""
    return len({(each.seed, each.of) for each in results if each.arm != BEFORE})


def made_again(
    path: Path, command: str, versions: Mapping[str, str], runs: Sequence[tuple[int, Arm]] = ()
) -> Made:
    """Return how a file has come about once this command has measured into it as well.

    `path` may be missing or empty. Raises RunError for a file that is something else.
    """
    there = path.is_file() and path.stat().st_size > 0
    earlier = read_head(path)[1] if there else Made()
    commands = dict.fromkeys([*earlier.commands, command])
    return Made(tuple(commands), versions, tuple(dict.fromkeys([*earlier.runs, *runs])))


def read_results(path: Path, origin: Origin | None = None) -> list[ArmResult]:
    """Return the measurements in a file, none of an empty or missing one; without `origin` of whatever.

    What is there of an arm and seed without its last step is left out: it is measured anew as a whole. Raises
    RunError for a file that is something else, for a damaged line, and for measurements of another origin,
    naming what differs.
    """
    content = path.read_bytes().decode(errors="replace") if path.is_file() else ""
    if not content.strip():
        return []
    where, (header, *lines) = str(path), content.split("\n")
    found = _head(header, where)
    differ = [] if origin is None else differences(found["origin"], origin)
    if differ:
        raise RunError(
            "The file holds a comparison of something else",
            "; ".join(differ),
            "Ask for the same again (arms and seeds may be others), or give another file",
            where,
        )
    results = []
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        record = _record(line)
        lacking = [name for name, kind in _KINDS.items() if type(record.get(name)) is not kind]
        lacking += [name for name, fits in _FITS.items() if not lacking and not fits(record.get(name))]
        if lacking:
            raise RunError(
                f"Line {number} is not a measurement",
                f"The field {lacking[0]} is missing or damaged",
                "Take out all lines of that arm and seed: they are measured again",
                where,
            )
        found = {name: record[name] for name in _KINDS}
        later = {name: record[name] for name, kind in _LATER.items() if isinstance(record.get(name), kind)}
        found["summary"] = _measured(found["summary"])
        later["by_row"] = {name: _measured(values) for name, values in later.get("by_row", {}).items()}
        results.append(ArmResult(**found, **later))
    done = _done(results)
    return [each for each in results if each.arm == BEFORE or (each.seed, each.of) in done]


def _measured(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures without those that are no numbers of anything: not finite is not measured."""
    return {
        name: None if value is not None and not math.isfinite(value) else value
        for name, value in figures.items()
    }


def start_of(results: Sequence[ArmResult]) -> ArmResult | None:
    """Return the measurement of the target before any step, None where there is none."""
    return next((each for each in results if each.arm == BEFORE), None)


def missing(results: Sequence[ArmResult], runs: Sequence[tuple[int, Arm]]) -> list[tuple[int, Arm]]:
    """Return each seed and arm that is not measured to its last step yet, in the order of measuring.

    Seed by seed; within a seed the matched arms come last: they need the chosen arm's result.
    """
    done = _done(results)
    ordered = sorted(runs, key=lambda run: (run[0], run[1].matched))
    return [run for run in ordered if run not in done]


def size_to_match(results: Sequence[ArmResult], arm: Arm, seed: int, where: str) -> Size | None:
    """Return the size of what the chosen arm did, for a matched arm of the same seed and method.

    None for other arms, and where the chosen arm is not measured. Raises RunError where an earlier version
    measured it, without its size.
    """
    if not arm.matched:
        return None
    chosen = Arm(CHOSEN, arm.method)
    found = [each for each in results if (each.of, each.seed, each.moment) == (chosen, seed, LAST)]
    if not found:
        return None
    norm, tokens = found[0].norm, found[0].tokens
    if norm is None or tokens is None:
        raise RunError(
            f"The arm {chosen.name} of seed {seed} has to be measured again",
            f"An earlier version measured it without the size that {arm.tokens} is matched to",
            "Take all its lines of that seed out of the file, or give another file",
            where,
        )
    return Size(norm, tokens)


def _done(results: Sequence[ArmResult]) -> set[tuple[int, Arm]]:
    return {(result.seed, result.of) for result in results if result.moment == LAST}


def _head(line: str, where: str) -> dict[str, Any]:
    """Return the first line of a file. Raises RunError where it is none of a comparison."""
    found = _record(line)
    if found.get("format") != FORMAT or not isinstance(found.get("origin"), dict):
        raise RunError(
            "The file is not a comparison that could go on",
            "Its first line does not say what its arms share",
            "Give another file; this one stays as it is",
            where,
        )
    return found


def _made(value: Any) -> Made:
    """Return how a file came about, as far as it says so in a form that this version knows."""
    found = value if isinstance(value, dict) else {}
    commands, versions = found.get("commands"), found.get("versions")
    return Made(
        tuple(map(str, commands)) if isinstance(commands, list) else (),
        {str(name): str(each) for name, each in versions.items()} if isinstance(versions, dict) else {},
        tuple(_runs(found.get("runs"))),
    )


def _runs(value: Any) -> Iterator[tuple[int, Arm]]:
    for each in value if isinstance(value, list) else []:
        seed, arm = each if isinstance(each, list) and len(each) == 2 else (None, None)
        if type(seed) is int and isinstance(arm, dict) and isinstance(arm.get("tokens"), str):
            yield seed, Arm(arm["tokens"], str(arm.get("method") or ""))


def _record(line: str) -> dict[str, Any]:
    """Return the JSON object in a line; {} where it is none."""
    try:
        record = from_json(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
