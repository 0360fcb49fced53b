"""What the page can do with depth of erasure: measure it of a finished run, say and draw what was found."""

from dataclasses import dataclass
from typing import Annotated, Any

from app.actions.done_to import begins, under_way
from app.actions.run_tokens import RunOf
from app.requests import MOST_TEXT, text
from app.service import Service
from app.words import DEPTH
from tokenunlearn.documents.depth import depth_table, fact_drawing, layer_drawing
from tokenunlearn.documents.drawing import svg
from tokenunlearn.errors import InputError, RunError, TokenUnlearnError
from tokenunlearn.probes.depth_words import LAYER_FIGURES, fact_words, layer_means
from tokenunlearn.runs.depth_job import earlier_weights, read_depth, rows_with_depth
from tokenunlearn.runs.states import ENDED


@dataclass(frozen=True, kw_only=True)
class FactOf(RunOf):
    """The fact of one row of a run."""

    row_id: Annotated[str, text(MOST_TEXT)]


def measure(service: Service, wanted: RunOf) -> str:
    """Return the id of the queued run that measures another one's depth.

    Raises RunError where that run has not ended or has no adapter, InputError where it has no fact, or the
    adapter that it began with is none or gone.
    """
    of = wanted.run_id
    rows_with_depth(service.queue.store, of)
    return service.queue.start_run({"name": f"{of}, {DEPTH}", "depth": {"of": of}})


def depth_value(service: Service, run_id: str) -> dict[str, Any] | None:
    """Return the section of a run's depth; None before the run has ended.

    `{why, fault, under_way, begins, says, layers, facts}`. `why`: it cannot be measured, and this is the
    reason. `fault`: what was measured cannot be read. `layers`: `{svg, heads, lines}`, None before there is a
    report, with `narrow`, the same for a phone; `facts`: `{row_id, words, question, uds}` of each.
    """
    store = service.queue.store
    if store.state(run_id)["state"] not in ENDED:
        return None
    report, fault = read_depth(store.path(run_id))
    why = ""
    try:
        rows_with_depth(store, run_id)
    except TokenUnlearnError as error:
        why = str(error)
    line = under_way(service, run_id, "depth")
    shown: dict[str, Any] = {"says": [], "layers": None, "facts": []}
    if report is not None:
        earlier = earlier_weights(store.path(run_id), report)
        says = [*([earlier] if earlier else []), *report["says"]]
        shown = {"says": says, "layers": _layers(report), "facts": _facts(report)}
    return {"why": why, "fault": fault, "under_way": line, "begins": not why and begins(line), **shown}


def _layers(report: dict[str, Any]) -> dict[str, Any] | None:
    if not report["rows"]:
        return None
    lines = [[layer, *line.values()] for layer, line in enumerate(layer_means(report), 1)]
    drawn = {"svg": svg(layer_drawing(report)), "narrow": svg(layer_drawing(report, narrow=True))}
    return {**drawn, "heads": ["layer", *LAYER_FIGURES.values()], "lines": lines}


def _facts(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"row_id": row_id, "words": fact_words(row), "question": row["question"], "uds": row["uds"]}
        for row_id, row in report["rows"].items()
    ]


def depth_picture(service: Service, wanted: FactOf) -> dict[str, Any]:
    """Return the picture of one fact, layer × token, and its numbers: `{svg, narrow, heads, lines}`.

    Raises RunError where depth was not measured or cannot be read, InputError for another row.
    """
    report, fault = read_depth(service.queue.store.path(wanted.run_id))
    if report is None:
        raise RunError(f"There is no depth of {wanted.run_id}", fault, "Measure it", wanted.run_id)
    if wanted.row_id not in report["rows"]:
        raise InputError(f"There is no fact of {wanted.row_id[:60]!r}", fix="Reload the page")
    heads, lines = depth_table(report["rows"][wanted.row_id])
    numbered = [[len(lines) - at, *line] for at, line in enumerate(lines)]
    drawn = {
        name: svg(fact_drawing(report, wanted.row_id, narrow=name == "narrow")) for name in ("svg", "narrow")
    }
    return {**drawn, "heads": heads, "lines": numbered}
