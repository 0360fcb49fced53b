"""What deletion and insertion say in words, and their table."""

from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.experiments.perturbation import FUSED, RANDOM, SINGLE
from tokenunlearn.experiments.verdict import FEWEST_ROWS, LEVEL
from tokenunlearn.metrics.statistics import NO_SPREAD
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.numbers import p_words, signed

_LABELS: Final[Mapping[str, str]] = {
    FUSED: "the rule's score φ",
    SINGLE: "what each token does alone",
}
AREAS: Final = (
    "AOPC, nats a token: mean over the steps of the fact's log-prob in full context less that without "
    "[95 % interval over rows; against random over rows and orders]. − reverse: deletion less insertion, "
    "which is deletion in the reverse order."
)
CAUTION: Final = (
    "A score says which tokens carry the fact, not on which tokens the fact rests, so it need not come first "
    "here; and a model that lacks tokens reads text of a kind that it was not taught."
)


def perturbation_said(report: Mapping[str, Any]) -> list[str]:
    """Return what is shown of each order and wording, a sentence each."""
    said = [
        _order_said(wording, label_of(name), order, found)
        for wording, found in report["wordings"].items()
        for name, order in found["orders"].items()
    ]
    return [*said, *_left_out_said(report["left_out"]), CAUTION]


def label_of(name: str) -> str:
    """Return the name of an order in words."""
    return _LABELS.get(name) or SIGNALS[name].label


def _order_said(wording: str, label: str, order: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    beside, area = order["above_random"]["deletion"], order["deletion"]["area"]
    head = (
        f"{wording}, {label} first: the fact loses {signed(area)} nats a token over the curve, "
        f"{signed(found[RANDOM]['area'])} in random order"
    )
    p_value = beside["p_adjusted"]
    if p_value is None:
        why = f"has {NO_SPREAD}" if beside.get("no_spread") else "is not measured: it takes two rows"
        return f"{head}; a difference {why}."
    between = f"difference {_cell(beside, 'mean')}, {p_words(p_value)}"
    if len(order["deletion"]["by_row"]) < FEWEST_ROWS:
        return f"{head}; no difference is shown, it takes {FEWEST_ROWS} rows ({between})."
    if p_value > LEVEL:
        return f"{head}; no difference is shown ({between})."
    return f"{head}; {'more' if beside['mean'] > 0 else 'less'} is shown ({between})."


def _left_out_said(left_out: Mapping[str, str]) -> list[str]:
    reasons: dict[str, int] = {}
    for why in left_out.values():
        reasons[why] = reasons.get(why, 0) + 1
    return [
        f"{count} {'question' if count == 1 else 'questions'} not measured: {why}."
        for why, count in reasons.items()
    ]


def rows_said(count: int) -> str:
    """Return how many rows were measured."""
    return "1 row" if count == 1 else f"{count} rows"


def perturbation_table(
    report: Mapping[str, Any], wording: str
) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Return what was measured of a wording, then heads and lines of the areas (AOPC) of its orders."""
    settings, found = report["settings"], report["wordings"][wording]
    caption = (
        f"{wording}: {rows_said(found['rows'])}, {found['tokens']:.1f} {settings['over']} tokens a row "
        f"({settings['removal']}), fact {signed(found['log_prob'])} nats a token, "
        f"{found['passes']:,} passes of a row"
    )
    lines = [
        (
            label_of(name),
            _cell(order["deletion"], "area"),
            _cell(order["insertion"], "area"),
            _cell(order["above_random"]["deletion"], "mean"),
            _cell(order["above_reverse"], "mean"),
        )
        for name, order in found["orders"].items()
    ]
    area = _cell(found[RANDOM], "area")
    drawn = (f"random, {settings['draws']} orders, both ways", area, area, "", "")
    return caption, ("order", "deletion ↑", "insertion ↓", "− random", "− reverse"), [*lines, drawn]


def perturbation_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the report as aligned lines, one block a wording."""
    lines: list[str] = []
    for wording, found in report["wordings"].items():
        caption, heads, areas = perturbation_table(report, wording)
        lines.append(caption)
        for name, deletion, insertion, beside, reverse in (heads, *areas):
            line = f"  {name:<32}{deletion:>24}{insertion:>24}{beside:>22}{reverse:>22}"
            lines.append(line.rstrip())
        drawn = found[RANDOM]
        curves = {label_of(name): order["deletion"]["mean"] for name, order in found["orders"].items()}
        for label, curve in {**curves, RANDOM: drawn["mean"]}.items():
            lines.append(f"  {label:<32}" + "".join(f"{signed(value):>8}" for value in curve))
    return [*lines, f"{AREAS} Below each table: the fact's log-prob as more is deleted."]


def _cell(figures: Mapping[str, Any], name: str) -> str:
    if figures["low"] is None:
        return signed(figures[name])
    return f"{signed(figures[name])} [{signed(figures['low'])}, {signed(figures['high'])}]"
