"""Signals that need more than the answers' pass: gradients and rows to keep, a temperature, another model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax

from tests.tiny_folder import make_tiny_adapter, make_tiny_folder
from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.errors import InputError
from tokenunlearn.models.forward import run_pass
from tokenunlearn.passes import Beside, lacking, spread
from tokenunlearn.scoring import ScoreConfig, new_scores, score
from tokenunlearn.signals import SIGNALS
from tokenunlearn.signals.entropy import entropy_weights
from tokenunlearn.signals.reference import selective
from tokenunlearn.table import read_table
from tokenunlearn.text.encoding import encode

pytestmark = pytest.mark.slow

G_EFFECT = ScoreConfig(signals=("g_effect",), signal_settings={"g_effect": {"layer_share": 0.5}})


@pytest.fixture(scope="module")
def loaded(tiny_folder: Path):
    return tiny(tiny_folder)


@pytest.fixture(scope="module")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_adapter(tiny_folder, tmp_path_factory.mktemp("needs") / "adapter")


def naive_products(loaded, rows) -> np.ndarray:
    """⟨∇ mean loss of RETAIN, ∇lp⟩ by one backward pass a token and one a row, on the second layer."""
    names = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    upper = loaded.model.model.layers[1]
    weights = [module.weight for name, module in upper.named_modules() if name.split(".")[-1] in names]
    assert len(weights) == 7

    def log_probs(row, ends: bool) -> list[torch.Tensor]:
        encoding = encode(loaded.tokenizer, row.question, row.answer)
        logits = loaded.model(input_ids=torch.tensor([encoding.ids])).logits[0]
        last = len(encoding.ids) - (0 if ends else encoding.end_length)
        places = range(encoding.prompt_length, last)
        return [log_softmax(logits[at - 1], -1)[encoding.ids[at]] for at in places]

    def gradient(value: torch.Tensor) -> torch.Tensor:
        found = torch.autograd.grad(value, weights, retain_graph=True)
        return torch.cat([each.flatten() for each in found])

    kept = [lp for row in RETAIN for lp in log_probs(row, ends=True)]
    direction = gradient(-sum(kept) / len(kept))
    return np.array([float(direction @ gradient(lp)) for row in rows for lp in log_probs(row, ends=False)])


def test_the_g_effect_is_the_product_of_single_gradients(loaded) -> None:
    found = score(loaded, ROWS[:3], G_EFFECT, Beside(RETAIN)).g_effect
    expected = naive_products(loaded, ROWS[:3])
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)
    assert (expected > 0).any() and (expected < 0).any()


def test_lowering_a_token_moves_the_loss_on_the_rows_to_keep_by_the_g_effect(loaded) -> None:
    """One small step of gradient ascent on a token's loss, on the very weights: ΔL = −step · G-effect."""
    row, step = ROWS[0], 1e-3
    expected = score(loaded, [row], G_EFFECT, Beside(RETAIN)).g_effect.to_numpy()
    at = int(np.abs(expected).argmax())
    model = tiny(Path(loaded.source))
    encoding = encode(model.tokenizer, row.question, row.answer)
    kept = [encode(model.tokenizer, each.question, each.answer) for each in RETAIN]

    def loss() -> float:
        scores = run_pass(model.model, kept, model.pad_id, include_end=True)
        return -float(np.concatenate([each.log_probs for each in scores]).mean())

    before = loss()
    logits = model.model(input_ids=torch.tensor([encoding.ids])).logits[0]
    place = encoding.prompt_length + at
    lp = log_softmax(logits[place - 1], -1)[encoding.ids[place]]
    weights = [each for each in model.model.model.layers[1].parameters() if each.ndim == 2]
    with torch.no_grad():
        for weight, gradient in zip(weights, torch.autograd.grad(lp, weights), strict=True):
            weight -= step * gradient
    assert loss() - before == pytest.approx(-step * expected[at], rel=0.1)


