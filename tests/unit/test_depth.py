"""UDS by hand, and patching and lens on the tiny model against slow loops with plain transformers hooks."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_folder import make_tiny_adapter, make_tiny_folder
from tests.tiny_rows import ROWS, tiny
from tokenunlearn.errors import InputError
from tokenunlearn.metrics.depth import unlearning_depth
from tokenunlearn.models.forward import causal_model
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.depth import depth_report
from tokenunlearn.text.encoding import encode

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("reference", "unlearned", "score"),
    [
        # Layer 0 makes no difference; 1: half erased; 2: more than the reference counts as whole.
        ([0.0, 1.0, 3.0], [0.0, 0.5, 4.0], (0.5 + 3) / 4),
        ([2.0, 2.0], [0.0, 0.0], 0.0),
        ([2.0, 2.0], [2.0, 2.0], 1.0),
        # A layer that makes the fact likelier than before has erased nothing, and takes nothing away.
        ([2.0, 2.0], [-1.0, 2.0], 0.5),
        # The threshold is .05, not less: a drop of just that is none.
        ([0.05, 1.0], [0.0, 1.0], 1.0),
        ([-3.0, 1.0], [9.0, 0.25], 0.25),
    ],
)
def test_the_score_by_hand(reference: list[float], unlearned: list[float], score: float) -> None:
    assert unlearning_depth(reference, unlearned) == pytest.approx(score)


def test_a_row_whose_fact_no_layer_holds_is_not_measured() -> None:
    assert math.isnan(unlearning_depth([0.0, 0.04], [1.0, 1.0])) and math.isnan(unlearning_depth([], []))


Pair = tuple[LoadedModel, LoadedModel]


@pytest.fixture(scope="module")
def models(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The full model and the unlearned one: two adapters on the tiny base."""
    folder = tmp_path_factory.mktemp("adapters")
    adapters = [make_tiny_adapter(tiny_folder, folder / str(seed), seed) for seed in (1, 2)]
    full, unlearned = (tiny(tiny_folder, adapter, loud=True) for adapter in adapters)
    return full, unlearned


def hidden(model: Any, ids: torch.Tensor, places: list[int]) -> list[torch.Tensor]:
    """The states after each layer before the last norm, by one hook a layer."""
    found: list[torch.Tensor] = []
    layers = model.get_base_model().model.layers
    hooks = [
        layer.register_forward_hook(lambda _, __, output: found.append(output[0, places].clone()))
        for layer in layers
    ]
    model(ids)
    for hook in hooks:
        hook.remove()
    return found


