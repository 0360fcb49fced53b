"""The exact sum of two LoRAs as one, in PEFT's own format."""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny_rows import tiny
from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import CONFIG, WEIGHTS, read_adapter
from tokenunlearn.models.adapters import Lora, lora_model, lora_of, save_adapter, scale_lora
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow


def randomised(model, seed: int):
    """`model` with every LoRA weight drawn at random, so that the update is not zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model


def test_the_sum_by_hand() -> None:
    first = Lora({"q": (torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0], [0.0]]))})
    second = Lora({"q": (torch.tensor([[0.0, 1.0]]), torch.tensor([[0.5], [1.0]]))})
    a, b = first.plus(second).updates["q"]
    assert a.tolist() == [[1, 2], [0, 1]] and b.tolist() == [[2, 0.5], [0, 1]]
    # [[2, 4], [0, 0]] + [[0, ½], [0, 1]]
    assert (b @ a).tolist() == [[2, 4.5], [0, 1]]


def test_modules_of_one_alone_are_filled_up_with_zeros_to_one_rank() -> None:
    first = Lora({"q": (torch.ones(2, 3), torch.ones(1, 2))})
    both = first.plus(Lora({"k": (torch.full((1, 3), 5.0), torch.ones(4, 1))}))
    assert both.rank == 2
    state = both.state()
    assert state["base_model.model.k.lora_A.weight"].tolist() == [[5, 5, 5], [0, 0, 0]]
    assert state["base_model.model.k.lora_B.weight"].tolist() == [[1, 0]] * 4
    assert torch.equal(state["base_model.model.q.lora_A.weight"], torch.ones(2, 3)) and len(state) == 4


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
    config = read_adapter(tmp_path / "one").config
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (2, 2, "LORA")
    again = tiny(tiny_folder, tmp_path / "one")
    with torch.no_grad():
        ids = torch.tensor([[5, 6, 7]])
        assert torch.equal(again.model(ids).logits, model(ids).logits)
    assert "one@" in again.provenance()["adapter"]


def test_different_ranks_and_layers_join_to_the_exact_sum(tiny_folder, tmp_path) -> None:
    wide = randomised(lora_model(tiny(tiny_folder).model, 3, 6.0, layers=[0]), 1)
    save_adapter(wide, tmp_path / "target", None)
    target = tiny(tiny_folder, tmp_path / "target").model
    merged = lora_of(target)
    model = randomised(lora_model(target.merge_and_unload(), 2, 8.0), 2)
    save_adapter(model, tmp_path / "both", merged)
    again = tiny(tiny_folder, tmp_path / "both")
    with torch.no_grad():
        ids = torch.tensor([[5, 6, 7]])
        torch.testing.assert_close(again.model(ids).logits, model(ids).logits, atol=1e-5, rtol=0)
    state = load_file(tmp_path / "both" / WEIGHTS)
    assert {value.shape[0] for name, value in state.items() if "lora_A" in name} == {5}


@pytest.mark.parametrize(
    "targets",
    [
        {"target_modules": ["q_proj", "v_proj"]},
        {"target_modules": r".*\.(q|v)_proj"},
        {"target_modules": "all-linear", "exclude_modules": ["k_proj"]},
        {"target_modules": ["up_proj"], "layers_to_transform": [0]},
    ],
    ids=["names", "pattern", "exclude", "layers"],
)
def test_what_we_save_on_part_of_the_modules_opens_again(tiny_folder, tmp_path, targets) -> None:
    """The fresh LoRA is on the upper layer: the sum has modules that neither pattern names alone."""
    from peft import LoraConfig, PeftModel, get_peft_model

    config = LoraConfig(r=3, lora_alpha=5, task_type="CAUSAL_LM", **targets)
    randomised(get_peft_model(tiny(tiny_folder).model, config), 1).save_pretrained(tmp_path / "target")
    fresh = with_fresh_lora(tiny(tiny_folder, tmp_path / "target"), TrainConfig(layer_share=0.5))
    trained = randomised(fresh.model, 2).eval()
    save_adapter(trained, tmp_path / "both", fresh.merged)
    ids = torch.tensor([[5, 6, 7, 30]])
    with torch.no_grad():
        truth = trained(ids).logits.log_softmax(-1)
        for again in (
            tiny(tiny_folder, tmp_path / "both").model,
            PeftModel.from_pretrained(tiny(tiny_folder).model, str(tmp_path / "both")),
        ):
            torch.testing.assert_close(again.eval()(ids).logits.log_softmax(-1), truth, atol=1e-4, rtol=0)
    named = set(read_adapter(tmp_path / "both").config["target_modules"])
    assert "model.layers.1.self_attn.k_proj" in named and "model.layers.0.self_attn.k_proj" not in named


def test_a_result_of_before_opens(tiny_folder, tmp_path) -> None:
    """Up to 29 November 2026 we wrote last names, which also name modules without weights."""
    lora = lora_of(randomised(lora_model(tiny(tiny_folder).model, 2, 4.0, layers=[1]), 1))
    only_q = {name: update for name, update in lora.updates.items() if "q_proj" in name or "mlp" in name}
    model = lora_model(tiny(tiny_folder).model, 2, 4.0, layers=[0])
    save_adapter(model, tmp_path / "one", Lora(only_q))
    record = dict(read_adapter(tmp_path / "one").config)
    record["target_modules"] = sorted({name.rsplit(".", 1)[-1] for name in record["target_modules"]})
    (tmp_path / "one" / CONFIG).write_text(json.dumps(record, indent=1, sort_keys=True))
    assert lora_of(tiny(tiny_folder, tmp_path / "one").model).updates.keys() == {
        *only_q,
        *lora_of(model).updates,
    }
    (tmp_path / "one" / CONFIG).write_text(json.dumps(record, indent=2, sort_keys=True))
    with pytest.raises(ModelError, match="does not fit"):
        tiny(tiny_folder, tmp_path / "one")


def test_a_family_without_linear_layers_for_lora_is_told() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, state_size=2)
    with pytest.raises(ModelError, match="kind mamba cannot be trained with LoRA"):
        lora_model(MambaForCausalLM(config), 2, 4.0)


def test_the_norm_of_a_change_by_hand() -> None:
    # q: [[2, 4], [0, 0]], k: [[3], [4]]: 4 + 16 + 9 + 16 = 45
    q = (torch.tensor([[1.0, 2.0]]), torch.tensor([[2.0], [0.0]]))
    k = (torch.tensor([[1.0]]), torch.tensor([[3.0], [4.0]]))
    assert Lora({"q": q, "k": k}).norm == pytest.approx(45**0.5, rel=1e-12)
    assert Lora({"q": (q[0], 0 * q[1])}).norm == 0


@pytest.mark.parametrize(
    "settings",
    [{}, {"use_rslora": True}, {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 20}}],
    ids=["plain", "rslora", "patterns"],
)
def test_the_norm_is_of_pefts_own_change(tiny_folder, settings) -> None:
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer

    config = LoraConfig(r=3, lora_alpha=5, target_modules="all-linear", task_type="CAUSAL_LM", **settings)
    model = randomised(get_peft_model(tiny(tiny_folder).model, config), 1)
    layers = [module for module in model.modules() if isinstance(module, LoraLayer)]
    changes = [layer.get_delta_weight("default").detach().double() for layer in layers]
    norm = lora_of(model).norm
    assert len(changes) == 14 and norm > 1
    assert norm == pytest.approx(torch.cat([change.flatten() for change in changes]).norm().item(), rel=1e-6)
    dense = [b.double() @ a.double() for a, b in lora_of(model).updates.values()]
    assert norm == pytest.approx(sum(change.square().sum().item() for change in dense) ** 0.5, rel=1e-12)


def test_a_scaled_change_has_the_scaled_norm(tiny_folder) -> None:
    model = randomised(lora_model(tiny(tiny_folder).model, 2, 4.0), 1)
    before = lora_of(model)
    scale_lora(model, 0.3)
    after = lora_of(model)
    assert after.norm == pytest.approx(0.3 * before.norm, rel=1e-6)
    for name, (a, b) in before.updates.items():
        torch.testing.assert_close(after.updates[name][1] @ after.updates[name][0], 0.3 * (b @ a))


def test_the_norm_of_a_sum_is_of_the_summed_changes(tiny_folder) -> None:
    one, two = (lora_of(randomised(lora_model(tiny(tiny_folder).model, 2, 4.0), seed)) for seed in (1, 2))
    both = [b.double() @ a.double() + d.double() @ c.double()
            for (a, b), (c, d) in zip(one.updates.values(), two.updates.values(), strict=True)]  # fmt: skip
    truth = sum(change.square().sum().item() for change in both) ** 0.5
    assert one.plus(two).norm == pytest.approx(truth, rel=1e-12)
