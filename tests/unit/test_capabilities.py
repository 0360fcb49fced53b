"""What is tried of a model before it is scored: packing, the head, and why some families are refused."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from tokenunlearn.errors import ModelError
from tokenunlearn.models.capabilities import Capabilities, additive, capabilities
from tokenunlearn.models.forward import run_pass
from tokenunlearn.text.encoding import Encoding

IDS = {"vocab_size": 60, "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 2}
OLD = {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 128}
WIDE = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 48}
NEW = WIDE | {"num_key_value_heads": 2}
FAMILIES = {
    # eager attention, which adds a mask up
    "gptj": ("GPTJ", OLD | {"rotary_dim": 8}, Capabilities(True, True)),
    "llama": ("Llama", NEW, Capabilities(True, True)),
    # calls its decoder's parts itself
    "opt": (
        "OPT",
        {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "ffn_dim": 48},
        Capabilities(True, True),
    ),
    # ALiBi by the place in the row, and a forward that takes no positions
    "mpt": (
        "Mpt",
        {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 128},
        Capabilities(False, True),
    ),
    # a window shorter than a pack, and capped logits
    "gemma2": ("Gemma2", NEW | {"head_dim": 8, "sliding_window": 16}, Capabilities(False, False)),
    # its padding, of which the vector is zero, is a token that a trial would begin with
    "lfm2": (
        "Lfm2",
        NEW | {"num_hidden_layers": 3, "layer_types": ["conv", "full_attention", "conv"], "pad_token_id": 3},
        Capabilities(False, True),
    ),
    # layers that are no attention
    "qwen3_next": (
        "Qwen3Next",
        NEW
        | {"head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
        | {"layer_types": ["linear_attention", "full_attention"], "shared_expert_intermediate_size": 16}
        | {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
        | {"linear_key_head_dim": 8, "linear_value_head_dim": 8},
        Capabilities(False, True),
    ),
    # a transform between decoder and head
    "bert": ("Bert", WIDE | {"is_decoder": True}, Capabilities(True, False)),
}
REFUSED = {
    "bloom": ("Bloom", {"hidden_size": 32, "n_head": 4, "n_layer": 2}, "moves the tokens after it"),
    "bert as it is": ("Bert", WIDE, "not a causal model"),
    "roberta": ("Roberta", WIDE | {"is_decoder": True}, "are others beside other rows"),
    "rwkv": ("Rwkv", {"hidden_size": 32, "num_hidden_layers": 2}, "hidden from its attention"),
}


def built(kind: str, settings: dict[str, Any]) -> Any:
    """A random model whose weights are large enough that what is wrong shows."""
    torch.manual_seed(1)
    config = getattr(transformers, f"{kind}Config")(**IDS | settings)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)
    return model


def encodings() -> list[Encoding]:
    """Rows that begin alike, of several lengths, one longer than a window of 16."""
    rows = []
    for length, answer in ((12, 4), (14, 6), (30, 9), (12, 5)):
        ids = tuple(int(i) for i in (np.arange(length) * (7 if len(rows) % 2 else 11) + 3) % 57 + 3)
        ids = (5, 9, 30, 17, *ids[4:])
        rows.append(Encoding(ids, length - answer - 1, 1, (), tuple((n, n + 1) for n in range(answer))))
    return rows


def plain(model: Any, encoding: Encoding) -> np.ndarray:
    """What transformers alone says: log-probs of the answer tokens."""
    with torch.no_grad():
        log_probs = model(torch.tensor([encoding.ids])).logits[0].double().log_softmax(-1)
    picked = log_probs[encoding.predicting[:-1], list(encoding.answer_ids)]
    return picked.numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_together_have_the_scores_that_transformers_gives_each_alone(name: str) -> None:
    kind, settings, expected = FAMILIES[name]
    model = built(kind, settings)
    assert capabilities(model) == expected
    together = run_pass(model, encodings(), pad_id=2)
    for encoding, scores in zip(encodings(), together, strict=True):
        np.testing.assert_allclose(scores.log_probs, plain(model, encoding), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", REFUSED)
def test_a_family_whose_rows_have_no_scores_of_their_own_is_refused(name: str) -> None:
    kind, settings, words = REFUSED[name]
    with pytest.raises(ModelError, match=words) as caught:
        capabilities(built(kind, settings))
    assert "Choose a decoder model with attention" in str(caught.value)


def test_a_model_of_nan_is_told_as_such() -> None:
    model = built("Llama", NEW)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="gives no numbers"):
        capabilities(model)


def test_it_is_tried_once_and_leaves_the_model_as_it_was() -> None:
    model = built("Llama", NEW).train()
    calls = []
    hook = model.model.register_forward_hook(lambda *_: calls.append(1))
    first = capabilities(model)
    count = len(calls)
    assert capabilities(model) is first and len(calls) == count > 0 and model.training
    hook.remove()
    assert not model.model._forward_hooks


def test_a_mask_of_pairs_is_added_as_numbers() -> None:
    pairs = torch.tensor([[[[True, False]]]])
    assert additive(pairs, torch.bfloat16).tolist() == [[[[0.0, torch.finfo(torch.bfloat16).min]]]]
    tokens = torch.tensor([[1, 0]])
    assert additive(tokens, torch.float32) is tokens