def said(model: Any, ids: torch.Tensor, places: list[int], layer: int, states: torch.Tensor) -> torch.Tensor:
    """The log-probs of the tokens after these places, one layer's output replaced, in a pass of its own."""

    def put(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        changed = output.clone()
        for place, state in zip(places, states, strict=True):
            changed[0, place] = state
        return changed

    hook = model.get_base_model().model.layers[layer].register_forward_hook(put)
    logits = model(ids).logits[0]
    hook.remove()
    return torch.stack([logits[place].log_softmax(-1)[ids[0, place + 1]] for place in places])


@torch.no_grad()
def slowly(full: LoadedModel, unlearned: LoadedModel, row: Any) -> dict[str, Any]:
    """One row as the paper words it: a loop over layers, the fact's predicting positions found by hand."""
    encoding = encode(full.tokenizer, row.question, row.answer)
    # the tiny tokenizer has a token a character; the one before the fact predicts its first
    start, end = (encoding.prompt_length + at for at in row.gold[0])
    places, ids = list(range(start - 1, end - 1)), torch.tensor([encoding.ids])
    before, after = hidden(full.model, ids, places), hidden(unlearned.model, ids, places)
    with full.model.disable_adapter():
        off = hidden(full.model, ids, places)
    logits = full.model(ids).logits[0].log_softmax(-1)
    whole = torch.stack([logits[place, ids[0, place + 1]] for place in places]).mean().item()
    depth = range(len(before))
    reference = [whole - said(full.model, ids, places, at, off[at]).mean().item() for at in depth]
    erased = [whole - said(full.model, ids, places, at, after[at]).mean().item() for at in depth]
    held = [at for at in depth if reference[at] > 0.05]
    parts = [min(max(erased[at] / reference[at], 0), 1) * reference[at] for at in held]
    inner = full.model.get_base_model()
    lens = [
        [
            inner.lm_head(inner.model.norm(state)).log_softmax(-1)[ids[0, place + 1]].item()
            for place, state in zip(places, states, strict=True)
        ]
        for states in before
    ]
    return {
        "uds": sum(parts) / sum(reference[at] for at in held) if held else None,
        "reference_drops": reference,
        "unlearned_drops": erased,
        "lens": lens,
        "whole": whole,
    }


def test_patching_and_lens_are_those_of_a_slow_loop(models: Pair) -> None:
    report = depth_report(*models, ROWS[:4])
    assert report["source"] == "adapter off" and report["rows"].keys() == {row.id for row in ROWS[:4]}
    scores = []
    for row in ROWS[:4]:
        found, slow = report["rows"][row.id], slowly(*models, row)
        for name in ("reference_drops", "unlearned_drops"):
            assert found[name] == pytest.approx(slow[name], abs=1e-4), name
        assert found["uds"] == pytest.approx(slow["uds"], abs=1e-4)
        np.testing.assert_allclose(found["lens"]["before"], slow["lens"], atol=1e-4)
        # the lens of the last layer is what the model says
        assert np.mean(found["lens"]["before"][-1]) == pytest.approx(slow["whole"], abs=1e-4)
        assert "".join(found["tokens"]) == row.answer[slice(*row.gold[0])]
        fact = row.answer[found["starts"][0] : found["ends"][-1]]
        assert fact == row.answer[slice(*row.gold[0])]
        scores.append(found["uds"])
    known = [score for score in scores if score is not None]
    assert known and report["uds"] == pytest.approx(np.mean(known))
    # the last layer is the end of the way: what it holds is what the output changes by
    one = report["rows"][ROWS[0].id]
    change = np.mean(one["lens"]["before"][-1]) - np.mean(one["lens"]["after"][-1])
    assert one["unlearned_drops"][-1] == pytest.approx(change, abs=1e-4)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_what_was_not_unlearned_has_depth_0_and_the_source_itself_1(models: Pair, tiny_folder: Path) -> None:
    full, _ = models
    assert depth_report(full, full, ROWS[:3])["uds"] == pytest.approx(0, abs=1e-5)
    never = depth_report(full, tiny(tiny_folder, loud=True), ROWS[:3])
    assert never["uds"] == pytest.approx(1, abs=1e-5)


def test_nothing_of_the_model_is_changed(models: Pair) -> None:
    full, unlearned = models
    pairs = [(row.question, row.answer) for row in ROWS[:2]]
    before = [tokens.log_probs for tokens in full.token_log_probs(pairs)]
    depth_report(full, unlearned, ROWS[:1])
    for was, tokens in zip(before, full.token_log_probs(pairs), strict=True):
        assert (was == tokens.log_probs).all()
    assert not any(module._forward_hooks for module in causal_model(full.model).modules())


def test_a_row_without_gold_takes_no_part(models: Pair) -> None:
    found = depth_report(*models, (replace(ROWS[0], gold=()),))
    assert found["rows"] == {} and found["uds"] is None


def test_models_that_cannot_be_held_against_each_other_are_refused(models: Pair, tmp_path: Path) -> None:
    full, unlearned = models
    other = tiny(make_tiny_folder(tmp_path / "other", seed=5))
    with pytest.raises(InputError, match="different bases"):
        depth_report(full, other, ROWS[:1])
    with pytest.raises(InputError, match="no adapter to switch off"):
        depth_report(other, unlearned, ROWS[:1])
