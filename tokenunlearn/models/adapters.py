"""LoRA adapters: a fresh one on the target, and the exact sum of two as one that plain PEFT loads."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.models.layers import layer_list
from tokenunlearn.models.weights import write_tensors

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_PREFIX = "base_model.model."  # before every name in PEFT's files
_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_[AB]\.weight")


@dataclass(frozen=True)
class Lora:
    """What LoRA adds to a model's linear modules: by module name A [rank, in] and B [out, rank], float32.

    The scale is in B, so that the weight of a module becomes W + B·A. Ranks may differ between modules.
    """

    updates: Mapping[str, tuple[Tensor, Tensor]]

    def plus(self, other: "Lora") -> "Lora":
        """Return the exact sum: A's stacked, B's side by side, B₁A₁ + B₂A₂ = [B₁ B₂]·[A₁; A₂]."""
        updates = dict(self.updates)
        for name, (a, b) in other.updates.items():
            if name in updates:
                updates[name] = (torch.cat([updates[name][0], a]), torch.cat([updates[name][1], b], dim=1))
            else:
                updates[name] = (a, b)
        return Lora(updates)

    @property
    def rank(self) -> int:
        """The highest rank of its modules."""
        return max(len(a) for a, _ in self.updates.values())

    def state(self) -> dict[str, Tensor]:
        """Return the weights as PEFT's files name them, filled up with zeros to one rank, at scale 1."""
        result = {}
        for name, (a, b) in self.updates.items():
            missing = self.rank - len(a)
            result[f"{_PREFIX}{name}.lora_A.weight"] = torch.nn.functional.pad(a, (0, 0, 0, missing))
            result[f"{_PREFIX}{name}.lora_B.weight"] = torch.nn.functional.pad(b, (0, missing))
        return {name: value.contiguous() for name, value in sorted(result.items())}


def lora_model(model: Any, rank: int, alpha: float, layers: list[int] | None = None) -> Any:
    """Return a PEFT model with one fresh LoRA over all linear modules (of `layers` only), float32 weights.

    Raises ModelError for a model without a linear module there.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # PEFT takes a float
        lora_dropout=0.0,
        target_modules=_linear_modules(model, layers),
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:  # PEFT knows families whose layers LoRA would change wrongly
        raise _untrainable(model, str(error)) from error


def _linear_modules(model: Any, layers: list[int] | None) -> list[str]:
    """Full names of the linear modules of some decoder layers (None: of the model), the head left out."""
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layer

    listed = layer_list(model)
    inside = None if layers is None or listed is None else tuple(f"{listed[0]}.{at}." for at in layers)
    head = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, (torch.nn.Linear, Conv1D))
        and module is not head
        and (inside is None or name.startswith(inside))
    ]
    if not names:
        raise _untrainable(model, "It has no linear layer that LoRA could change")
    return names


def _untrainable(model: Any, why: str) -> ModelError:
    return ModelError(
        what=f"A model of the kind {model.config.model_type} cannot be trained with LoRA",
        why=why.strip().splitlines()[0][:300],
        fix="Use a transformer whose attention or MLP has linear layers",
    )


def adapter_config(folder: Path) -> dict[str, Any]:
    """The adapter's configuration; ModelError when it is missing, unreadable or not a plain LoRA."""
    try:
        config = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise ModelError(
            what=f"No adapter could be read in {folder}.",
            why=f"{CONFIG} is missing or is not JSON ({type(error).__name__}).",
            fix="Name a folder that PEFT's save_pretrained has written.",
        ) from error
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            what=f"The adapter in {folder} has no {WEIGHTS}.",
            why="Only safetensors weights are loaded; pickled ones can run code.",
            fix="Save the adapter again with a current PEFT.",
        )
    return config


def with_adapter(model: Any, folder: Path, name: str) -> Any:
    """The model with the adapter of a folder active. Raises ModelError for the adapter of another model."""
    from peft import LoraConfig, PeftModel, get_peft_model_state_dict

    config = adapter_config(folder)
    made_for = config.get("base_model_name_or_path")
    misfit = ModelError(
        what=f"The adapter {folder.name} does not fit the model {name}.",
        why=f"It was made for {made_for}." if made_for else "It was made for another one.",
        fix="Name the model that it was trained on.",
    )
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            found = {key for key in file.keys() if _KEY.fullmatch(key)}  # noqa: SIM118  # no mapping
        wanted = LoraConfig.from_pretrained(str(folder)) if _names_too_much(folder) else None
        if wanted is not None:
            wanted.target_modules = {match["module"] for match in map(_KEY.fullmatch, found) if match}
        loaded = PeftModel.from_pretrained(model, str(folder), config=wanted)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise misfit from error
    # PEFT only warns of weights that it finds no place for, and of places that it finds no weights for.
    places = {
        key for key in get_peft_model_state_dict(loaded, save_embedding_layers=False) if _KEY.fullmatch(key)
    }
    if found != places:
        raise misfit
    return loaded


def _names_too_much(folder: Path) -> bool:
    """Whether we wrote the folder before 29 November 2026: last names only, also of modules that had none.

    PEFT indents the file by two.
    """
    text = (folder / CONFIG).read_text()
    return text.startswith('{\n "') and json.loads(text).get("layers_to_transform") is None


def require_plain_lora(folder: Path) -> None:
    """Refuse an adapter to which training could not add exactly; ModelError."""
    config = adapter_config(folder)
    unusual = [
        name
        for name in (
            "use_dora",
            "modules_to_save",
            "lora_bias",
            "trainable_token_indices",
            "layer_replication",
        )
        if config.get(name)
    ]
    unusual += ["bias"] * (config.get("bias", "none") != "none")
    unusual += ["init_lora_weights"] * (config.get("init_lora_weights") not in (True, False, "gaussian"))
    if config.get("peft_type") != "LORA" or unusual:
        raise ModelError(
            what=f"The adapter in {folder} cannot be trained on.",
            why=f"It is not a plain LoRA ({', '.join(unusual) or config.get('peft_type')}).",
            fix="Merge it into its base model first and name the merged folder as the model.",
        )


def lora_of(model: Any) -> Lora:
    """Return what the LoRA of a PEFT model adds, with the scale that PEFT gives each module."""
    from peft.tuners.lora import LoraLayer

    modules = model.get_base_model().named_modules()
    layers: dict[str, Any] = {name: each for name, each in modules if isinstance(each, LoraLayer)}
    updates = {}
    for name, layer in layers.items():
        a, b = (side["default"].weight.detach().cpu().float() for side in (layer.lora_A, layer.lora_B))
        updates[name] = (a, b * layer.scaling["default"])
    return Lora(updates)


def save_adapter(model: Any, folder: Path, merged: Lora | None) -> None:
    """Write the trained LoRA as a PEFT folder, with the one `merged` into the model below it as their sum.

    The folder loads with plain `PeftModel.from_pretrained(base, folder)`; it names each module in full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained = lora_of(model)
    lora = trained if merged is None else merged.plus(trained)
    record = {name: _plain(value) for name, value in model.peft_config["default"].to_dict().items()} | {
        "r": lora.rank,
        "lora_alpha": lora.rank,
        "target_modules": sorted(lora.updates),
        "inference_mode": True,
    }
    write_tensors(folder / WEIGHTS, lora.state(), {"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(record, indent=2, sort_keys=True))


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