def test_gradients_leave_the_model_as_it_was_and_its_adapter_out(tiny_folder: Path, adapter: Path) -> None:
    model = tiny(tiny_folder, adapter)
    model.model.train()
    flags = [each.requires_grad for each in model.model.parameters()]
    state = {name: value.clone() for name, value in model.model.state_dict().items()}
    beside = Beside(RETAIN)
    found = score(model, ROWS[:3], G_EFFECT, beside).g_effect
    assert model.model.training and [each.requires_grad for each in model.model.parameters()] == flags
    assert all(each.grad is None for each in model.model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.model.state_dict().items())
    # the adapter's own matrices are no weights of the model: merged into them, the numbers are the same
    merged = replace(model, model=tiny(tiny_folder, adapter).model.merge_and_unload())
    np.testing.assert_allclose(
        score(merged, ROWS[:3], G_EFFECT, Beside(RETAIN)).g_effect, found, rtol=1e-3, atol=1e-6
    )
    # asked again beside the same rows, the gradient of the rows to keep is not taken anew
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tokenunlearn.passes.loss_gradient", None)
        np.testing.assert_array_equal(score(model, ROWS[:3], G_EFFECT, beside).g_effect, found)


def test_a_weight_that_no_token_reaches_has_no_part_in_the_product(loaded) -> None:
    """An expert that no token of a batch is sent to has no gradient, and counts as 0."""
    expected = score(loaded, ROWS[:2], G_EFFECT, Beside(RETAIN)).g_effect
    model = tiny(Path(loaded.source))
    model.model.model.layers[1].unused = torch.nn.Linear(3, 3)
    np.testing.assert_array_equal(score(model, ROWS[:2], G_EFFECT, Beside(RETAIN)).g_effect, expected)


def test_a_model_without_a_list_of_layers_lacks_the_gradient(tiny_folder: Path) -> None:
    model, beside = tiny(tiny_folder), Beside(RETAIN)
    assert lacking(["g_effect:0.33:32"], model, beside) == []
    model.model.config.num_hidden_layers = 7  # no list of modules is as long
    assert lacking(["g_effect:0.33:32"], model, beside) == ["gradient"]
    with pytest.raises(InputError, match="It needs a list of decoder layers to take gradients of"):
        score(model, ROWS[:1], G_EFFECT, beside)


def test_rows_to_keep_are_spread_and_belong_to_the_id(loaded) -> None:
    assert spread("abcdefg", 3) == ["a", "c", "e"] and spread("ab", 9) == ["a", "b"]
    ids = {
        new_scores(loaded, ROWS[:1], G_EFFECT, beside=Beside(kept)).scores_id for kept in (RETAIN, RETAIN[:2])
    }
    assert len(ids) == 2
    config = ScoreConfig(signals=("loss",))
    assert "fits" not in new_scores(loaded, ROWS[:1], config, beside=Beside(RETAIN)).provenance


def test_entropy_weights_by_hand() -> None:
    # 4 · H / 10
    np.testing.assert_allclose(entropy_weights(np.array([1.0, 2.0, 3.0, 4.0])), [0.4, 0.8, 1.2, 1.6])
    assert np.isnan(entropy_weights(np.zeros(3))).all()
    assert "the mean is 0" in SIGNALS["etw"].without.other


def test_entropy_weights_are_taken_at_their_temperature(loaded) -> None:
    row = ROWS[0]
    encoding = encode(loaded.tokenizer, row.question, row.answer)
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([encoding.ids])).logits[0].double()
    places = torch.arange(encoding.prompt_length - 1, encoding.prompt_length - 1 + encoding.answer_length)
    for temperature in (1.0, 0.25):
        chances = (logits[places] / temperature).softmax(-1)
        entropies = -(chances * chances.log()).sum(-1).numpy()
        config = ScoreConfig(signals=("etw",), signal_settings={"etw": {"temperature": temperature}})
        found = score(loaded, [row], config).etw
        np.testing.assert_allclose(found, len(entropies) * entropies / entropies.sum(), rtol=1e-4)
        assert found.sum() == pytest.approx(len(entropies))


