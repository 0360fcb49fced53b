"""Every kind of adapter in the table, made by PEFT, against plain PEFT and the plain base model.

For each kind what the table says is tried: whether it opens with the numbers of the model that PEFT trained,
whether the adapter off is the base model, whether it trains, and what is saved and opened again.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM, GPTNeoXConfig, LlamaConfig, MixtralConfig

from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import read_adapter
from tokenunlearn.models.adapter_kinds import ADAPTER_KINDS, AdapterKind
from tokenunlearn.models.adapters import lora_model, merge, save_adapter, tied_modules
from tokenunlearn.models.forward import without_adapter
from tokenunlearn.models.loading import LoadedModel, load_model
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow

IDS = torch.tensor([[5, 6, 7, 30, 12, 9]])
LLAMA = ["q_proj", "v_proj", "up_proj", "down_proj"]
TIED = {"ensure_weight_tying": True}
NEOX = ["query_key_value", "dense_h_to_4h"]
BASE = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}


@dataclass(frozen=True)
class Example:
    """An adapter of one kind: the settings of PEFT's LoraConfig, on one of the small models."""

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    base: str = "llama"


EXAMPLES = (
    Example("Plain LoRA"),
    Example("Plain LoRA", {"target_modules": NEOX}, "neox"),
    Example("Plain LoRA", {"target_modules": ["q_proj", "o_proj"]}, "mixtral"),
    Example("Plain LoRA", {"bias": "all"}),  # a model without biases
    Example("rsLoRA", {"use_rslora": True}),
    Example("Ranks by module", {"rank_pattern": {"q_proj": 2, "layers.1.mlp.up_proj": 5}}),
    Example("Scales by module", {"alpha_pattern": {"q_proj": 16}, "use_rslora": True}),
    Example("Part of the modules", {"target_modules": r".*\.(q|v)_proj"}),
    Example("Part of the modules", {"target_modules": "all-linear", "exclude_modules": ["k_proj"]}),
    Example("Part of the modules", {"layers_to_transform": [0]}),
    Example("Another start, same base", {"init_lora_weights": "gaussian"}),
    Example("Another start, same base", {"init_lora_weights": "orthogonal"}),
    Example("Another start, same base", {"init_lora_weights": "eva"}),
    Example("Another start, same base", {"init_lora_weights": "mica"}),
    Example("LoRA on a head of its own", {"target_modules": ["q_proj", "lm_head"]}),
    Example("DoRA", {"use_dora": True}),
    Example("Bias in the LoRA", {"lora_bias": True, "target_modules": NEOX}, "neox"),
    Example("Whole modules", {"modules_to_save": ["lm_head"]}),
    Example("Whole modules", {"modules_to_save": ["embed_tokens", "lm_head"]}, "tied"),
    Example("Trained tokens", {"trainable_token_indices": [5, 6]}),
    Example("LoRA on experts' parameters", {"target_parameters": ["mlp.experts.down_proj"]}, "mixtral"),
    Example("LoRA on the embedding", {"target_modules": ["q_proj", "embed_tokens"]}),
    Example("LoRA on the embedding", {"target_modules": ["embed_tokens", "lm_head"], **TIED}, "tied"),
    Example("LoRA on a tied head", {"target_modules": ["q_proj", "lm_head"]}, "tied"),
    Example("PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA", {"init_lora_weights": "pissa"}),
    Example("PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA", {"init_lora_weights": "olora"}),
    Example("Repeated layers", {"layer_replication": [[0, 2], [1, 2]]}),
    Example("Trained biases", {"bias": "lora_only", "target_modules": NEOX}, "neox"),
    Example("Trained biases", {"bias": "all", "target_modules": NEOX}, "neox"),
    Example("aLoRA, KaSA, VeLoRA, Arrow, BD-LoRA, MonteCLoRA, QALoRA", {"alora_invocation_tokens": [5]}),
)
KINDS = {kind.name: kind for kind in ADAPTER_KINDS}


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    """Folders of small models: with and without a tied head, with biases, with experts."""
    vocab = len(load_model(str(tiny_folder), precision="fp32").tokenizer)
    configs = {
        "llama": LlamaConfig(vocab_size=vocab, **BASE),
        "tied": LlamaConfig(vocab_size=vocab, tie_word_embeddings=True, **BASE),
        "neox": GPTNeoXConfig(vocab_size=vocab, **BASE),
        "mixtral": MixtralConfig(vocab_size=vocab, num_key_value_heads=2, num_local_experts=2, **BASE),
    }
    folders = {}
    for name, config in configs.items():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config)
        louder(model.named_parameters(), lambda _: True, 0.2)
        folders[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(folders[name])
        for each in tiny_folder.glob("tokenizer*"):
            (folders[name] / each.name).write_bytes(each.read_bytes())
    return folders


def louder(parameters: Any, wanted: Callable[[str], bool], size: float) -> None:
    """Add noise to the parameters that are wanted by name, so that each of them changes what is said."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in parameters:
            if wanted(name):
                parameter.add_(size * torch.randn(parameter.shape, generator=generator))


def said(model: Any) -> Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits.log_softmax(-1)


@cache
def _read(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def plain(folder: Path) -> Any:
    return deepcopy(_read(folder))


@cache
def said_plainly(folder: Path) -> Tensor:
    return said(_read(folder))


def apart(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max())


def made(example: Example, base: Path, folder: Path) -> Tensor:
    """Train an adapter (as if), save it with plain PEFT, and return what its model says."""
    settings = {"target_modules": LLAMA, "r": 4, "lora_alpha": 6, "task_type": "CAUSAL_LM"} | example.settings
    torch.manual_seed(0)
    model = get_peft_model(plain(base), LoraConfig(**settings))
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    # a PiSSA start is the size of the weights
    louder(model.named_parameters(), trained.__contains__, 0.02 if "init_lora_weights" in settings else 0.2)
    model.save_pretrained(folder)
    return said(model)


def test_each_kind_has_an_example() -> None:
    """Those that PEFT writes another config class for are in tests/bad_input/test_adapters.py."""
    assert set(KINDS) - {example.kind for example in EXAMPLES} == {"Another method", "Another task"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.kind} {each.settings} {each.base}")
def test_a_kind_is_served_as_the_table_says(example: Example, bases: dict[str, Path], tmp_path: Path) -> None:
    kind, base, folder = KINDS[example.kind], bases[example.base], tmp_path / "adapter"
    truth = made(example, base, folder)
    assert kind.found(read_adapter(folder), tied_modules(_read(base)))
    if kind.served == "refused":
        with pytest.raises(ModelError, match="cannot be opened"):
            load_model(str(base), folder, "fp32")
        return
    loaded = load_model(str(base), folder, "fp32")
    assert apart(said_plainly(base), truth) > 1e-2 and apart(said(loaded.model), truth) < 1e-4
    with without_adapter(loaded.model):
        assert apart(said(loaded.model), said_plainly(base)) < 1e-5
    if kind.served == "read":
        refused_before_training(kind, base, folder, loaded)
    else:
        trained_and_opened_again(loaded, base, tmp_path / "after", truth)


def refused_before_training(kind: AdapterKind, base: Path, folder: Path, loaded: LoadedModel) -> None:
    with pytest.raises(ModelError, match="not trained on") as early:
        load_model(str(base), folder, "fp32", to_train=True)
    with pytest.raises(ModelError) as late:
        with_fresh_lora(loaded, TrainConfig())
    assert str(early.value) == str(late.value) and kind.why in str(late.value)


def trained_and_opened_again(loaded: Any, base: Path, after: Path, truth: Tensor) -> None:
    fresh = with_fresh_lora(loaded, TrainConfig(layer_share=0.5, rank=2))
    assert apart(said(fresh.model), truth) < 1e-4  # merged, with a fresh LoRA of nothing
    louder(fresh.model.named_parameters(), lambda name: "lora_" in name, 0.2)
    trained = said(fresh.model)
    save_adapter(fresh.model, after, fresh.merged)
    assert apart(trained, truth) > 1e-2
    assert apart(said(load_model(str(base), after, "fp32").model), trained) < 1e-4
    assert apart(said(PeftModel.from_pretrained(plain(base), str(after))), trained) < 1e-4


def test_a_merge_that_says_something_else_is_refused(bases: dict[str, Path]) -> None:
    """Head and embedding are one weight (transformers#45127): merging the head's LoRA changes both."""
    config = LoraConfig(target_modules=["lm_head"], r=4, lora_alpha=8, task_type="CAUSAL_LM")
    model = get_peft_model(plain(bases["tied"]), config)
    louder(model.named_parameters(), lambda name: "lora_" in name, 0.3)
    with pytest.raises(ModelError, match="by .* nats"):
        merge(model)


@pytest.mark.filterwarnings("ignore")
def test_another_base_in_the_adapter_s_file_is_refused(bases: dict[str, Path], tmp_path: Path) -> None:
    """PEFT saves the embedding whole beside a LoRA on it; loaded, it would take the base model's place."""
    made(Example("", {"target_modules": ["q_proj", "lm_head"]}), bases["llama"], tmp_path)
    assert load_model(str(bases["llama"]), tmp_path, "fp32").untrainable is None  # the base's own
    other = plain(bases["llama"])
    louder([("", other.lm_head.weight)], lambda _: True, 0.1)
    other.save_pretrained(tmp_path / "other")
    for each in bases["llama"].glob("tokenizer*"):
        (tmp_path / "other" / each.name).write_bytes(each.read_bytes())
    with pytest.raises(ModelError, match=r"brings a lm_head\.weight of its own"):
        load_model(str(tmp_path / "other"), tmp_path, "fp32")


def test_the_target_may_be_gone_when_the_run_ends(tiny_folder: Path, tmp_path: Path) -> None:
    model = lora_model(load_model(str(tiny_folder), precision="fp32").model, 2, 4.0)
    louder(model.named_parameters(), lambda name: "lora_" in name, 0.2)
    save_adapter(model, tmp_path / "target", None)
    fresh = with_fresh_lora(load_model(str(tiny_folder), tmp_path / "target", "fp32"), TrainConfig())
    for each in (tmp_path / "target").iterdir():
        each.unlink()
    save_adapter(fresh.model, tmp_path / "after", fresh.merged)
    again = load_model(str(tiny_folder), tmp_path / "after", "fp32")
    assert apart(said(again.model), said(fresh.model)) < 1e-4
