"""How deep each fact was erased, and what every layer still says of it: UDS and the logit lens.

1. The fact's tokens of each forget row with gold; their places are the positions that predict them. 2. The
states at the places after each layer: of the full model (before unlearning), the unlearned one, and a source
that never saw the fact. 3. The full model with one layer's states replaced, by the source's and by the
unlearned one's: the drops. 4. The score of the row (metrics/depth.py), and the lens of all three through the
full model's last norm and head.

The source is a stand-in: the full model with its adapter off. It never saw the fact, and it never saw the
style of the rows either, which makes its drops larger than those of a model taught the retain rows.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError
from tokenunlearn.metrics.depth import unlearning_depth
from tokenunlearn.models.forward import without_adapter
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.models.patching import lens_log_probs, patched_log_probs, placed_states
from tokenunlearn.text.encoding import Encoding, encode
from tokenunlearn.text.spans import tokens_in
from tokenunlearn.training.events import Measured, MeasuredPart, Measuring

SOURCE: Final = "adapter off"
LENSES: Final = ("before", "after", "off")
DROPS: Final = ("reference_drops", "unlearned_drops")


def depth_report(full: LoadedModel, unlearned: LoadedModel, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the depth of each row with gold: the report of `depth_view`."""
    *_, done = depth_view(full, unlearned, rows)
    assert isinstance(done, Measured)
    return dict(done.report)


def depth_view(full: LoadedModel, unlearned: LoadedModel, rows: Sequence[Row]) -> Measuring:
    """Yield a part for each row with gold, then the report.

    The report: `uds` (mean over the rows that have one, None without), `source`, and `rows`: by row id `uds`,
    `question`, `tokens` (their texts), `starts` and `ends` (their characters), `reference_drops` and
    `unlearned_drops` [layers], nats a token, and `lens`: `before`, `after`, `off` [layers][tokens], log-probs
    in nats. None: not a finite number. Raises InputError where the two are not of one base or the full one
    has no adapter, ModelError for layers that cannot be patched.
    """
    _check(full, unlearned)
    asked = list(facts(full, rows))
    found = {}
    for number, (row, tokens) in enumerate(asked, 1):
        found[row.id] = of_row(full, unlearned, row, tokens)
        yield MeasuredPart(number, len(asked))
    scores = [each["uds"] for each in found.values() if each["uds"] is not None]
    uds = float(np.mean(scores)) if scores else None
    yield Measured({"uds": uds, "source": SOURCE, "rows": found})


def facts(model: LoadedModel, rows: Sequence[Row]) -> Iterator[tuple[Row, list[int]]]:
    """Yield each row whose fact is marked, with the numbers of the fact's tokens in the answer."""
    for row in rows:
        offsets = list(encode(model.tokenizer, row.question, row.answer).answer_offsets)
        tokens = np.flatnonzero(tokens_in(row.answer, offsets, row.gold)).tolist() if row.gold else []
        if tokens:
            yield row, tokens


def of_row(full: LoadedModel, unlearned: LoadedModel, row: Row, tokens: Sequence[int]) -> dict[str, Any]:
    """Return what `depth_view` says of one row."""
    encoding = encode(full.tokenizer, row.question, row.answer)
    before = placed_states(full, encoding, tokens)
    after = placed_states(unlearned, encoding, tokens)
    with without_adapter(full.model):
        off = placed_states(full, encoding, tokens)
    ids = [encoding.answer_ids[token] for token in tokens]
    lenses = [lens_log_probs(full, ids, states).double().numpy() for states in (before, after, off)]
    whole = lenses[0][-1].mean()  # after the last layer the lens is what the full model says
    drops = [whole - _patched(full, encoding, tokens, states) for states in (off, after)]
    score = unlearning_depth(*drops)
    return {
        "uds": score if math.isfinite(score) else None,
        "question": row.question,
        "tokens": [row.answer[slice(*encoding.answer_offsets[token])] for token in tokens],
        "starts": [encoding.answer_offsets[token][0] for token in tokens],
        "ends": [encoding.answer_offsets[token][1] for token in tokens],
        **{name: known(values) for name, values in zip(DROPS, drops, strict=True)},
        "lens": {name: known(lens) for name, lens in zip(LENSES, lenses, strict=True)},
    }


def known(values: NDArray[np.float64]) -> Any:
    """Return the numbers as nested lists, None for those that are not finite."""
    return np.where(np.isfinite(values), values, np.array(None)).tolist()


def _patched(
    full: LoadedModel, encoding: Encoding, tokens: Sequence[int], states: Any
) -> NDArray[np.float64]:
    """Return the fact's mean log-prob when one layer is patched, [layers], nats a token."""
    log_probs = patched_log_probs(full, encoding, tokens, states)
    return np.asarray(log_probs.double().mean(-1).numpy())


def _check(full: LoadedModel, unlearned: LoadedModel) -> None:
    if full.adapter is None:
        raise InputError(
            "There is no adapter to switch off",
            "The model without it stands for one that never saw the fact",
            "Name the adapter of the model before unlearning",
        )
    if full.base_id() != unlearned.base_id():
        raise InputError(
            "The two models have different bases",
            "States of one mean nothing in the other",
            "Name two adapters of one model",
        )
