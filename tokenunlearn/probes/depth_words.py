"""What a report of depth says in words, and its means by layer: verb, page and report say the same."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tokenunlearn.probes.depth import DROPS, LENSES, known
from tokenunlearn.text.numbers import signed

LENS_NAMES: Final[Mapping[str, str]] = {"before": "before", "after": "after", "off": "adapter off"}
# Figure of a layer → what heads its column: what patching it costs, and what the lens reads off it.
LAYER_FIGURES: Final[Mapping[str, str]] = {
    "reference_drops": "drop, off",
    "unlearned_drops": "drop, after",
    "before": "lens, before",
    "after": "lens, after",
    "off": "lens, off",
}
CAUTION: Final = (
    "The model with its adapter off stands for one that never saw the fact; it never saw the style of the "
    "rows either, which makes the score smaller. Layers below those that a run trains are the same before "
    "and after, so the score cannot reach 1 where they hold the fact. The lens reads each layer with the "
    "last norm and head: what it does not read may still be there."
)


def depth_said(report: Mapping[str, Any]) -> list[str]:
    """Return what is shown and what is not, a sentence each, of the report of `depth_view`."""
    rows = list(report["rows"].values())
    scores = [row["uds"] for row in rows if row["uds"] is not None]
    if not rows:
        return ["Depth of erasure: not measured: no row has its fact marked."]
    if not scores:
        why = "no layer of the model before unlearning holds .05 nats of a fact"
        return [f"Depth of erasure: not measured: {why}.", *_lens_said(report), CAUTION]
    spread = f", {signed(min(scores))} to {signed(max(scores))}" if len(scores) > 1 else ""
    left = len(rows) - len(scores)
    others = f" {left} more have no layer that holds .05 nats of their fact." if left else ""
    said = (
        f"Depth of erasure (UDS) {signed(report['uds'])}, mean of {_facts(len(scores))}{spread}: 0 where "
        f"every layer still holds what it held, 1 where none holds more than with the adapter off.{others}"
    )
    return [said, *_lens_said(report), CAUTION]


def _lens_said(report: Mapping[str, Any]) -> list[str]:
    """Return where the lens reads most of the fact after unlearning, beside before."""
    means = layer_means(report)
    after = [(line["after"], layer) for layer, line in enumerate(means, 1) if line["after"] is not None]
    if not after:
        return []
    most, layer = max(after)
    last, beside = means[-1], means[layer - 1]
    return [
        f"Read layer by layer (logit lens, mean log-probability of the fact's tokens): after the last layer "
        f"{_nats(last['before'])} before, {_nats(last['after'])} after, {_nats(last['off'])} with the "
        f"adapter off, nats a token. After unlearning it is highest at layer {layer} of {len(means)}: "
        f"{_nats(most)}, where it was {_nats(beside['before'])}."
    ]


def layer_means(report: Mapping[str, Any]) -> list[dict[str, float | None]]:
    """Return each of LAYER_FIGURES, layer by layer, as means over the facts, nats a token."""
    rows = list(report["rows"].values())
    if not rows:
        return []
    by_row = {name: [np.array(row[name], dtype=np.float64) for row in rows] for name in DROPS}
    for name in LENSES:
        by_row[name] = [np.array(row["lens"][name], dtype=np.float64).mean(axis=1) for row in rows]
    means = {name: known(np.mean(by_row[name], axis=0)) for name in LAYER_FIGURES}
    return [dict(zip(means, line, strict=True)) for line in zip(*means.values(), strict=True)]


def fact_words(row: Mapping[str, Any]) -> str:
    """Return the fact of a row as it stands in the answer."""
    return "".join(row["tokens"]).strip()


def _facts(count: int) -> str:
    return "1 fact" if count == 1 else f"{count} facts"


def _nats(value: float | None) -> str:
    return "not measured" if value is None else signed(value)
