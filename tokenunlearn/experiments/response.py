"""What a series of arms shows: how forgetting and keeping follow the score, or the share that is trained.

Each arm is held against the target before any step, row by row and seed by seed, so every point has an
interval over rows and seeds. Of bins the highest is then held against the lowest: where it forgets no more,
the score does not mark the tokens that matter. Doses have a curve and no verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenunlearn.experiments.moments import LAST
from tokenunlearn.experiments.planned import Plan
from tokenunlearn.experiments.results import start_of
from tokenunlearn.experiments.runner import ArmResult
from tokenunlearn.experiments.series import BINS, Place, place_of
from tokenunlearn.experiments.verdict import (
    EXPLORATORY,
    Finding,
    Values,
    adjusted,
    compare_values,
    values_by_arm,
)
from tokenunlearn.metrics.statistics import Comparison
from tokenunlearn.probes import COMPARED, PROBES


@dataclass(frozen=True)
class Point:
    """One arm of a series: its change of each figure since before any step, and the tokens trained.

    `tokens`: mean over the seeds, over all steps; None: not measured.
    """

    place: Place
    changes: Mapping[str, Comparison]
    tokens: float | None


@dataclass(frozen=True)
class Response:
    """A series that was measured, with one objective. `before`: each figure's value before any step."""

    series: str
    by: str
    of: int
    method: str
    before: Mapping[str, float | None]
    points: tuple[Point, ...]
    ends: tuple[Finding, ...]


def responses(results: Sequence[ArmResult], plan: Plan | None = None) -> list[Response]:
    """Return each series among the results, its arms in order; `ends` are empty but for bins.

    Holm adjusts over the figures of one series. Where comparisons were named, these are exploratory.
    """
    start = start_of(results)
    if start is None or not start.by_row:
        return []
    arms = values_by_arm(results, LAST)
    series: dict[tuple[str, str, int, str], list[Place]] = {}
    for method, name in arms:
        place = place_of(name)
        if place:
            series.setdefault((place.series, place.by, place.of, method), []).append(place)
    found = []
    for (kind, by, of, method), places in series.items():
        ordered = sorted(places, key=lambda place: place.at)
        points = tuple(
            Point(place, _changes(arms[method, place.name], start), _tokens(results, place.name, method))
            for place in ordered
        )
        ends = _ends(arms, method, ordered, EXPLORATORY if plan else "") if kind == BINS else ()
        found.append(Response(kind, by, of, method, _figures(start), points, ends))
    return found


def _changes(values: Values, start: ArmResult) -> dict[str, Comparison]:
    before = dict.fromkeys(values, start.by_row)
    return {probe: compare_values(values, before, probe) for probe in COMPARED if PROBES[probe].wanted}


def _ends(
    arms: Mapping[tuple[str, str], Values], method: str, places: Sequence[Place], role: str
) -> tuple[Finding, ...]:
    """Return the highest bin minus the lowest, where both are measured."""
    low, high = places[0], places[-1]
    if (low.at, high.at) != (1, high.of) or high.of < 2:
        return ()
    pair = arms[method, high.name], arms[method, low.name]
    found = [
        Finding(LAST, method, low.name, probe, compare_values(*pair, probe), float("nan"), high.name)
        for probe in COMPARED
        if PROBES[probe].wanted
    ]
    return tuple(adjusted(found, role))


def _figures(start: ArmResult) -> dict[str, float | None]:
    return {probe: start.summary.get(probe) for probe in COMPARED if PROBES[probe].wanted}


def _tokens(results: Sequence[ArmResult], arm: str, method: str) -> float | None:
    counts = [each.tokens for each in results if (each.arm, each.method, each.moment) == (arm, method, LAST)]
    known = [count for count in counts if count is not None]
    return sum(known) / len(known) if known else None
