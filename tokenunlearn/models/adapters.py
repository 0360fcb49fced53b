"""LoRA adapters: a fresh one on the target, and the exact sum of two as one that plain PEFT loads."""

import json
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import CONFIG, PREFIX, WEIGHTS, AdapterFiles
from tokenunlearn.models.adapter_kinds import MERGE
from tokenunlearn.models.capabilities import evaluating, fed
from tokenunlearn.models.layers import layer_list
from tokenunlearn.models.weights import write_tensors

MERGED_APART = 1e-3  # nats, float32
MERGED_APART_BF16 = 1.0  # the shipped target's weights are rounded by up to .33 nats when it is merged


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

    @property
    def norm(self) -> float:
        """The Frobenius norm of the change of all weights together, float64, without building the change.

        ‖B·A‖² = tr((BᵀB)(AAᵀ)), rank × rank, of each module.
        """
        pairs = ((a.double(), b.double()) for a, b in self.updates.values())
        squares = (float(((b.T @ b) * (a @ a.T)).sum()) for a, b in pairs)
        return math.sqrt(max(0.0, math.fsum(squares)))  # a sum of squares; rounding may leave it below 0

    def state(self) -> dict[str, Tensor]:
        """Return the weights as PEFT's files name them, filled up with zeros to one rank, at scale 1."""
        result = {}
        for name, (a, b) in self.updates.items():
            missing = self.rank - len(a)
            result[f"{PREFIX}{name}.lora_A.weight"] = torch.nn.functional.pad(a, (0, 0, 0, missing))
            result[f"{PREFIX}{name}.lora_B.weight"] = torch.nn.functional.pad(b, (0, missing))
        return {name: value.contiguous() for name, value in sorted(result.items())}


def lora_model(model: Any, rank: int, alpha: float, layers: list[int] | None = None) -> Any:
    """Return a PEFT model with one fresh LoRA over all linear modules (of `layers` only), float32 weights.

    Raises ModelError for a model without a linear module there.
    """
    from peft import get_peft_model

    try:
        peft_model = get_peft_model(model, _lora_config(rank, alpha, _linear_modules(model, layers)))
        kept = peft_model.peft_config["default"]
        if kept.target_parameters:
            # PEFT takes MLPs beside experts (shared ones, dense layers) for the experts under old names, and
            # would train experts of every layer in their place: neither is trained.
            peft_model = get_peft_model(
                peft_model.unload(), _lora_config(rank, alpha, sorted(kept.target_modules))
            )
        return peft_model
    except ValueError as error:  # PEFT knows families whose layers LoRA would change wrongly
        raise _untrainable(model, str(error)) from error


def _lora_config(rank: int, alpha: float, modules: list[str]) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # PEFT takes a float
        lora_dropout=0.0,
        target_modules=modules,
        task_type="CAUSAL_LM",
    )


def _linear_modules(model: Any, layers: list[int] | None) -> list[str]:
    """Return the full names of the linear modules of some decoder layers (None: all), without the head."""
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layer

    listed = layer_list(model)
    inside = None if layers is None or listed is None else tuple(f"{listed[0]}.{at}." for at in layers)
    head = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, (torch.nn.Linear, Conv1D))
        and "Router" not in type(module).__name__  # Llama 4's is a Linear that gives two tensors
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


def with_adapter(model: Any, files: AdapterFiles, name: str) -> Any:
    """Return the model with an adapter active.

    Raises ModelError for weights that have no place in the model, for places that its configuration names and
    its file has no weights for, and for a base model of its own.
    """
    from peft import LoraConfig, PeftModel, get_peft_model_state_dict

    base = _refuse_another_base(model, files)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing and unknown weights, which are refused below
            config = LoraConfig.from_pretrained(str(files.folder))
            if _names_too_much(files):
                config.target_modules = files.modules
            loaded = PeftModel.from_pretrained(model, str(files.folder), config=config)
    except Exception as error:  # PEFT checks little: what does not fit ends in an error of any kind
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise _misfit(files, name, f"PEFT says: {why[:200]}") from error
    places = set(get_peft_model_state_dict(loaded, save_embedding_layers=False))
    found = set(files.weights) - base
    for key in sorted(found - places):
        raise _misfit(files, name, f"The model has no place for {key.removeprefix(PREFIX)}")
    for key in sorted(places - found):
        raise _misfit(files, name, f"It has no weights for {key.removeprefix(PREFIX)}")
    return loaded


def _misfit(files: AdapterFiles, name: str, why: str) -> ModelError:
    made_for = files.config.get("base_model_name_or_path")
    return ModelError(
        what=f"The adapter {files.folder.name} does not fit the model {name}",
        why=f"It was made for {made_for}. {why}" if made_for else why,
        fix="Name the model that it was trained on",
        where=str(files.folder / WEIGHTS),
    )


