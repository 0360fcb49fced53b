"""A name to a model that can be asked: the embedded one, a local folder or a hub id, with an adapter."""

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch

from tokenunlearn.errors import InputError, ModelError
from tokenunlearn.models.adapter_files import adapter_hash, read_adapter
from tokenunlearn.models.adapter_kinds import unreadable, untrainable
from tokenunlearn.models.adapters import Lora, tied_modules, with_adapter
from tokenunlearn.models.capabilities import capabilities, run_as
from tokenunlearn.models.embedded import EMBEDDED_NAME, embedded_model_folder
from tokenunlearn.models.forward import causal_model, run_told, without_adapter
from tokenunlearn.models.greedy import greedy
from tokenunlearn.models.hub import hub_folder
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.models.model_folder import CONFIG, check_folder, check_loaded, unread
from tokenunlearn.models.precision import PRECISIONS
from tokenunlearn.models.vocabulary import check_vocabulary, embedding_rows
from tokenunlearn.models.weights import fingerprint, folder_bytes, refuse_too_large
from tokenunlearn.text.encoding import Encoding, encode, encode_prompt
from tokenunlearn.text.turns import turns_of

# What is to be fetched lies on this machine before anything is loaded.
_SAFE: Final[Mapping[str, bool]] = MappingProxyType({"trust_remote_code": False, "local_files_only": True})
# What configs call the number of positions, beside the first, which most families know it by.
_POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "n_ctx")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass
class LoadedModel:
    """A causal model and its tokenizer; satisfies `LanguageModel` and `HasBase`. `model` may be PEFT's.

    `untrainable` says why its adapter can be read but not trained on. `merged` is the target's LoRA where
    training has merged it into the weights below the fresh one; switching PEFT off then gives the target, and
    no longer the base. `notes`: what a person should know of how it was loaded.
    """

    model: Any
    tokenizer: Any
    name: str
    source: str
    adapter: str | None
    precision: str
    untrainable: ModelError | None = None
    merged: Lora | None = None
    notes: tuple[str, ...] = ()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def pad_id(self) -> int:
        """Return the id that fills padded positions, which no real token can see."""
        rows = embedding_rows(causal_model(self.model))
        known = (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id)
        return next((int(each) for each in known if each is not None and each < rows), 0)

    @property
    def positions(self) -> int | None:
        """Return how many tokens the model reads at most; None where its config names no bound."""
        config = causal_model(self.model).config.get_text_config()
        bounds = (getattr(config, name, None) for name in _POSITIONS)
        return min((bound for bound in bounds if isinstance(bound, int) and bound > 0), default=None)

    @property
    def stop_ids(self) -> frozenset[int]:
        """Return the ids that end an answer: the template's own, the tokenizer's, the checkpoint's."""
        ends = causal_model(self.model).generation_config.eos_token_id
        own = (turns_of(self.tokenizer).end_id, self.tokenizer.eos_token_id)
        ids = (*own, *(ends if isinstance(ends, list | tuple) else [ends]))
        return frozenset(each for each in ids if each is not None)

    def provenance(self) -> dict[str, str]:
        """Return model, adapter (with the hash of its weights), precision, for files and the page.

        `weights` names model and adapter by what they contain, so a folder that moves stays the same model.
        """
        adapter = f"{Path(self.adapter).name}@{self._adapter_hash}" if self.adapter else "none"
        return {
            "model": self.name,
            "adapter": adapter,
            "precision": f"{self.precision} on {self.device.type}",
            "weights": self.weights,
        }

    @cached_property
    def _adapter_hash(self) -> str:
        return adapter_hash(Path(self.adapter)) if self.adapter else ""

    @cached_property
    def _base_id(self) -> str:
        return fingerprint(Path(self.source))

    @cached_property
    def weights(self) -> str:
        """Return a hash of what the files of model and adapter contain."""
        return text_hash(self._base_id, self._adapter_hash)

    def base_id(self) -> str:
        """Return a hash of the weights of the untouched base. Raises ModelError where its files are gone."""
        return self._base_id

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return the log-probabilities of the answer tokens of each (question, answer), in nats.

        Raises InputError, before any pass, for a pair that is longer than the model reads.
        """
        return self._told(pairs, standardised=False)

    def standardised_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what `token_log_probs` does, and each log-prob held against those of the vocabulary."""
        return self._told(pairs, standardised=True)

    def _told(self, pairs: Sequence[tuple[str, str]], standardised: bool) -> list[TokenLogProbs]:
        encodings = [encode(self.tokenizer, question, answer) for question, answer in pairs]
        for (question, _), encoding in zip(pairs, encodings, strict=True):
            self._refuse_too_long(f"The text that begins with {question[:60]!r}", len(encoding.ids))
        stops = self.stop_ids
        results = []
        passes = run_told(self.model, encodings, self.pad_id, standardised)
        for (question, _), encoding, told in zip(pairs, encodings, passes, strict=True):
            offsets = np.array(encoding.answer_offsets, dtype=np.int64).reshape(-1, 2)
            answer = slice(encoding.answer_length)
            recited = self._recited(question, encoding, told.likeliest.tolist(), stops)
            results.append(
                TokenLogProbs(
                    told.log_probs[answer],
                    offsets[:, 0],
                    offsets[:, 1],
                    recited,
                    told.likeliest[answer] == np.array(encoding.answer_ids),
                    None if told.standardised is None else told.standardised[answer],
                )
            )
        return results

    def _recited(
        self, question: str, encoding: Encoding, likeliest: list[int], stops: frozenset[int]
    ) -> bool:
        """Return whether greedy decoding gives this very answer and ends it."""
        length = encoding.answer_length
        said, after = likeliest[:length], likeliest[length:]
        return (
            said == list(encoding.answer_ids)
            and stops.isdisjoint(said)
            and (after[0] in stops or after == list(encoding.end_ids))
            and encoding.ids[: encoding.prompt_length] == encode_prompt(self.tokenizer, question)
        )

    def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        """Return what `token_log_probs` does, under the untouched base: no adapter, nothing trained.

        Where the adapter was merged, its weights are read once more, and let go of. Raises ModelError when
        they cannot be.
        """
        if self.merged is None:
            with without_adapter(self.model):
                return self.token_log_probs(pairs)
        source, dtype = Path(self.source), resolve_precision(self.precision)[1]
        refuse_too_large(self.name, folder_bytes(source, dtype, self.name))
        base, _ = _base_model(source, self.name, dtype)
        base.to(self.device).eval()
        run_as(base, causal_model(self.model))
        return replace(self, model=base, adapter=None, merged=None).token_log_probs(pairs)

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
        """Return the greedy answers, one per question, in the order given.

        Raises InputError, before any step, for a question that leaves no room for an answer.
        """
        prompts = [encode_prompt(self.tokenizer, question) for question in questions]
        for question, prompt in zip(questions, prompts, strict=True):
            self._refuse_too_long(f"The question that begins with {question[:60]!r}", len(prompt) + 2)
        return self._greedy(prompts, max_new_tokens)

    def continued(self, pairs: Sequence[tuple[str, str]], max_new_tokens: int) -> list[Written]:
        """Return how each answer goes on greedily after (question, beginning), the beginning left out.

        Raises InputError, before any step, for a question that leaves no room for an answer.
        """
        begun = [encode(self.tokenizer, question, beginning) for question, beginning in pairs]
        prompts = [each.ids[: each.prompt_length + each.answer_length] for each in begun]
        for (question, _), prompt in zip(pairs, prompts, strict=True):
            self._refuse_too_long(f"The question that begins with {question[:60]!r}", len(prompt) + 2)
        return self._greedy(prompts, max_new_tokens)

    def _greedy(self, prompts: Sequence[tuple[int, ...]], max_new_tokens: int) -> list[Written]:
        answers = greedy(
            self.model,
            prompts,
            max_new_tokens,
            stops=self.stop_ids,
            pad_id=self.pad_id,
            positions=self.positions,
        )
        return [
            Written(
                self.tokenizer.decode(
                    ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
                ).strip(),
                cut,
            )
            for ids, cut in answers
        ]

    def _refuse_too_long(self, what: str, tokens: int) -> None:
        if self.positions and tokens > self.positions:
            raise InputError(
                what=f"{what} has {tokens:,} tokens.",
                why=f"The model reads at most {self.positions:,}.",
                fix="Shorten it, or take a model that reads further.",
            )


