"""What a PEFT adapter may be beside a plain LoRA, and how far each kind is served.

One table for what is refused and for docs/METHODS.md. *trained*: scored, trained on, saved, reopened.
*read*: scored and probed, but not trained on, because no plain LoRA is the sum of it and the update.
*refused*: not opened, because its numbers, or those with the adapter off, would be of no model.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal

from tokenunlearn.errors import ModelError
from tokenunlearn.models.adapter_files import AdapterFiles

Found = Callable[[AdapterFiles, Collection[str]], bool]
MERGE: Final = (
    "Merge it into its base model with PEFT's merge_and_unload, and name the merged folder as the model"
)
# LoRA settings that change no number, or whose number PEFT puts into each module's scale.
_PLAIN: Final = frozenset(
    "alpha_pattern auto_mapping base_model_name_or_path bias corda_config ensure_weight_tying eva_config "
    "exclude_modules fan_in_fan_out inference_mode init_lora_weights layers_pattern layers_to_transform "
    "loftq_config lora_alpha lora_dropout lora_ga_config megatron_core peft_type peft_version "
    "qalora_group_size r rank_pattern revision runtime_config target_modules task_type use_rslora".split()
)
_STARTS: Final = ("gaussian", "orthogonal", "eva", "mica")  # that leave the base model as it is


@dataclass(frozen=True)
class AdapterKind:
    """One kind, known by `found(files, tied)`, where `tied` names the modules that share one weight.

    `sign` says in words what `found` looks at. A refusal says `why` and proposes `mend`.
    """

    name: str
    sign: str
    served: Literal["trained", "read", "refused"]
    found: Found
    why: str = ""
    mend: str = MERGE


def _is_set(setting: str) -> Found:
    return lambda files, _: bool(files.config.get(setting))


def _setting(name: str, setting: str, why: str) -> AdapterKind:
    """Return a kind that is read and that one setting of the adapter's configuration tells."""
    return AdapterKind(name, f"`{setting}`", "read", _is_set(setting), why)


def _named(files: AdapterFiles, part: str) -> bool:
    return any(part in name for name in files.weights)


_READ: Final = (
    _setting("DoRA", "use_dora", "It scales whole weights, which a sum of LoRAs cannot hold"),
    _setting("Bias in the LoRA", "lora_bias", "It adds to biases, which a plain LoRA cannot hold"),
    _setting("Whole modules", "modules_to_save", "It replaces modules, which a plain LoRA cannot hold"),
    _setting("Trained tokens", "trainable_token_indices", "It changes rows of the embedding alone"),
    _setting(
        "LoRA on experts' parameters", "target_parameters", "It changes parameters that are not modules"
    ),
    AdapterKind(
        "LoRA on the embedding",
        "weights named `lora_embedding_A`",
        "read",
        lambda files, _: _named(files, ".lora_embedding_"),
        "It changes the embedding, which the sum does not cover",
        "Train the adapter without the embedding; where head and embedding are one weight a merge gives "
        "another model",
    ),
    AdapterKind(
        "LoRA on a tied head",
        "`lm_head` of a model whose head and embedding are one weight",
        "read",
        lambda files, tied: bool(files.modules & set(tied)),
        "Head and embedding are one weight, so that merging would change both (transformers#45127)",
        "Train the adapter without the head",
    ),
)
_KNOWN: Final = _PLAIN | {kind.sign.strip("`") for kind in _READ} | {"layer_replication"}

