"""The gradient view: how far the chosen tokens' gradients agree, and how far the others are orthogonal.

1. g_t = ∇lp_t on the B matrices of a fresh LoRA on the target, which is what a run's first step moves: A has
no gradient while B is 0. 2. Their inner products, layer by layer; those of all layers are the sum. 3. Signal
to noise of the chosen tokens, of controls with as many tokens in each row, of the unchosen, of all; a weight
scales its token's gradient. 4. Cosines to the forget direction: the sum of the chosen tokens' gradients in
the other rows, as one that a token is part of would be circular.

The theory is that of TokenUnlearn (2605.00364): leaving out tokens whose gradients are mainly orthogonal to
what unlearns raises the signal to noise. What is a fact, and whether a run forgets better, is not shown here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import Any, Final

import numpy as np
import pandas as pd
import torch

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import MaskError, ModelError
from tokenunlearn.experiments.arms import arm_weights
from tokenunlearn.masks import Mask, refuse_empty
from tokenunlearn.metrics.snr import (
    Flags,
    Gram,
    direction_cosines,
    jackknife_interval,
    pair_cosine,
    signal_to_noise,
    sum_cosine,
    two_sided,
)
from tokenunlearn.models.capabilities import evaluating
from tokenunlearn.models.gradients import lora_layers, token_gradients
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.settings import check, setting, to_dict
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import Measured, MeasuredPart, Measuring
from tokenunlearn.training.session import with_fresh_lora

CONTROLS: Final = ("random", "words")
ORTHOGONAL: Final = 0.1  # |cosine| below this: less than 1 % of the squared gradient lies along the direction
SHOWN: Final = 0.05  # the two-sided p-value up to which the rank among random draws is called shown
FEWEST_DRAWS: Final = round(2 / SHOWN) - 1  # with fewer even the lowest p, 2 / (1 + draws), is above


@dataclass(frozen=True)
class GradientsConfig:
    """Settings of the gradient view; the LoRA is that of a run with the same three settings."""

    layer_share: float = setting(
        0.33, low=0.01, high=1, step=0.01, unit="fraction", help="Share of the layers, from the top"
    )
    rank: int = setting(8, low=1, high=256, step=1, label="LoRA rank", help="Rank of the fresh LoRA")
    seed: int = setting(
        0, low=0, high=2**31 - 1, step=1, help="Seed of the LoRA's start, and the first of the draws"
    )
    draws: int = setting(
        199,
        low=20,
        high=10_000,
        step=1,
        unit="draws",
        help=f"Random choices of as many tokens in each row; {FEWEST_DRAWS} at least to show a difference",
    )
    memory: float = setting(
        2.0,
        low=0.001,
        high=1024,
        step=0.001,
        unit="GiB",
        help="Most that gradients and their products take at a time; with less, in more turns",
    )

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


def gradient_view(
    loaded: LoadedModel, rows: Sequence[Row], table: pd.DataFrame, chosen: Mask, settings: GradientsConfig
) -> Measuring:
    """Yield a part for each row and turn, then the report. `loaded` is used up; `table` is of `rows`.

    The report: `settings, rows, tokens, chosen` (counts), `hash` of the mask, `whole`, `layers`; both have
    `groups` (by name: signal, noise, ratio, low, high, across, tokens, why), `draws` (by control: ratios,
    reached, p), `share` of the squared gradients that the chosen tokens hold, `step_cosine` of their sum to
    that of all, `cosines` (chosen, unchosen: median, quartiles, median_size, orthogonal) and `pairs`.

    Raises MaskError for a mask without a token or of other text, ModelError for a model that cannot be
    trained and for too little memory.
    """
    refuse_empty(chosen)
    encodings = [encode(loaded.tokenizer, row.question, row.answer) for row in rows]
    _check_tokens(table, rows, encodings)
    config = TrainConfig(layer_share=settings.layer_share, rank=settings.rank, seed=settings.seed)
    model = with_fresh_lora(loaded, config)
    layers = lora_layers(model.model)
    turns = _turns(layers, len(table), settings.memory)
    measured = _figures_of(table, chosen, settings)
    whole, by_layer = np.zeros((len(table), len(table))), []
    steps = len(turns) * len(rows)
    for turn, numbers in enumerate(turns):
        tables: list[list[torch.Tensor]] = [[] for _ in numbers]
        for at, encoding in enumerate(encodings):
            with evaluating(model.model), torch.enable_grad():
                found = token_gradients(
                    model.model, encoding, model.pad_id, [layers[number] for number in numbers]
                )
            for into, values in zip(tables, found, strict=True):
                into.append(values)
            yield MeasuredPart(turn * len(rows) + at + 1, steps)
        for number in numbers:
            gram = _gram(torch.cat(tables.pop(0)))
            whole += gram
            by_layer.append({"layer": number, **measured(gram)})
    counts = {"rows": len(rows), "tokens": len(table), "chosen": int(chosen.selected.sum())}
    named = {"settings": to_dict(settings), "hash": chosen.hash}
    yield Measured({**named, **counts, "whole": measured(whole), "layers": by_layer})


def _turns(layers: Mapping[int, Sequence[Any]], tokens: int, memory: float) -> list[list[int]]:
    """Return the layers in groups whose gradients fit into `memory` GiB, beside three tables of products.

    Raises ModelError where those of one layer do not.
    """
    room, turns, used = memory * 2**30 - 24.0 * tokens**2, [list[int]()], 0.0
    for number, weights in layers.items():
        needed = 4.0 * tokens * sum(weight.numel() for weight in weights)
        if needed > room:
            raise ModelError(
                f"The gradients of one layer take {needed / 2**30:.2f} GiB",
                f"{max(0.0, room) / 2**30:.2f} of {memory:g} GiB are left for them, with {tokens:,} tokens",
                "Raise --memory, or lower --rank or the number of rows",
            )
        if used + needed > room:
            turns.append([])
            used = 0.0
        turns[-1].append(number)
        used += needed
    return turns


def _gram(gradients: torch.Tensor) -> Gram:
    """Return all inner products of float32 [tokens, weights]; sums of products in float64, by parts."""
    total = torch.zeros(len(gradients), len(gradients), dtype=torch.float64, device=gradients.device)
    for part in gradients.split(1 << 14, dim=1):
        wide = part.double()
        total += wide @ wide.T
    return np.asarray(total.cpu().numpy())


def _check_tokens(table: pd.DataFrame, rows: Sequence[Row], encodings: Sequence[Encoding]) -> None:
    """Raise MaskError where the table has other tokens than the rows, or in another order."""
    ids = [(row.id, token) for row, each in zip(rows, encodings, strict=True) for token in each.answer_ids]
    if ids != list(zip(table["row_id"].astype(str), table["token_id"].astype(int), strict=True)):
        raise MaskError(
            "The scores belong to other text",
            "Their tokens are not those of the rows, or stand in another order",
            "Score the rows again",
        )


def _figures_of(
    table: pd.DataFrame, chosen: Mask, settings: GradientsConfig
) -> Callable[[Gram], dict[str, Any]]:
    """Return the function from inner products of these tokens to their figures; the draws are the same."""
    rows = np.asarray(pd.factorize(table["row_id"])[0], dtype=np.int64)
    seeds = range(settings.seed, settings.seed + settings.draws)
    draws = {arm: [_flat(table, chosen, arm, seed) for seed in seeds] for arm in CONTROLS}
    return partial(_measured, rows=rows, groups=_groups(table, chosen), draws=draws)


def _groups(table: pd.DataFrame, chosen: Mask) -> dict[str, np.ndarray]:
    """Return the weights of each group of tokens that is measured, by its name, float64 [tokens]."""
    found = {
        "chosen": chosen.weights,
        "unchosen": (chosen.weights == 0).astype(np.float64),
        "all": np.ones(len(table)),
    }
    gold = (table["gold"].to_numpy(dtype=np.float64) == 1).astype(np.float64)
    return found | ({"gold": gold} if gold.any() else {})


def _flat(table: pd.DataFrame, chosen: Mask, arm: str, seed: int) -> np.ndarray:
    """Return an arm's weights in the table's order; rows lie together there."""
    return np.concatenate(list(arm_weights(table, chosen, arm, seed).values()))


def _measured(
    gram: Gram, rows: np.ndarray, groups: Mapping[str, np.ndarray], draws: Mapping[str, Sequence[np.ndarray]]
) -> dict[str, Any]:
    chosen = groups["chosen"]
    unchosen, found = groups["unchosen"] > 0, {each: _group(gram, rows, w) for each, w in groups.items()}
    ratio = found["chosen"]["ratio"]
    cosines, squares = direction_cosines(gram, rows, chosen), np.diag(gram)
    pairs = (
        ("chosen", chosen > 0, chosen > 0),
        ("both", chosen > 0, unchosen),
        ("unchosen",) + (unchosen,) * 2,
    )
    return {
        "groups": found,
        "draws": {arm: _draws(ratio, gram, rows, each) for arm, each in draws.items()},
        "share": _known(float(squares[chosen > 0].sum()) / float(squares.sum() or np.nan)),
        "step_cosine": _known(sum_cosine(gram, chosen, groups["all"])),
        "cosines": {"chosen": _cosines(cosines[chosen > 0]), "unchosen": _cosines(cosines[unchosen])},
        "pairs": {name: _known(pair_cosine(gram, rows, one, other)) for name, one, other in pairs},
    }


def _scaled(gram: Gram, weights: np.ndarray) -> tuple[Gram, np.ndarray]:
    """Return the inner products of the tokens with a weight, each scaled by its own, and which they are."""
    tokens = np.flatnonzero(weights)
    return gram[np.ix_(tokens, tokens)] * np.outer(weights[tokens], weights[tokens]), tokens


def _group(gram: Gram, rows: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    own, tokens = _scaled(gram, weights)
    of = rows[tokens]

    def ratio(part: Flags) -> float:
        return signal_to_noise(own[np.ix_(part, part)], of[part]).ratio

    found = signal_to_noise(own, of)
    low, high = jackknife_interval(ratio, of) if isfinite(found.ratio) else (float("nan"),) * 2
    figures = {"signal": found.signal, "noise": found.noise, "ratio": found.ratio, "across": found.across}
    figures |= {"low": low, "high": high}
    return {name: _known(value) for name, value in figures.items()} | {
        "tokens": found.tokens,
        "why": found.why,
    }


def _draws(ratio: float | None, gram: Gram, rows: np.ndarray, draws: Sequence[np.ndarray]) -> dict[str, Any]:
    """Return each draw's ratio, how many reach the chosen tokens', and the two-sided p-value of its rank."""
    found = []
    for weights in draws:
        own, tokens = _scaled(gram, weights)
        found.append(signal_to_noise(own, rows[tokens]).ratio)
    ratios, own_ratio = np.array(found), float("nan") if ratio is None else ratio
    return {
        "ratios": [_known(each) for each in found],
        "reached": int((ratios >= own_ratio).sum()),
        "p": _known(two_sided(own_ratio, ratios)),
    }


def _cosines(cosines: np.ndarray) -> dict[str, float | int | None]:
    """Return median and quartiles of cosines; `orthogonal`: the share of them below ORTHOGONAL in size."""
    known = cosines[np.isfinite(cosines)]
    if not known.size:
        return {"tokens": 0} | dict.fromkeys(("median", "lower", "upper", "median_size", "orthogonal"))
    lower, median, upper = (float(each) for each in np.quantile(known, (0.25, 0.5, 0.75)))
    sizes = np.abs(known)
    return {
        "tokens": int(known.size),
        "median": median,
        "lower": lower,
        "upper": upper,
        "median_size": float(np.median(sizes)),
        "orthogonal": float((sizes < ORTHOGONAL).mean()),
    }


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
