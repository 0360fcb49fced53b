"""The exact sum of two LoRAs as one, in PEFT's own format."""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny_rows import tiny
from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapters import CONFIG, WEIGHTS, adapter_config, joined, lora_model, save_adapter

A, B = "m.q_proj.lora_A.weight", "m.q_proj.lora_B.weight"


def randomised(model, seed: int):
    """`model` with every LoRA weight drawn at random, so that the update is not zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


def test_the_join_by_hand() -> None:
    first = {A: torch.tensor([[1.0, 2.0]]), B: torch.tensor([[1.0], [0.0]])}
    second = {A: torch.tensor([[0.0, 1.0]]), B: torch.tensor([[1.0], [2.0]])}
    found = joined(first, 2.0, second, 0.5)
    assert found[A].tolist() == [[1, 2], [0, 1]] and found[B].tolist() == [[2, 0.5], [0, 1]]
    # 2·[[1, 2], [0, 0]] + ½·[[0, 1], [0, 2]]
    assert (found[B] @ found[A]).tolist() == [[2, 4.5], [0, 1]]


def test_a_module_of_one_alone_keeps_its_update() -> None:
    other = {name.replace("q_proj", "k_proj"): torch.ones(1, 1) for name in (A, B)}
    found = joined({A: torch.ones(1, 1), B: torch.ones(1, 1)}, 3.0, other, 1.0)
    assert float(found[B] @ found[A]) == 3 and len(found) == 4
    key = "m.k_proj.lora_{}.weight"
    assert float(found[key.format("B")] @ found[key.format("A")]) == 1


def test_unknown_weights_are_refused() -> None:
    first = {A: torch.ones(1, 1), B: torch.ones(1, 1), "m.bias": torch.ones(1)}
    with pytest.raises(ModelError, match="m.bias"):
        joined(first, 1.0, {A: torch.ones(1, 1), B: torch.ones(1, 1)}, 1.0)


def test_a_fresh_lora_changes_nothing_and_alone_trains(tiny_folder) -> None:
    ids = torch.tensor([[5, 6, 7]])
    base = tiny(tiny_folder).model
    with torch.no_grad():
        before = base(ids).logits
        model = lora_model(base, 2, 4.0)
        assert torch.equal(model(ids).logits, before)
    assert all("lora_" in name for name, value in model.named_parameters() if value.requires_grad)


def test_layers_can_be_named(tiny_folder) -> None:
    model = lora_model(tiny(tiny_folder).model, 2, 4.0, layers=[1])
    names = [name for name, value in model.named_parameters() if value.requires_grad]
    assert names and all(".layers.1." in name for name in names)


def test_saved_folder_is_pefts(tiny_folder, tmp_path) -> None:
    model = randomised(lora_model(tiny(tiny_folder).model, 2, 4.0), 1)
    save_adapter(model, tmp_path / "one", None)
    config = adapter_config(tmp_path / "one")
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (2, 4.0, "LORA")
    again = tiny(tiny_folder, tmp_path / "one")
    with torch.no_grad():
        ids = torch.tensor([[5, 6, 7]])
        assert torch.equal(again.model(ids).logits, model(ids).logits)
    assert "one@" in again.provenance()["adapter"]


@pytest.mark.parametrize("change", [{"use_dora": True}, {"rank_pattern": {"q": 1}}, {"peft_type": "IA3"}])
def test_only_plain_loras_are_joined(tiny_folder, tmp_path, change) -> None:
    model = lora_model(tiny(tiny_folder).model, 2, 4.0)
    save_adapter(model, tmp_path / "one", None)
    config = json.loads((tmp_path / "one" / CONFIG).read_text()) | change
    (tmp_path / "one" / CONFIG).write_text(json.dumps(config))
    with pytest.raises(ModelError, match="not a plain LoRA"):
        save_adapter(model, tmp_path / "two", tmp_path / "one")
    assert not (tmp_path / "two" / WEIGHTS).exists()


def test_different_ranks_and_layers_join_to_the_exact_sum(tiny_folder, tmp_path) -> None:
    wide = randomised(lora_model(tiny(tiny_folder).model, 3, 6.0, layers=[0]), 1)
    save_adapter(wide, tmp_path / "target", None)
    merged = tiny(tiny_folder, tmp_path / "target").model.merge_and_unload()
    model = randomised(lora_model(merged, 2, 8.0), 2)
    save_adapter(model, tmp_path / "both", tmp_path / "target")
    again = tiny(tiny_folder, tmp_path / "both")
    with torch.no_grad():
        ids = torch.tensor([[5, 6, 7]])
        torch.testing.assert_close(again.model(ids).logits, model(ids).logits, atol=1e-5, rtol=0)
    state = load_file(tmp_path / "both" / WEIGHTS)
    assert {value.shape[0] for name, value in state.items() if "lora_A" in name} == {5}