ADAPTER_KINDS: Final = (
    AdapterKind("Plain LoRA", "`peft_type` LORA and none of what follows", "trained", lambda *_: True),
    AdapterKind("rsLoRA", "`use_rslora`", "trained", _is_set("use_rslora")),
    AdapterKind("Ranks by module", "`rank_pattern`", "trained", _is_set("rank_pattern")),
    AdapterKind("Scales by module", "`alpha_pattern`", "trained", _is_set("alpha_pattern")),
    AdapterKind(
        "Part of the modules",
        "`target_modules` as names or a pattern, `exclude_modules`, `layers_to_transform`",
        "trained",
        lambda files, _: bool(files.config.get("target_modules")),
    ),
    AdapterKind(
        "Another start, same base",
        f"`init_lora_weights` {', '.join(_STARTS)}",
        "trained",
        lambda files, _: files.config.get("init_lora_weights") in _STARTS,
    ),
    AdapterKind(
        "LoRA on a head of its own",
        "`lm_head` of a model whose head is not an embedding",
        "trained",
        lambda files, tied: "lm_head" in files.modules and "lm_head" not in tied,
    ),
    *_READ,
    AdapterKind(
        "Another method",
        "`peft_type` other than LORA: AdaLoRA, IA3, LoHa, LoKr, OFT, VeRA, prompt and prefix tuning, …",
        "refused",
        lambda files, _: files.config["peft_type"] != "LORA",
        "Only LoRA is checked here: prompt methods put tokens before the text, others have ways of their own",
        f"{MERGE}; prompt and prefix tuning cannot be merged",
    ),
    AdapterKind(
        "Another task",
        "`task_type` other than CAUSAL_LM",
        "refused",
        lambda files, _: files.config.get("task_type") not in (None, "CAUSAL_LM"),
        "It is for another task than saying the next token",
        "Name an adapter of a causal language model",
    ),
    AdapterKind(
        "PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA",
        "any other `init_lora_weights`",
        "refused",
        lambda files, _: files.config.get("init_lora_weights") not in (True, False, None, *_STARTS),
        "Its start changes the base model, so that with the adapter off the model is not the base model",
        "Make a plain LoRA of it: save_pretrained(…, path_initial_model_for_weight_conversion=…)",
    ),
    AdapterKind(
        "Repeated layers",
        "`layer_replication`",
        "refused",
        _is_set("layer_replication"),
        "It repeats layers, so that with the adapter off the model is not the base model",
        "Repeat the layers in the model itself, save that, and train a plain LoRA on it",
    ),
    AdapterKind(
        "Trained biases",
        "weights that end in `.bias`",
        "refused",
        lambda files, _: any(
            name.endswith(".bias") and not name.endswith(".lora_B.bias") for name in files.weights
        ),
        "PEFT leaves trained biases in place when the adapter is off, so that this is not the base model",
    ),
    AdapterKind(
        "aLoRA, KaSA, VeLoRA, Arrow, BD-LoRA, MonteCLoRA, QALoRA",
        "any other setting of `adapter_config.json`",
        "refused",
        lambda files, _: bool(_unknown(files)),
        "It has settings that are not checked here",
    ),
)


def _unknown(files: AdapterFiles) -> list[str]:
    return sorted(name for name, value in files.config.items() if value and name not in _KNOWN)


def unreadable(files: AdapterFiles) -> ModelError | None:
    """Return why scores with this adapter would be of no model; None where it may be opened."""
    return _refusal(files, (), ("refused",), "cannot be opened")


def untrainable(files: AdapterFiles, tied: Collection[str] = ()) -> ModelError | None:
    """Return why training cannot add exactly to this adapter; None where it can.

    `tied`: the names of the model's modules that share one weight, where the model is known.
    """
    return _refusal(files, tied, ("refused", "read"), "can be scored and probed, but not trained on")


def _refusal(
    files: AdapterFiles, tied: Collection[str], served: Collection[str], what: str
) -> ModelError | None:
    kind = next((each for each in ADAPTER_KINDS if each.served in served and each.found(files, tied)), None)
    if kind is None:
        return None
    names = [name for name in re.findall(r"`(\w+)`", kind.sign) if name in files.config]
    said = [f"{name}: {files.config[name]!s:.60}" for name in names] or _unknown(files)[:5]
    return ModelError(
        what=f"The adapter {files.folder.name} {what}",
        why=f"{kind.why} ({', '.join(said) or kind.name})",
        fix=kind.mend,
        where=str(files.folder),
    )