def _refuse_another_base(model: Any, files: AdapterFiles) -> set[str]:
    """Return the names of the base model's own weights in the file; ModelError where they are others."""
    own = dict(model.named_parameters(remove_duplicate=False))  # a tied head by its own name too
    saved = {key: key.removeprefix(PREFIX).replace(".base_layer.", ".") for key in files.weights}
    whole = tuple(f".{name}." for name in files.config.get("modules_to_save") or ())
    base = {
        key for key, name in saved.items() if name in own and not any(each in f".{name}" for each in whole)
    }
    for key in sorted(base):
        mine, its = own[saved[key]], files.weights[key]
        if mine.shape != its.shape or not torch.equal(mine.detach().cpu(), its.to(mine.dtype)):
            raise ModelError(
                what=f"The adapter {files.folder.name} cannot be opened",
                why=f"It brings a {saved[key]} of its own, so that with the adapter off the model is not the "
                "base model",
                fix=MERGE,
                where=str(files.folder / WEIGHTS),
            )
    return base


def _names_too_much(files: AdapterFiles) -> bool:
    """Return whether we wrote the folder before 29 November 2026: last names only, of every module.

    We indented the file by one, PEFT indents it by two.
    """
    text = (files.folder / CONFIG).read_text(encoding="utf-8")
    return text.startswith('{\n "') and files.config.get("layers_to_transform") is None


def tied_modules(model: Any) -> set[str]:
    """Return the names of the modules that share one weight with another, as head and embedding may."""
    holders: dict[int, list[str]] = {}
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, torch.nn.Parameter):
            holders.setdefault(id(weight), []).append(name)
    return {name for names in holders.values() if len(names) > 1 for name in names}


def lora_of(model: Any) -> Lora:
    """Return what the LoRA of a PEFT model adds, with the scale that PEFT gives each module."""
    updates = {}
    for name, layer in _lora_layers(model).items():
        a, b = (side["default"].weight.detach().cpu().float() for side in (layer.lora_A, layer.lora_B))
        updates[name] = (a, b * layer.scaling["default"])
    return Lora(updates)


@torch.no_grad()
def scale_lora(model: Any, factor: float) -> None:
    """Multiply what the LoRA of a PEFT model adds to the weights by `factor`, in place; only B changes."""
    for layer in _lora_layers(model).values():
        layer.lora_B["default"].weight.mul_(factor)


def _lora_layers(model: Any) -> dict[str, Any]:
    """Return the modules that have a LoRA, by their names in the base model."""
    from peft.tuners.lora import LoraLayer

    modules = model.get_base_model().named_modules()
    return {name: each for name, each in modules if isinstance(each, LoraLayer)}


def merge(model: Any) -> tuple[Any, Lora]:
    """Return the base model with its LoRA merged into the weights, and what was merged.

    Raises ModelError where the merged model says something else on a few tokens: a weight that two modules
    share, a layer that PEFT merges wrongly.
    """
    before, lora = _said(model), lora_of(model)
    try:
        merged = model.merge_and_unload()
    except (ValueError, RuntimeError) as error:
        raise _not_merged(str(error).strip().splitlines()[0][:200]) from error
    exact = next(merged.parameters()).dtype is torch.float32
    apart = float((_said(merged) - before).abs().max())
    if not apart <= (MERGED_APART if exact else MERGED_APART_BF16):
        raise _not_merged(f"Merged into the weights it gives other probabilities, by {apart:.3g} nats")
    return merged, lora


def _not_merged(why: str) -> ModelError:
    return ModelError(
        what="The adapter can be scored and probed, but not trained on",
        why=why,
        fix="Train an adapter on the attention and MLP layers only, or merge this one yourself",
    )


@torch.no_grad()
def _said(model: Any) -> Tensor:
    """Return the log-probabilities in nats of the tokens of a short row, each given those before."""
    causal = model.get_base_model() if hasattr(model, "peft_config") else model
    ids = torch.linspace(0, causal.config.get_text_config().vocab_size - 1, 8, device=causal.device).long()[
        None
    ]
    with evaluating(causal):
        output = fed(causal, input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    return output.logits[0, :-1].float().log_softmax(-1).gather(-1, ids[0, 1:, None])


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
    draft = folder / f".{CONFIG}.{os.getpid()}.part"
    draft.write_text(json.dumps(record, indent=2, sort_keys=True))
    draft.replace(folder / CONFIG)


def _plain(value: Any) -> Any:
    if isinstance(value, set):
        return sorted(value)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
