"""What a model folder holds, checked before anything is loaded or fetched: each refusal says what to use.

transformers reads more than it should here: it puts an adapter that lies beside the weights on the model
unasked, invents weights that the files lack, and fails on damaged files with whatever its parsers raise.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenunlearn.contents import bytes_of
from tokenunlearn.errors import ModelError

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
# Beside CONFIG: what fails at loading, if at all, with an error that names another file.
_OBJECTS = (
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
)
_POINTER = b"version https://git-lfs"
_SAVED = "Name a folder that save_pretrained has written."
_DECODER = "Choose a decoder model (Llama, Qwen, Mistral, Gemma, Phi, GPT-2 …)."
# Families on whose layers PEFT puts no LoRA (its `_check_lora_target_modules_mamba`).
STATE_SPACE = frozenset({"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"})


def check_folder(folder: Path, name: str) -> None:
    """Raise ModelError for a folder whose model cannot be loaded as it is meant."""
    if not (folder / CONFIG).is_file():
        adapter = (folder / ADAPTER_CONFIG).is_file()
        raise ModelError(
            what=f"The folder {name} holds no model.",
            why=f"It has no {CONFIG}." + (" What it holds is an adapter." if adapter else ""),
            fix="Name it as the adapter, and as the model what it was trained on." if adapter else _SAVED,
        )
    check_config(read_json(folder / CONFIG), name)
    if (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(
            what=f"The folder {name} holds a model and an adapter.",
            why="Which of both is meant is not said, and loading the one would put the other on it unasked.",
            fix=f"Move {ADAPTER_CONFIG} and the adapter's weights to a folder of their own, and name that "
            "one as the adapter if it is wanted.",
        )
    for each in (folder / other for other in _OBJECTS):  # some slow tokenizers are converted while they load
        if each.is_file() and not isinstance(read_json(each), dict):
            raise _damaged(each, "it is not a JSON object")


def check_config(config: Any, name: str) -> None:
    """Raise ModelError for the configuration of a model that cannot be scored and trained token by token."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str):
        raise ModelError(
            what=f"The {CONFIG} of {name} does not describe a model.",
            why="It is not a JSON object with a model_type.",
            fix=_SAVED,
        )
    if kind not in CONFIG_MAPPING:
        own = "It needs code of its own, which is never run." if config.get("auto_map") else ""
        raise ModelError(
            what=f"The model {name} is of an unknown kind, {kind[:60]!r}.",
            why=own or "This version of transformers does not know it.",
            fix="Choose a model of a kind that transformers knows, or install a newer one.",
        )
    if config.get("quantization_config"):
        raise ModelError(
            what=f"The model {name} is quantised ({_method(config['quantization_config'])}).",
            why="Its weights cannot be scored exactly, merged or trained.",
            fix="Choose its unquantised checkpoint in bf16 or fp32, often the one without AWQ, GPTQ, FP8, "
            "4bit or 8bit in its name.",
        )
    if config.get("is_encoder_decoder"):
        raise ModelError(
            what=f"The model {name} is an encoder-decoder ({kind}).",
            why="Question and answer are read by two parts, and the answer has no scores in one row.",
            fix=_DECODER,
        )
    if kind in STATE_SPACE:
        raise ModelError(
            what=f"The model {name} is a state-space model ({kind}).",
            why="PEFT puts no LoRA on its layers, so that nothing could be unlearned.",
            fix=_DECODER,
        )
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ModelError(
            what=f"The model {name} is not a language model that writes from left to right ({kind}).",
            why="transformers has no causal language model of this kind.",
            fix=_DECODER,
        )


def weight_files(folder: Path, name: str) -> list[Path]:
    """Return the safetensors files the model is loaded from: the single one, or those that the index names.

    Raises ModelError where there is none, a shard is missing, or the index is damaged.
    """
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if not (folder / INDEX).is_file():
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt*"))
        raise ModelError(
            what=f"The model {name} has no safetensors weights.",
            why="Its weights are pickled, and pickled ones can run code."
            if pickled
            else f"There is neither {SINGLE} nor {INDEX}.",
            fix="Save it again with save_pretrained." if pickled else "Get the whole folder again.",
        )
    names = shard_names(read_json(folder / INDEX), str(folder / INDEX))
    missing = [shard for shard in names if not (folder / shard).is_file()]
    if missing:
        raise ModelError(
            what=f"The model {name} lacks {len(missing)} of {len(names)} weight files.",
            why=f"{INDEX} names {', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}.",
            fix="Get the missing files.",
        )
    return [folder / shard for shard in names]


def shard_names(index: Any, where: str) -> list[str]:
    """Return the weight files that an index names, sorted. Raises ModelError for what is no index."""
    weights = index.get("weight_map") if isinstance(index, Mapping) else None
    names = set(weights.values()) if isinstance(weights, Mapping) and _texts(weights.values()) else set()
    if not names or any("/" in each or "\\" in each or not each.endswith(".safetensors") for each in names):
        raise ModelError(
            what="The list of weight files cannot be read.",
            why="It has no weight_map from weights to .safetensors files beside it.",
            fix="Get the file again.",
            where=where,
        )
    return sorted(names)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds. Raises ModelError for a pointer of Git LFS and for what is not JSON."""
    try:
        found = bytes_of(path)
        if found.startswith(_POINTER):
            raise pointer(path)
        return json.loads(found.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, type(error).__name__) from error


def pointer(path: Path) -> ModelError:
    """Return the refusal of a file whose content was never fetched."""
    return ModelError(
        what=f"{path.name} is a pointer of Git LFS, not the file itself.",
        why="The repository was cloned without its large files.",
        fix="Run `git lfs pull` in its folder.",
        where=str(path),
    )


def is_pointer(start: bytes) -> bool:
    """Return whether a file that starts so is a pointer of Git LFS."""
    return start.startswith(_POINTER[: len(start)]) and len(start) >= 8


def check_loaded(found: Mapping[str, Any], name: str) -> None:
    """Raise ModelError for weights of another shape, and for those that the files lack: they would be random.

    `found` is the loading info of transformers, in which tied weights are not missing.
    """
    for key, stored, wanted in sorted(found["mismatched_keys"]):
        raise ModelError(
            what=f"The {CONFIG} of {name} does not fit its weights.",
            why=f"{key} has the shape {list(stored)} in its file, and {list(wanted)} by {CONFIG}.",
            fix="Get both from the same place.",
        )
    names = sorted(found["missing_keys"])
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise ModelError(
            what=f"The weights of {name} are not complete.",
            why=f"Its files lack {', '.join(names[:3])}{more}, which would be random.",
            fix="Get all of its weight files; a base model without a head cannot be used.",
        )


def unread(unexpected: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence about weights that the model has no place for; none where all are read."""
    names = sorted(unexpected)
    if not names:
        return ()
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"Weights that are not used: {', '.join(names[:3])}{more}",)


def _method(record: Any) -> str:
    method = record.get("quant_method") if isinstance(record, Mapping) else None
    return method[:40] if isinstance(method, str) else "by a method it does not name"


def _texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(
        what=f"{path.name} cannot be read.",
        why=f"The file is damaged or incomplete ({why}).",
        fix="Get the file again.",
        where=str(path),
    )
