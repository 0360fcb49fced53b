"""Starting a pass above the lower layers, on the tiny model."""

import pytest
import torch

from tests.tiny_rows import tiny
from tokenunlearn.models.layers import can_be_cut, from_layer, layer_count, layer_list, rising
from tokenunlearn.training.session import first_layer

PLACES = {"attention_mask": torch.ones(1, 5, dtype=torch.long), "position_ids": torch.arange(5)[None]}


def test_a_pass_from_the_middle_is_the_whole_pass(tiny_folder) -> None:
    causal = tiny(tiny_folder).model
    ids = torch.tensor([[4, 9, 7, 5, 30]])
    with torch.no_grad():
        whole = causal.model(input_ids=ids, output_hidden_states=True, **PLACES)
        entering = rising(causal, ids, **PLACES, first=1)
        with from_layer(causal, 1):
            upper = causal.model(inputs_embeds=entering, **PLACES).last_hidden_state
    assert torch.equal(entering, whole.hidden_states[1])
    assert torch.equal(upper, whole.last_hidden_state)
    assert layer_count(causal) == 2 and type(causal.model.norm).__name__ == "LlamaRMSNorm"


def test_the_layers_come_back_after_an_error(tiny_folder) -> None:
    causal = tiny(tiny_folder).model
    with pytest.raises(RuntimeError, match="inside"), from_layer(causal, 1):
        assert layer_count(causal) == 1
        raise RuntimeError("inside")
    assert layer_count(causal) == 2


def test_what_cannot_be_cut_is_told(tiny_folder) -> None:
    causal = tiny(tiny_folder).model
    assert can_be_cut(causal, 1)
    assert not can_be_cut(causal, 0) and not can_be_cut(causal, 2)
    causal.config.layer_types = ["full_attention", "sliding_attention"]
    assert not can_be_cut(causal, 1)


@pytest.mark.parametrize(("share", "first"), [(1.0, 0), (0.5, 1), (0.33, 1), (0.01, 1)])
def test_the_upper_share_of_the_layers(tiny_folder, share: float, first: int) -> None:
    assert first_layer(tiny(tiny_folder).model, share) == first


def test_the_layers_are_found_under_any_name() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel, MptConfig, MptForCausalLM

    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=8, n_head=2, n_layer=3, n_positions=16))
    mpt = MptForCausalLM(MptConfig(vocab_size=20, d_model=8, n_heads=2, n_layers=2, max_seq_len=16))
    names = [found[0] for found in map(layer_list, (gpt2, mpt)) if found]
    assert names == ["transformer.h", "transformer.blocks"]
    assert (layer_count(gpt2), layer_count(mpt)) == (3, 2) and first_layer(gpt2, 0.33) == 2
    assert not can_be_cut(gpt2, 1)  # its layers are counted, but a pass cannot begin among them
