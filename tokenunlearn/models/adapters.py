"""LoRA adapters: a fresh one on the target, and the exact sum of two as one that plain PEFT loads."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from tokenunlearn.errors import ModelError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_KEY = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])\.weight")


def lora_model(model: Any, rank: int, alpha: float, layers: list[int] | None = None) -> Any:
    """A PEFT model with one fresh LoRA over all linear layers (or of `layers` only), float32 weights."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # PEFT takes a float
        lora_dropout=0.0,
        # PEFT takes no layer numbers beside its word "all-linear"
        target_modules="all-linear" if layers is None else _linear_modules(model),
        layers_to_transform=layers,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _linear_modules(model: Any) -> list[str]:
    """Last names of the linear modules, the head left out."""
    head = model.get_output_embeddings()
    linear = {
        name.rsplit(".", 1)[-1]: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    return sorted(linear)


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
    from peft import PeftModel, get_peft_model_state_dict

    config = adapter_config(folder)
    made_for = config.get("base_model_name_or_path")
    misfit = ModelError(
        what=f"The adapter {folder.name} does not fit the model {name}.",
        why=f"It was made for {made_for}." if made_for else "It was made for another one.",
        fix="Name the model that it was trained on.",
    )
    try:
        loaded = PeftModel.from_pretrained(model, str(folder))
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise misfit from error
    # PEFT only warns of weights that it finds no place for, and of places that it finds no weights for.
    with safe_open(folder / WEIGHTS, "pt") as file:
        found = {key for key in file.keys() if _KEY.fullmatch(key)}  # noqa: SIM118  # no mapping
    places = {
        key for key in get_peft_model_state_dict(loaded, save_embedding_layers=False) if _KEY.fullmatch(key)
    }
    if found != places:
        raise misfit
    return loaded


def _require_plain_lora(config: Mapping[str, Any], folder: Path) -> None:
    unusual = [
        name
        for name in (
            "use_dora",
            "use_rslora",
            "rank_pattern",
            "alpha_pattern",
            "modules_to_save",
            "lora_bias",
        )
        if config.get(name)
    ]
    if config.get("peft_type") != "LORA" or unusual:
        raise ModelError(
            what=f"The adapter in {folder} cannot be joined with the unlearning adapter.",
            why=f"It is not a plain LoRA ({', '.join(unusual) or config.get('peft_type')}).",
            fix="Merge it into its base model first and name the merged folder as the model.",
        )


def lora_state(model: Any) -> dict[str, Tensor]:
    """The adapter's weights by their names in an adapter file, on the CPU."""
    from peft import get_peft_model_state_dict

    return {
        name: value.detach().cpu().contiguous() for name, value in get_peft_model_state_dict(model).items()
    }


def joined(
    first: Mapping[str, Tensor], first_scale: float, second: Mapping[str, Tensor], second_scale: float
) -> dict[str, Tensor]:
    """One LoRA whose update is the exact sum of two, at scale 1: A's stacked, scaled B's side by side.

    B₁A₁s₁ + B₂A₂s₂ = [B₁s₁ B₂s₂]·[A₁; A₂]. A module that only one of them has gets zeros from the other.
    """
    result: dict[str, Tensor] = {}
    ranks = [next(v.shape[0] for k, v in state.items() if ".lora_A." in k) for state in (first, second)]
    for key in sorted({*first, *second}):
        match = _KEY.fullmatch(key)
        if match is None:
            raise ModelError(what=f"Unknown adapter weight {key}.", why="It is neither lora_A nor lora_B.")
        parts = []
        for state, other, rank, scale in (
            (first, second, ranks[0], first_scale),
            (second, first, ranks[1], second_scale),
        ):
            if match["side"] == "A":
                parts.append(state[key] if key in state else other[key].new_zeros(rank, other[key].shape[1]))
            else:
                parts.append(
                    state[key] * scale if key in state else other[key].new_zeros(other[key].shape[0], rank)
                )
        result[key] = torch.cat(
            [part.float() for part in parts], dim=0 if match["side"] == "A" else 1
        ).contiguous()
    return result


def save_adapter(model: Any, folder: Path, target: Path | None) -> None:
    """Write the trained LoRA as a PEFT folder; with a `target` adapter, the exact sum of both.

    The folder loads with plain `PeftModel.from_pretrained(base, folder)`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = model.peft_config["default"]
    state = lora_state(model)
    record = {k: _plain(v) for k, v in config.to_dict().items()}
    if target is not None:
        target_config = adapter_config(target)
        _require_plain_lora(target_config, target)
        state = joined(
            load_file(target / WEIGHTS),
            target_config["lora_alpha"] / target_config["r"],
            state,
            config.lora_alpha / config.r,
        )
        rank = int(target_config["r"]) + int(config.r)
        record |= {"r": rank, "lora_alpha": rank, "layers_to_transform": None}
        record["base_model_name_or_path"] = target_config.get("base_model_name_or_path")
        # from the weights: a config may name its modules by a pattern
        record["target_modules"] = sorted({name.split(".lora_")[0].rsplit(".", 1)[-1] for name in state})
    record["inference_mode"] = True
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(record, indent=1, sort_keys=True))


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
