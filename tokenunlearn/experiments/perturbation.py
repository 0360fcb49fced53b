"""Deletion and insertion on the input side: what is left of a fact when context goes in the order of a score.

1. The fact: the row's gold tokens, teacher-forced; they are never removed. 2. What can be removed: the scored
answer tokens before the last of them, or the question's tokens. 3. Removed means hidden from attention, so
that no position shifts, or replaced by other tokens that the model might have written there. 4. The fact's
mean log-prob without the first k in the order of a score (deletion), and with these k alone (insertion), at
even steps; the area over each curve. Insertion is deletion in the reverse order, read from its end. 5. The
same in random orders, and in the order of what each token does alone, which is the score to beat.

A score says which tokens carry a fact, not on which tokens the fact rests: it need not pass this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final

import numpy as np
import pandas as pd

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.experiments.series import FUSED
from tokenunlearn.metrics.perturbation import area_over, falling, removal_counts
from tokenunlearn.metrics.statistics import bootstrap_interval, crossed_comparison, holm
from tokenunlearn.models.forward import run_told
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.models.resampling import drawn_instead
from tokenunlearn.settings import check, setting, to_dict
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.spans import tokens_in
from tokenunlearn.training.events import Measured, MeasuredPart, Measuring

SINGLE: Final = "single"
RANDOM: Final = "random"
OWN, PARAPHRASED = "own question", "paraphrased"
CURVES: Final = ("deletion", "insertion")
FEWEST: Final = 2  # tokens: one alone has no order

Gone = frozenset[int]  # which of the removable tokens are removed


@dataclass(frozen=True)
class PerturbConfig:
    """Settings of deletion and insertion."""

    over: str = setting(
        "answer",
        choices=("answer", "question"),
        help="What is removed: scored answer tokens before the fact ends, or the question's tokens",
    )
    removal: str = setting(
        "attention",
        choices=("attention", "resample"),
        help="Hide the tokens from attention, or put other tokens of the model's in their place",
    )
    signals: tuple[str, ...] = setting(
        ("knowledge_swap", "entropy"),
        choices=tuple(SIGNALS),
        help="Signals whose orders are tried beside that of the rule's fused score",
    )
    steps: int = setting(10, low=2, high=1000, step=1, unit="steps", help="Steps from none removed to all")
    draws: int = setting(5, low=5, high=1000, step=1, unit="orders", help="Random orders of each row")
    resamples: int = setting(
        3, low=1, high=100, step=1, unit="draws", help="Replacements that the mean is over, with resample"
    )
    paraphrases: int = setting(
        1, low=0, high=100, step=1, unit="questions", help="Paraphrased questions of each row"
    )
    seed: int = setting(0, low=0, high=2**31 - 1, step=1, help="Seed of random orders and replacements")

    def __post_init__(self) -> None:
        """Check the values."""
        check(self)


@dataclass(frozen=True)
class _Asked:
    """One row under one question: where its fact is, what can be removed, and the scores of that by order."""

    row: Row
    wording: str
    encoding: Encoding
    fact: Sequence[int]  # among the answer tokens
    positions: Sequence[int]  # in the ids
    scores: Mapping[str, np.ndarray]


def perturbation(
    loaded: LoadedModel, rows: Sequence[Row], scores: pd.DataFrame, settings: PerturbConfig
) -> Measuring:
    """Yield a part for each row and wording, then the report; the model stays as it was.

    `scores`: one line an answer token with `row_id` and a column for each order to try, in the rows' order;
    no such column where the question is removed, whose tokens have no score.
    The report: `settings`, `left_out` (row, and wording → why), `wordings` (by wording: `rows`, `tokens`,
    `passes`, `log_prob`, `orders`: by name and curve `area`, `low`, `high`, `mean` [steps + 1], `by_row`, and
    `above_random`, `above_reverse`; `random`: the same of random orders). Raises InputError where no row can
    be measured.
    """
    orders = [name for name in scores.columns if name != "row_id"]
    asked, left_out = _asked(loaded, rows, scores.groupby("row_id", sort=False), orders, settings)
    if not asked:
        reasons = "; ".join(sorted(set(left_out.values())))
        raise InputError("No row can be measured", reasons, "Mark the facts (gold), or see --over")
    found: dict[str, list[dict[str, Any]]] = {}
    for number, each in enumerate(asked):
        found.setdefault(each.wording, []).append(_measured(loaded, each, settings))
        yield MeasuredPart(number + 1, len(asked))
    wordings = {wording: _summary(_by_row(parts)) for wording, parts in found.items()}
    yield Measured({"settings": to_dict(settings), "left_out": left_out, "wordings": wordings})


def _asked(
    loaded: LoadedModel, rows: Sequence[Row], scores: Any, orders: Sequence[str], settings: PerturbConfig
) -> tuple[list[_Asked], dict[str, str]]:
    """Return what is measured, wording by wording, and why the other rows are not."""
    asked: list[_Asked] = []
    left_out: dict[str, str] = {}
    for row in rows:
        own = {name: scores.get_group(row.id)[name].to_numpy(dtype=np.float64) for name in orders}
        questions = [(OWN, row.question)]
        questions += [(PARAPHRASED, each) for each in row.paraphrased_question[: settings.paraphrases]]
        for wording, question in questions:
            each = _one(row, wording, encode(loaded.tokenizer, question, row.answer), own, settings)
            if isinstance(each, str):
                left_out[row.id if wording == OWN else f"{row.id}, {wording}"] = each
                if wording == OWN:
                    break
            else:
                asked.append(each)
    return asked, left_out


def _one(
    row: Row,
    wording: str,
    encoding: Encoding,
    scores: Mapping[str, np.ndarray],
    settings: PerturbConfig,
) -> _Asked | str:
    """Return a row under one question, or why it cannot be measured."""
    offsets = list(encoding.answer_offsets)
    fact = np.flatnonzero(tokens_in(row.answer, offsets, row.gold)).tolist() if row.gold else []
    if not fact:
        return "no marked fact"
    if settings.over == "question":
        places = range(encoding.question_start, encoding.question_start + len(encoding.question_offsets))
        return _Asked(row, wording, encoding, fact, places, {}) if len(places) >= FEWEST else "no question"
    scored = np.logical_and.reduce([np.isfinite(values) for values in scores.values()])
    if len(scored) != len(offsets):
        return "the answer has other tokens after this question"
    # A hidden token is still read at its own position: where that predicts the fact, it is not gone.
    read = {token - 1 for token in fact} if settings.removal == "attention" else set()
    tokens = [each for each in range(fact[-1]) if each not in {*fact, *read} and scored[each]]
    if len(tokens) < FEWEST:
        return "fewer than two scored tokens before the fact"
    own = {name: values[tokens] for name, values in scores.items()}
    return _Asked(row, wording, encoding, fact, [encoding.prompt_length + each for each in tokens], own)


def _measured(loaded: LoadedModel, asked: _Asked, settings: PerturbConfig) -> dict[str, Any]:
    """Return the curves of one row under one wording, and how many forward passes they took."""
    size = len(asked.positions)
    known: dict[Gone, float] = {}
    instead = _instead(loaded, asked, settings)

    def measure(wanted: Iterable[Gone]) -> None:
        new = [gone for gone in dict.fromkeys(wanted) if gone not in known]
        known.update(zip(new, _log_probs(loaded, asked, new, instead), strict=True))

    measure([frozenset(), *(frozenset({at}) for at in range(size))])
    whole = known[frozenset()]
    alone = np.array([whole - known[frozenset({at})] for at in range(size)])
    orders = {name: falling(values) for name, values in (*asked.scores.items(), (SINGLE, alone))}
    drawn = np.random.default_rng([settings.seed, *asked.row.id.encode()])
    for number in range(settings.draws):
        orders[f"{RANDOM} {number}"] = drawn.permutation(size)
    sets = {name: _sets(order, removal_counts(size, settings.steps)) for name, order in orders.items()}
    measure(gone for by_curve in sets.values() for curve in by_curve.values() for gone in curve)
    return {
        "row_id": asked.row.id,
        "tokens": size,
        "log_prob": whole,
        "passes": len(known) * (1 if instead is None else len(instead)),
        "curves": {
            name: {curve: [known[gone] for gone in gones] for curve, gones in by_curve.items()}
            for name, by_curve in sets.items()
        },
    }


def _sets(order: np.ndarray, counts: np.ndarray) -> dict[str, list[Gone]]:
    """Return what is gone at each step: the first k, and all but the first k."""
    places = order.tolist()
    return {
        "deletion": [frozenset(places[:count]) for count in counts],
        "insertion": [frozenset(places[count:]) for count in counts],
    }


def _instead(loaded: LoadedModel, asked: _Asked, settings: PerturbConfig) -> np.ndarray | None:
    """Return the ids that replace the removable tokens, [resamples, tokens]; None where they are hidden."""
    if settings.removal == "attention":
        return None
    never = {*loaded.stop_ids, *loaded.tokenizer.all_special_ids}
    return drawn_instead(
        loaded.model, asked.encoding, asked.positions, never, settings.resamples, settings.seed
    )


def _log_probs(
    loaded: LoadedModel, asked: _Asked, wanted: Sequence[Gone], instead: np.ndarray | None
) -> list[float]:
    """Return the fact's mean log-prob, nats a token, without each set of tokens."""
    encoding, places = asked.encoding, asked.positions
    fact = list(asked.fact)
    if instead is None:
        hidden = [[places[at] for at in sorted(gone)] for gone in wanted]
        told = run_told(loaded.model, [encoding] * len(wanted), loaded.pad_id, hidden=hidden)
        return [float(each.log_probs[fact].mean()) for each in told]
    rows = [_replaced(encoding, places, gone, ids) for gone in wanted for ids in instead]
    told = run_told(loaded.model, rows, loaded.pad_id)
    values = np.array([each.log_probs[fact].mean() for each in told]).reshape(len(wanted), len(instead))
    return [float(each) for each in values.mean(1)]