def test_the_choice_of_su_by_hand() -> None:
    distance = np.array([0.0, 0.0, 0.0, 0.6, 0.0, 0.0, 0.0, 0.2, 0.0])
    # mean .089: the fourth and the eighth are above; each reaches two to either side, the larger one wins
    np.testing.assert_allclose(selective(distance, 0.0, 2), [0, 0.6, 0.6, 0.6, 0.6, 0.6, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(selective(distance, 0.0, 0), distance)
    # standard deviation .191: mean + 1 is .280
    np.testing.assert_allclose(selective(distance, 1.0, 1), [0, 0, 0.6, 0.6, 0.6, 0, 0, 0, 0])
    # nothing lies above the mean of equals
    np.testing.assert_array_equal(selective(np.full(3, 0.5), 0.0, 2), 0)


def test_su_compares_probabilities_with_the_adapter_off_or_another_model(
    tiny_folder: Path, adapter: Path
) -> None:
    taught, base = tiny(tiny_folder, adapter), tiny(tiny_folder)
    rows = ROWS[:3]
    off = score(taught, rows, ScoreConfig(signals=("su", "log_prob", "contrast")))
    p = np.exp(off.log_prob)
    distance = np.abs(p - np.exp(off.log_prob - off.contrast))
    expected = [selective(each.to_numpy(), 0.0, 2) for _, each in distance.groupby(off.row_id, sort=False)]
    np.testing.assert_allclose(off.su, np.concatenate(expected))
    assert 0 < (off.su > 0).mean() < 1
    named = ScoreConfig(signals=("su",), signal_settings={"su": {"reference": "plain"}})
    beside = Beside(others={"plain": base})
    np.testing.assert_allclose(score(taught, rows, named, beside).su, off.su, atol=1e-6)
    # the other model belongs to the id
    ids = {
        new_scores(taught, rows, named, beside=Beside(others={"plain": each})).scores_id
        for each in (base, taught)
    }
    assert len(ids) == 2


def test_what_is_lacking_is_told_and_never_0(tiny_folder: Path, loaded, capsys, tmp_path: Path) -> None:
    asked = ScoreConfig(signals=("su", "contrast", "entropy_base", "loss"))
    table = score(loaded, ROWS[:2], asked)
    assert table[["su", "contrast", "entropy_base"]].isna().all(axis=None) and table.loss.notna().all()
    assert lacking(["g_effect:0.33:32", "other:small", "base"], loaded) == [
        "adapter",
        "other:small",
        "retain",
    ]
    with pytest.raises(InputError, match="needs rows to keep. Mark rows with split retain, or give --retain"):
        score(loaded, ROWS[:2], G_EFFECT)
    rows = str(write_rows(tmp_path / "rows.jsonl", ROWS))
    model = ["--model", str(tiny_folder), "--precision", "fp32"]
    refused = ["score", rows, *model, "--out", str(tmp_path / "out.parquet")]
    assert main([*refused, "--signals", "g_effect"]) == 2
    said = capsys.readouterr().err
    assert "The signal g_effect cannot be measured. It needs rows to keep" in said
    assert main([*refused, "--signals", "su", "--set", "su.reference=small"]) == 2
    assert "It needs another model beside this one, small. Give it with --beside" in capsys.readouterr().err
    assert main([*refused, "--beside", "no"]) == 2
    assert "beside is 'no'. It must be NAME=MODEL" in capsys.readouterr().err
    assert main([*refused, "--report"]) == 0
    told = capsys.readouterr()
    assert "not measured, without an adapter to switch off: entropy_base, contrast, su" in told.err
    assert "Contrast" not in told.out and "Entropy weight" in told.out


def test_the_command_line_hands_on_rows_to_keep_and_other_models(
    tiny_folder: Path, adapter: Path, loaded, tmp_path: Path
) -> None:
    rows = str(write_rows(tmp_path / "rows.jsonl", ROWS[:3], RETAIN[:2]))
    more = str(write_rows(tmp_path / "more.jsonl", (), RETAIN[2:]))
    out = tmp_path / "out.parquet"
    done = main(
        ["score", rows, "--retain-rows", more, "--model", str(tiny_folder), "--precision", "fp32"]
        + ["--beside", f"taught={adapter}", "--signals", "g_effect,su", "--out", str(out)]
        + ["--set", "g_effect.layer_share=0.5", "--set", "su.reference=taught"]
    )
    table = read_table(out)
    assert done == 0
    expected = score(loaded, ROWS[:3], G_EFFECT, Beside(RETAIN)).g_effect
    np.testing.assert_allclose(table.g_effect, expected, rtol=1e-4, atol=1e-7)
    assert 0 < (table.su > 0).mean() < 1


def test_a_model_of_other_tokens_cannot_stand_beside(loaded, tmp_path: Path) -> None:
    other = tiny(make_tiny_folder(tmp_path / "other"))
    other.tokenizer.add_tokens(["born"])
    named = ScoreConfig(signals=("su",), signal_settings={"su": {"reference": "other"}})
    with pytest.raises(
        InputError, match="The model other cannot be compared with this one. It cuts the answer"
    ):
        score(loaded, ROWS[:1], named, Beside(others={"other": other}))
