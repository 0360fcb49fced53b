"""What is wrong with the report of a measurement, in a sentence: what passes here can be drawn and written.

A report is checked once, where it is read (`measure_job.read_result`); who shows it takes it as whole.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tokenunlearn.data.json_text import also, by_name, count, each, known, misfit, number, record, text
from tokenunlearn.experiments.gradients import CONTROLS
from tokenunlearn.experiments.perturbation import CURVES, RANDOM
from tokenunlearn.experiments.perturbation_words import label_of
from tokenunlearn.probes.depth import DROPS, LENSES

_MOST_LAYERS: Final = 1000  # a picture of more has no room
_NATS: Final = number(-1e9, 1e9)
_LOG_PROB: Final = number(-1e9, 1.0)  # a rounded 0 may lie above it
_SHARE: Final = number(-1e-6, 1 + 1e-6)
_SAYS: Final = each(text)

_LAYERS: Final = each(known(_NATS), 1, _MOST_LAYERS)
_LENS: Final = each(each(known(_LOG_PROB), 1), 1, _MOST_LAYERS)
_DEPTH: Final = also(
    record(
        uds=known(_SHARE),
        source=text,
        says=_SAYS,
        rows=by_name(
            record(
                uds=known(_SHARE),
                question=text,
                tokens=each(text, 1),
                **dict.fromkeys(DROPS, _LAYERS),
                lens=record(**dict.fromkeys(LENSES, _LENS)),
            )
        ),
    ),
    model=record(adapter=text),
)

_BETWEEN: Final = {"low": known(_NATS), "high": known(_NATS)}
_CURVE: Final = record(area=_NATS, mean=each(_NATS, 2), **_BETWEEN)
_DIFFERENCE: Final = record(mean=_NATS, **_BETWEEN)
_ORDER: Final = record(
    **dict.fromkeys(CURVES, _CURVE),
    above_random=record(**dict.fromkeys(CURVES, _DIFFERENCE)),
    above_reverse=_DIFFERENCE,
)
_PERTURB: Final = record(
    settings=record(over=text, removal=text, draws=count),
    says=_SAYS,
    wordings=by_name(
        record(
            rows=count, tokens=number(0), passes=count, log_prob=_NATS, orders=by_name(_ORDER, 1),
            **{RANDOM: _CURVE},
        )
    ),
)  # fmt: skip

_FIGURE: Final = known(number())
_GROUP: Final = record(tokens=count, why=text, ratio=_FIGURE, low=_FIGURE, high=_FIGURE, across=_FIGURE)
_COSINES: Final = record(median=_FIGURE)
_PART: Final = {
    "groups": also(record(chosen=_GROUP, unchosen=_GROUP, all=_GROUP), gold=_GROUP),
    "draws": record(**dict.fromkeys(CONTROLS, record(ratios=each(_FIGURE), p=_FIGURE))),
    "cosines": record(chosen=_COSINES, unchosen=_COSINES),
}
_GRADIENTS: Final = record(
    whole=record(**_PART), layers=each(record(layer=count, **_PART), 1, _MOST_LAYERS), says=_SAYS
)


def depth_fault(report: Any) -> str:
    """Return what is wrong with a report of `depth_view`, "" for a whole one."""
    wrong = misfit(_DEPTH, report)
    return wrong or _uneven_rows(report["rows"])


def perturb_fault(report: Any) -> str:
    """Return what is wrong with a report of `perturbation`, "" for a whole one."""
    wrong = misfit(_PERTURB, report)
    faults = (_wording_fault(name, found) for name, found in report["wordings"].items()) if not wrong else ()
    return wrong or next(filter(None, faults), "")


def gradients_fault(report: Any) -> str:
    """Return what is wrong with a report of `gradient_view`, "" for a whole one."""
    return misfit(_GRADIENTS, report)


# Kind of a measurement → what is wrong with its report.
FAULTS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {"depth": depth_fault, "perturb": perturb_fault, "gradients": gradients_fault}
)


def _uneven_rows(rows: Mapping[str, Any]) -> str:
    layers = {len(row[DROPS[0]]) for row in rows.values()}
    if len(layers) > 1:
        return "its rows differ in their layers"
    for row_id, row in rows.items():
        lens = [row["lens"][name] for name in LENSES]
        even = {len(each) for each in (*(row[name] for name in DROPS), *lens)} == layers
        if not even or any(len(line) != len(row["tokens"]) for each in lens for line in each):
            return f"row {row_id[:60]} does not fit together"
    return ""


def _wording_fault(wording: str, found: Mapping[str, Any]) -> str:
    curves = [found[RANDOM], *(order[curve] for order in found["orders"].values() for curve in CURVES)]
    if len({len(curve["mean"]) for curve in curves}) > 1:
        return f"the curves of {wording[:60]} differ in length"
    spans = [*curves, *(order["above_reverse"] for order in found["orders"].values())]
    spans += [order["above_random"][curve] for order in found["orders"].values() for curve in CURVES]
    if any((span["low"] is None) != (span["high"] is None) for span in spans):
        return f"an interval of {wording[:60]} has one end"
    for name in found["orders"]:
        try:
            label_of(name)
        except KeyError:
            return f"it has an order that this version does not know, {name[:40]}"
    return ""
