"""States after some of the layers against plain transformers, on several families, and what a pass costs."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.architectures import ACCEPTED, build
from tests.tiny_rows import ROWS, tiny
from tokenunlearn.errors import ModelError
from tokenunlearn.models import hidden
from tokenunlearn.models.forward import causal_model
from tokenunlearn.models.hidden import depth, hidden_states
from tokenunlearn.models.layers import layer_list
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.text.encoding import Encoding, encode

pytestmark = pytest.mark.slow

# packed, alone, windowed, capped, without position ids, with convolutions and recurrences, other lists
FAMILIES = ("llama", "gpt2", "gemma2", "gemma3_text", "mpt", "opt", "qwen3_next", "lfm2", "gpt_neo", "xglm")


@pytest.fixture(scope="module")
def loaded(tiny_folder) -> LoadedModel:
    return tiny(tiny_folder)


def encodings(loaded: LoadedModel) -> list[Encoding]:
    """Rows of several lengths, three of which share a question."""
    pairs = [(row.question, row.answer) for row in ROWS[:3]]
    pairs += [(ROWS[0].question, answer) for answer in ("He was born in Bath.", "Pau.")]
    return [encode(loaded.tokenizer, question, answer) for question, answer in pairs]


def plain(loaded: LoadedModel, encoding: Encoding, layer: int) -> np.ndarray:
    """What transformers reports at the answer tokens of a row alone."""
    with torch.no_grad():
        output = causal_model(loaded.model)(torch.tensor([encoding.ids]), output_hidden_states=True)
    start = encoding.prompt_length
    return output.hidden_states[layer][0, start : start + encoding.answer_length].numpy()


def check(loaded: LoadedModel, layer: int) -> None:
    rows = encodings(loaded)
    for encoding, states in zip(rows, hidden_states(loaded, rows, layer), strict=True):
        assert states.dtype == np.float32 and states.shape[0] == encoding.answer_length
        np.testing.assert_allclose(states, plain(loaded, encoding, layer), rtol=0, atol=1e-4)
        (alone,) = hidden_states(loaded, [encoding], layer)
        np.testing.assert_allclose(states, alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_states_are_those_that_transformers_reports(family: str, tiny_folder, tmp_path) -> None:
    build(family, ACCEPTED[family], tmp_path / family, tiny_folder)
    loaded = load_model(str(tmp_path / family), precision="fp32")
    check(loaded, 1)
    assert hidden._stopping[causal_model(loaded.model)]


def test_a_model_that_cannot_be_left_runs_whole(loaded, monkeypatch) -> None:
    monkeypatch.setattr(hidden, "layer_list", lambda _: None)
    monkeypatch.setattr(hidden, "_stopping", {})
    check(loaded, 1)
    check(loaded, 2)
    assert not hidden._stopping[loaded.model]


def test_the_last_layer_gives_its_state_before_the_norm(loaded) -> None:
    kept: list[Any] = []
    hook = loaded.model.model.norm.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
    (encoding, *_) = encodings(loaded)
    plain(loaded, encoding, 2)
    hook.remove()
    (states,) = hidden_states(loaded, [encoding], 2)
    start = encoding.prompt_length
    expected = kept[0][0, start : start + encoding.answer_length].numpy()
    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-5)


def test_only_the_lower_layers_run_and_the_head_never(loaded) -> None:
    rows = encodings(loaded)
    hidden_states(loaded, rows[:1], 1)  # what the model can do is tried before anything is counted
    causal, runs = loaded.model, {"first": 0, "second": 0, "head": 0}
    found = layer_list(causal)
    assert found is not None
    parts = {"first": found[1][0], "second": found[1][1], "head": causal.lm_head}

    def counted(name: str) -> Any:
        return lambda *_: runs.update({name: runs[name] + 1})

    before = [len(layer._forward_hooks) for layer in found[1]]
    hooks = [part.register_forward_pre_hook(counted(name)) for name, part in parts.items()]
    hidden_states(loaded, rows, 1)
    assert runs == {"first": 1, "second": 0, "head": 0}
    hidden_states(loaded, rows, 2)
    assert runs == {"first": 2, "second": 1, "head": 0}
    for hook in hooks:
        hook.remove()
    assert [len(layer._forward_hooks) for layer in found[1]] == before


def test_the_mode_is_restored_and_no_rows_give_no_states(loaded) -> None:
    loaded.model.train()
    try:
        hidden_states(loaded, encodings(loaded), 1)
        assert loaded.model.training
    finally:
        loaded.model.eval()
    assert hidden_states(loaded, [], 1) == [] and depth(loaded) == 2


@pytest.mark.parametrize("layer", [0, 3])
def test_a_layer_that_is_not_there_is_told(loaded, layer: int) -> None:
    with pytest.raises(ModelError, match=f"no layer {layer}"):
        hidden_states(loaded, encodings(loaded), layer)


def test_a_model_that_reports_nothing_is_told(loaded, monkeypatch) -> None:
    monkeypatch.setattr(hidden, "layer_list", lambda _: None)
    monkeypatch.setattr(hidden, "_stopping", {})
    forward = loaded.model.forward
    monkeypatch.setattr(
        loaded.model, "forward", lambda **inputs: forward(**inputs | {"output_hidden_states": False})
    )
    with pytest.raises(ModelError, match="does not show its hidden states"):
        hidden_states(loaded, encodings(loaded), 1)
