"""Signals read off gradients: what forgetting a token would do to other rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from tokenunlearn.settings import check, setting
from tokenunlearn.signals.entry import Levels, RowView, Signal, Without


@dataclass(frozen=True)
class GradientSettings:
    """On which weights gradients are taken, and how many rows to keep are asked."""

    layer_share: float = setting(
        0.33, low=0.01, high=1, step=0.01, help="Share of the layers, from the top, whose weights count"
    )
    retain_rows: int = setting(
        32, low=1, high=4096, step=1, unit="rows", help="Rows to keep, spread evenly, whose loss is taken"
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


def _pass(settings: GradientSettings) -> str:
    return f"g_effect:{settings.layer_share:g}:{settings.retain_rows}"


def _g_effect(row: RowView, settings: GradientSettings) -> np.ndarray:
    return row.of(_pass(settings))["products"]


ENTRIES: Final[Mapping[str, Signal]] = {
    "g_effect": Signal(
        label="G-effect on the rows to keep",
        short="G-effect",
        function=_g_effect,
        family="gradient",
        source="G-effect 2502.19301; per token, and on which weights, is ours",
        help="The inner product of the token's gradient with that of the loss on the rows to keep",
        says=Levels(
            "Forgetting {token} alone would raise the loss on the rows to keep, to first order ({value}).",
            (
                (
                    0.0,
                    "Forgetting {token} alone would not raise the loss on the rows to keep, to first order "
                    "({value}).",
                ),
            ),
        ),
        passes_with=lambda settings: (_pass(settings),),
        settings=GradientSettings,
        unit="nats per unit of step",
        over_word="sum",
        masked="Not masked: gradients of the answer and of the rows to keep.",
        without=Without("{token} has no G-effect here."),
    ),
}
