"""The two files of a PEFT adapter, read and checked before any model is: damage is told by its file."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from tokenunlearn.contents import text_of
from tokenunlearn.errors import ModelError
from tokenunlearn.models.embedded import file_hash

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
PREFIX = "base_model.model."  # before every name in PEFT's files
WRITTEN_BY_PEFT = "Name a folder that PEFT's save_pretrained has written."
_SHOWN = 12  # hex digits of a hash
_RANKS = (".lora_A.weight", ".lora_B.weight")


def adapter_hash(folder: Path) -> str:
    """Return what names an adapter wherever it is shown: the first digits of its weights' SHA-256.

    `sha256sum adapter_model.safetensors` begins with them.
    """
    return file_hash(folder / WEIGHTS)[:_SHOWN]


@dataclass(frozen=True)
class AdapterFiles:
    """An adapter's configuration and its weights by their names in the file."""

    folder: Path
    config: Mapping[str, Any]
    weights: Mapping[str, Tensor]

    @property
    def modules(self) -> set[str]:
        """The names of the modules that a LoRA of this file changes."""
        return {
            name.removeprefix(PREFIX).removesuffix(side)
            for name in self.weights
            for side in _RANKS
            if name.endswith(side)
        }


def read_adapter(folder: Path) -> AdapterFiles:
    """Return the adapter of a folder.

    Raises ModelError for a missing or damaged file, a configuration that no PEFT writes, weights that are no
    finite numbers, and a rank that the weights do not have.
    """
    config = _config(folder)
    weights = _weights(folder)
    if config["peft_type"] == "LORA":
        _check_ranks(folder / CONFIG, config, weights)
    return AdapterFiles(folder, config, weights)


def _config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        config = json.loads(text_of(path))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        inner = sorted(each.parent.name for each in folder.glob(f"*/{CONFIG}")) if missing else []
        raise ModelError(
            what=f"No adapter could be read in {str(folder)[:300]}.",
            why=f"{CONFIG} is missing." if missing else f"{error.strerror}.",
            fix=f"Name one of its folders: {', '.join(inner)[:300]}." if inner else WRITTEN_BY_PEFT,
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{CONFIG} is not JSON ({type(error).__name__})") from error
    if not isinstance(config, dict):
        raise _damaged(path, f"{CONFIG} holds a {type(config).__name__}, not an object")
    if not isinstance(config.get("peft_type"), str):
        raise _damaged(path, "It has no peft_type")
    if config["peft_type"] == "LORA":
        for name, (fits, form) in _FORMS.items():
            nowhere = name == "target_modules" and config.get("target_parameters")
            if not nowhere and not fits(config.get(name)):
                why = f"{name} is {config[name]!r:.60}" if name in config else f"It has no {name}"
                raise _damaged(path, f"{why}. It must be {form}")
    return config


def _weights(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelError(
            what=f"The adapter in {folder} has no {WEIGHTS}.",
            why="Only safetensors weights are loaded; pickled ones can run code.",
            fix="Save the adapter again with a current PEFT.",
        )
    try:
        weights = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        why = f"The file is incomplete or no safetensors file ({str(error).strip()[:120]})"
        raise _damaged(path, why) from error
    if not weights:
        raise _damaged(path, "It holds no weights")
    for name, value in weights.items():
        if not value.is_floating_point() or not bool(torch.isfinite(value.float()).all()):
            raise _damaged(path, f"{name} holds values that are not finite numbers")
    return weights


def _check_ranks(path: Path, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Refuse ranks that the weights do not have, before PEFT makes room for them."""
    if config.get("target_parameters"):
        return  # their ranks are multiplied by the number of experts
    said = {config["r"], *(config.get("rank_pattern") or {}).values()}
    pairs = [(name, value) for name, value in weights.items() if name.endswith(_RANKS)]
    for name, value in pairs:
        rank = value.shape[0 if name.endswith(_RANKS[0]) else 1] if value.dim() == 2 else value.dim()
        if value.dim() != 2 or rank not in said:
            raise _damaged(path, f"It says rank {config['r']!s:.20}, but {name} is {list(value.shape)}")
    if max(said) > max((max(value.shape) for _, value in pairs), default=max(said)):
        raise _damaged(path, f"It says rank {max(said)!s:.20}, which none of its weights has")


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        what=f"The adapter {path.parent.name} is damaged",
        why=why,
        fix="Get the folder again, or save the adapter again with PEFT's save_pretrained",
        where=str(path),
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _optional(fits: Any) -> Any:
    return lambda value: value is None or fits(value)


# What the numbers depend on: PEFT writes them all, and would put a default where one is missing.
_FORMS: dict[str, tuple[Any, str]] = {
    "r": (lambda value: _whole(value) and value > 0, "a whole number above 0"),
    "lora_alpha": (_number, "a number"),
    "target_modules": (
        lambda value: bool(value) and (isinstance(value, str) or _names(value)),
        "a pattern or a list of module names",
    ),
    "exclude_modules": (
        _optional(lambda value: isinstance(value, str) or _names(value)),
        "a pattern or a list of module names",
    ),
    "layers_to_transform": (
        _optional(lambda value: _whole(value) or isinstance(value, list) and all(map(_whole, value))),
        "a layer's number or a list of them",
    ),
    "rank_pattern": (
        _optional(
            lambda value: (
                isinstance(value, dict) and all(_whole(each) and each > 0 for each in value.values())
            )
        ),
        "ranks by module name",
    ),
    "alpha_pattern": (
        _optional(lambda value: isinstance(value, dict) and all(map(_number, value.values()))),
        "numbers by module name",
    ),
    "modules_to_save": (_optional(_names), "a list of module names"),
    "bias": (_optional(lambda value: isinstance(value, str)), "none, all or lora_only"),
    "init_lora_weights": (_optional(lambda value: isinstance(value, (bool, str))), "true, false or a word"),
    "task_type": (_optional(lambda value: isinstance(value, str)), "a word"),
}