def resolve_precision(precision: str) -> tuple[str, torch.dtype]:
    """Return the precision that a word means: `auto` is bf16 where processor or GPU computes it, else fp32.

    Raises ModelError for another word.
    """
    if precision not in PRECISIONS:
        raise ModelError(
            what=f"Unknown precision {precision!r}.", fix=f"Choose one of {', '.join(PRECISIONS)}."
        )
    if precision == "auto":
        precision = "bf16" if _has_bf16() else "fp32"
    return precision, torch.bfloat16 if precision == "bf16" else torch.float32


def _has_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    flags = Path("/proc/cpuinfo")
    # without the instruction bf16 still computes, some 30 times slower than fp32 (measured on AVX2)
    return flags.is_file() and bool(re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", flags.read_text()))


def load_model(
    name: str | None = None,
    adapter: str | Path | None = None,
    precision: str = "auto",
    told: Callable[[float], None] = lambda _: None,
    to_train: bool = False,
) -> LoadedModel:
    """Return the model `name` with `adapter` (a folder) active.

    `name` is a folder or a hub id; None is the embedded model.

    `told` hears how much of a hub's model is fetched, and may raise to end the load between two files. Raises
    ModelError when the folder, the hub id or the adapter cannot be loaded; nothing is half loaded. What is
    loaded `to_train` is refused as soon as its adapter is seen to be one that training cannot add to.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    word, dtype = resolve_precision(precision)
    files = None if adapter is None else read_adapter(Path(adapter))
    refusal = None if files is None else unreadable(files) or (untrainable(files) if to_train else None)
    if refusal is not None:
        raise refusal
    source = _source(name, dtype, told)
    named = name or EMBEDDED_NAME
    check_folder(source, named)
    refuse_too_large(named, folder_bytes(source, dtype, named))
    told(1.0)
    _check_settings(source, named)
    tokenizer = _tokenizer(source, named)
    model, notes = _base_model(source, named, dtype)
    if files is not None:
        refusal = untrainable(files, tied_modules(model))
        if refusal is not None and to_train:
            raise refusal
        model = with_adapter(model, files, named)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    model.eval()
    check_vocabulary(causal_model(model), tokenizer, named)
    capabilities(causal_model(model))  # what cannot be scored is refused now, not after the rows
    path = str(adapter) if adapter else None
    return LoadedModel(model, tokenizer, named, str(source), path, word, refusal, notes=notes)


def _tokenizer(source: Path, name: str) -> Any:
    """Return the tokenizer of a folder. Raises ModelError for one that cannot be read or gives no offsets."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **_SAFE)
    except Exception as error:  # the parser of tokenizer.json raises plain Exceptions
        raise ModelError(
            what=f"The tokenizer of {name} could not be loaded.",
            why=f"{_reason(error)}. Its files are damaged, or of a newer version than this machine's.",
            fix="Get tokenizer.json and tokenizer_config.json again, or install newer tokenizers.",
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(
            what=f"The tokenizer of {name} has no character offsets.",
            why="Token scores are aligned with the text by offsets, which only fast tokenizers give.",
            fix="Use a model with a tokenizer.json.",
        )
    return tokenizer


def _base_model(source: Path, name: str, dtype: torch.dtype) -> tuple[Any, tuple[str, ...]]:
    """Return the model of a folder, and what of its weights is not used. Raises ModelError."""
    from transformers import AutoModelForCausalLM

    try:
        # Weights of another shape are told by name: transformers points at a report in its log.
        model, found = AutoModelForCausalLM.from_pretrained(
            source,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **_SAFE,
        )
    except Exception as error:  # a family's own code builds it
        raise ModelError(
            what=f"The model {name} could not be loaded.",
            why=f"{_reason(error)}.",
            fix=f"Its {CONFIG} and its weights do not fit together, or one is damaged: get both again.",
        ) from error
    check_loaded(found, name)
    return model, unread(found["unexpected_keys"])


def _check_settings(source: Path, name: str) -> None:
    """Raise ModelError for a configuration that its family refuses."""
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(source, **_SAFE)
    except Exception as error:  # configurations are checked by whatever code their family has
        raise ModelError(
            what=f"The {CONFIG} of {name} describes no model that can be built.",
            why=f"{_reason(error)}.",
            fix="Get the file again.",
        ) from error


def _reason(error: BaseException) -> str:
    """Return what an error says, on one line; its kind where it says but a word or nothing."""
    said = " ".join(str(error).split())[:300].rstrip(".")
    return said if " " in said else f"{type(error).__name__} {said}".rstrip()


def _source(name: str | None, dtype: torch.dtype, told: Callable[[float], None]) -> Path:
    """Return the folder of a model; one of the hub is fetched first."""
    if name is None or name == EMBEDDED_NAME:
        return embedded_model_folder()
    folder = Path(name)
    if folder.is_dir():
        return Path(os.path.abspath(folder))  # an adapter made on it names it, and is read elsewhere
    if folder.is_absolute() or not _HUB_ID.fullmatch(name):
        raise ModelError(
            what=f"The model folder {name} does not exist.",
            why="It is neither a folder on this machine nor a hub id of the form owner/name.",
            fix="Check the path, or leave --model out to use the embedded model.",
        )
    return hub_folder(name, dtype, told)


def text_hash(*parts: str) -> str:
    """Return the first 12 hex digits of the SHA-256 of some texts, for ids of data and settings."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]