def _replaced(encoding: Encoding, places: Sequence[int], gone: Gone, ids: np.ndarray) -> Encoding:
    """Return the row with other ids in the places of what is gone."""
    changed = list(encoding.ids)
    for at in gone:
        changed[places[at]] = int(ids[at])
    return replace(encoding, ids=tuple(changed))


def _by_row(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one record a row: the mean over its paraphrases, curve by curve."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for part in parts:
        rows.setdefault(part["row_id"], []).append(part)
    return [
        {
            "row_id": name,
            "tokens": float(np.mean([each["tokens"] for each in own])),
            "log_prob": float(np.mean([each["log_prob"] for each in own])),
            "passes": sum(each["passes"] for each in own),
            "curves": {
                order: {
                    curve: np.mean([each["curves"][order][curve] for each in own], axis=0) for curve in CURVES
                }
                for order in own[0]["curves"]
            },
        }
        for name, own in rows.items()
    ]


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the figures over rows of one wording."""
    names = list(rows[0]["curves"])
    drawn = [name for name in names if name.startswith(f"{RANDOM} ")]
    # An order that is drawn at random is one as much when it is reversed: both count, in either direction.
    both = [
        [
            np.mean([row["curves"][name]["deletion"], row["curves"][name]["insertion"][::-1]], axis=0)
            for row in rows
        ]
        for name in drawn
    ]
    random = np.array(
        [
            [area_over(row["log_prob"], curve) for row, curve in zip(rows, curves, strict=True)]
            for curves in both
        ]
    )
    orders = {name: _order(rows, name, random) for name in names if name not in drawn}
    for curve in CURVES:
        beside = [each["above_random"][curve] for each in orders.values()]
        # One without spread was looked at as well: it counts, and has no p-value.
        adjusted = holm([1.0 if each["no_spread"] else _nan(each["p_value"]) for each in beside])
        for each, p_value in zip(beside, adjusted, strict=True):
            each["p_adjusted"] = None if each["no_spread"] else _known(float(p_value))
    return {
        "rows": len(rows),
        "tokens": float(np.mean([row["tokens"] for row in rows])),
        "passes": int(sum(row["passes"] for row in rows)),
        "log_prob": float(np.mean([row["log_prob"] for row in rows])),
        "row_ids": [row["row_id"] for row in rows],
        "orders": orders,
        RANDOM: _figures(random.mean(axis=0), np.mean(both, axis=(0, 1))),
    }


def _order(rows: Sequence[dict[str, Any]], name: str, random: np.ndarray) -> dict[str, Any]:
    """Return the figures of one order, and its differences to random ones and to its own reverse.

    `random`: the areas of random orders, [draws, rows].
    """
    found: dict[str, Any] = {"above_random": {}}
    areas = {}
    for curve in CURVES:
        curves = [row["curves"][name][curve] for row in rows]
        areas[curve] = np.array(
            [area_over(row["log_prob"], each) for row, each in zip(rows, curves, strict=True)]
        )
        found[curve] = _figures(areas[curve], np.mean(curves, axis=0))
        compared = crossed_comparison(np.broadcast_to(areas[curve], random.shape), random)
        found["above_random"][curve] = {
            **{key: _known(getattr(compared, key)) for key in ("mean", "low", "high", "p_value")},
            "no_spread": compared.spreadless,
        }
    found["above_reverse"] = _interval(areas["deletion"] - areas["insertion"])
    return found


def _figures(by_row: np.ndarray, mean: np.ndarray) -> dict[str, Any]:
    between = _interval(by_row)
    return {
        "area": between.pop("mean"),
        **between,
        "mean": [float(each) for each in mean],
        "by_row": [float(each) for each in by_row],
    }


def _interval(by_row: np.ndarray) -> dict[str, float | None]:
    low, high = bootstrap_interval(by_row)
    return {"mean": float(by_row.mean()), "low": _known(low), "high": _known(high)}


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value


def order_columns(table: pd.DataFrame, fused: np.ndarray, settings: PerturbConfig) -> pd.DataFrame:
    """Return the scores whose orders are tried, for `perturbation`: the rule's and the signals'.

    Raises SettingError for a signal that has no score in any row.
    """
    columns = pd.DataFrame({"row_id": table["row_id"].astype(str)})
    for name, values in ((FUSED, fused), *((each, table[each].to_numpy()) for each in settings.signals)):
        if not np.isfinite(values).any():
            raise SettingError(
                f"{name} has no score on these tokens",
                "There is no order to try",
                "Leave it out",
                "--signals",
            )
        columns[name] = values
    return columns
