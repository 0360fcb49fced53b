"""What a model can do beside reading one row alone, tried once on a few tokens.

Families differ in how they place tokens (positions, ALiBi), how far they look (windows) and what mixes tokens
(attention, convolution, state space). None of that is read from a name: a model that gives a row other scores
beside other rows, with a token hidden, or with a later token changed, is refused when it is opened; one that
cannot keep packed rows apart is run without packing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.text.packing import LONGEST

_ROW = 6  # tokens of the row that is tried
_SHARED = 2  # of which a packed row shares the first ones
_HIDDEN = 1  # the position that attention must not see
_NATS = 1e-4
_OTHER = "Choose a decoder model with attention in every layer (Llama, Qwen, Mistral, Gemma, Phi, GPT-2 …)."


@dataclass(frozen=True)
class Capabilities:
    """How a model may be run.

    `packs`: rows that begin alike can share one row. `plain_head`: the head on the decoder's vectors gives
    the logits, so that it needs to run at answer positions only.
    """

    packs: bool
    plain_head: bool


_known: "WeakKeyDictionary[Any, Capabilities]" = WeakKeyDictionary()


def capabilities(causal: Any) -> Capabilities:
    """Return how the causal model may be run, tried the first time it is asked for.

    Raises ModelError for a model whose scores of a row would not be the row's own.
    """
    if causal not in _known:
        with evaluating(causal), torch.no_grad():
            _known[causal] = _tried(causal)
    return _known[causal]


def run_as(causal: Any, other: Any) -> None:
    """Run `causal`, a second copy of the same architecture, as `other` is run, without trying it anew."""
    _known[causal] = capabilities(other)


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Put the model into evaluation mode inside, and each of its modules back into its own afterwards."""
    training = [module for module in model.modules() if module.training]
    if training:  # setting it on every module takes far longer than looking
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def fed(module: Any, **inputs: Any) -> Any:
    """Return the module's output for those of the inputs that it takes: not every family takes positions."""
    return module(**accepted(module, inputs))


def accepted(module: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the inputs that the module's forward names."""
    kind: type = type(module)  # for mypy, to which type[Any] is not hashable
    taken = _taken(kind)
    return {name: value for name, value in inputs.items() if name in taken}


@cache
def _taken(kind: type) -> frozenset[str]:
    return frozenset(signature(kind.forward).parameters)  # type: ignore[attr-defined]  # a torch module


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a mask of pairs as the numbers that are added to attention scores; one of tokens as it is.

    Only some attention implementations take true and false for a 4-D mask; eager attention adds them up.
    """
    if mask.dim() < 4:
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)


class _Trial:
    """A row of `_ROW` tokens, another one that begins alike, and the scores of the first one alone."""

    def __init__(self, causal: Any) -> None:
        # Among the vocabulary's first, where no family keeps the ids of images. The padding's vector may be
        # zero, and a row that begins with nothing looks as if hiding its second token had moved the others.
        config = causal.config.get_text_config()
        padding = getattr(config, "pad_token_id", None)
        known = [each for each in range(min(config.vocab_size, 1000)) if each != padding]
        ids = torch.tensor(
            [known[(37 * at + 3) % len(known)] for at in range(2 * _ROW)], device=causal.device
        )
        self.causal = causal
        self.row, self.other = ids[:_ROW], torch.cat([ids[:_SHARED], ids[_ROW:]])
        self.plain_head = False
        try:
            with _watched(causal) as outputs:
                self.alone = self.log_probs(self.row[None])[0]
        except Exception as error:  # whatever a family's own code raises
            raise _refusal("It cannot read a plain row of tokens", error) from error
        if self.alone.isnan().any():
            raise ModelError(
                what="The model gives no numbers.",
                why="Its log-probabilities of a plain row of tokens are NaN, so its weights are damaged.",
                fix="Get the weights again, or choose another precision.",
            )
        # rounding grows with the numbers and with a coarse dtype
        largest = float(self.alone[self.alone.isfinite()].abs().max())
        self.tolerance = max(_NATS, 4 * torch.finfo(causal.dtype).eps * largest)
        self.plain_head = self._is_under_head(outputs)

    def log_probs(
        self, ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None
    ) -> Float[Tensor, "batch tokens vocab"]:
        """Return the log-probs in nats, computed the way scoring does."""
        inputs = {"input_ids": ids, "use_cache": False}
        if mask is not None:
            inputs |= {"attention_mask": additive(mask, self.causal.dtype), "position_ids": positions}
        if self.plain_head:
            vectors = fed(decoder_of(self.causal), **inputs).last_hidden_state
            logits = self.causal.get_output_embeddings()(vectors)
        else:
            logits = fed(self.causal, **inputs).logits
        return logits.float().log_softmax(-1)

    def of_pairs(
        self, ids: Int[Tensor, "batch tokens"], pairs: Bool[Tensor, "tokens tokens"], positions: Tensor
    ) -> Float[Tensor, "batch tokens vocab"] | None:
        """Return the log-probs of rows under one mask of pairs; None where the family takes none."""
        try:
            mask = pairs.expand(len(ids), 1, -1, -1)
            return self.log_probs(ids, mask, positions.expand(len(ids), -1))
        except Exception:  # whatever a family's own code raises
            return None

    def takes_positions(self) -> bool:
        """Return whether positions that are given are read on the way that scoring takes."""
        kind: type = type(decoder_of(self.causal) if self.plain_head else self.causal)
        return "position_ids" in _taken(kind)

    def _is_under_head(self, outputs: list[Any]) -> bool:
        """Return whether the head on what the decoder gave makes the logits."""
        # read as well as tried: on small logits a soft cap hardly shows
        if any(_changes_logits(name, value) for name, value in self.causal.config.to_dict().items()):
            return False
        try:
            # some call their decoder's own parts, past the place that is watched
            found = outputs[0] if outputs else fed(decoder_of(self.causal), input_ids=self.row[None])
            logits = self.causal.get_output_embeddings()(found.last_hidden_state)
            return _gap(logits.float().log_softmax(-1)[0], self.alone) <= self.tolerance
        except Exception:  # no plain decoder or no plain head: the whole model runs
            return False


def _changes_logits(name: str, value: Any) -> bool:
    """Return whether a setting caps or scales what the head gives."""
    capped = "logit" in name and "cap" in name and "attn" not in name and "attention" not in name
    return (capped or name in ("logit_scale", "logits_scaling")) and value not in (None, 0, 1)


@contextmanager
def _watched(causal: Any) -> Iterator[list[Any]]:
    """Collect what the decoder gives while the whole model runs inside."""
    outputs: list[Any] = []
    decoder = decoder_of(causal)
    hook = None if decoder is None else decoder.register_forward_hook(lambda *given: outputs.append(given[2]))
    try:
        yield outputs
    finally:
        if hook is not None:
            hook.remove()


def decoder_of(causal: Any) -> Any:
    """Return the part of a causal model that gives the vectors under its head; None where there is none."""
    return getattr(causal, causal.base_model_prefix, None)


def _tried(causal: Any) -> Capabilities:
    trial = _Trial(causal)
    _refuse_dependent(trial)
    return Capabilities(_shortest_reach(causal.config) >= LONGEST and _packs(trial), trial.plain_head)


def _refuse_dependent(trial: _Trial) -> None:
    """Raise ModelError where a row beside others, or with a token hidden, has not the scores that it must."""
    row, other = trial.row, trial.other
    # a refusal needs more than rounding: what is wrong is wrong by hundredths at least
    bound = max(10 * _NATS, trial.tolerance)
    changed, shorter = row.clone(), torch.cat([row[:_HIDDEN], row[_HIDDEN + 1 :]])
    changed[_HIDDEN] = other[-1]
    ids = row.new_full((5, len(other)), int(row[0]))
    seen = torch.zeros_like(ids)
    for index, each in enumerate((row, other, row, changed, shorter)):
        ids[index, : len(each)], seen[index, : len(each)] = each, 1
    seen[2:4, _HIDDEN] = 0
    positions = torch.arange(len(other), device=row.device).expand(5, -1)
    try:
        beside, later, hidden, hidden_changed, removed = trial.log_probs(ids, seen, positions)
    except Exception as error:  # whatever a family's own code raises
        raise _refusal("It cannot read several rows at a time", error) from error
    if _gap(later[:_SHARED], beside[:_SHARED]) > bound:
        raise _refusal("Its scores of a token change with the tokens after it: it is not a causal model")
    if _gap(beside[: len(row)], trial.alone) > bound:
        raise _refusal("Its scores of a row are others beside other rows, or with its positions given")
    after = slice(_HIDDEN + 1, len(row))
    if _gap(hidden[after], hidden_changed[after]) > bound:
        raise _refusal("A token that is hidden from its attention still changes the others")
    if _gap(beside[after], hidden[after]) == 0:
        raise _refusal("Its scores of a token do not depend on the tokens before it")
    # where hiding a token is the same as taking it out, the tokens after it may have moved
    if _gap(hidden[after], removed[_HIDDEN : len(row) - 1]) <= bound:
        pairs = _causal(len(row), row.device)
        pairs[_HIDDEN + 1 :, _HIDDEN] = False
        found = trial.of_pairs(row[None], pairs, positions[0, : len(row)])
        if found is None or _gap(found[0, after], hidden[after]) > trial.tolerance:
            raise _refusal("Hiding a token from its attention moves the tokens after it (ALiBi)")


def _packs(trial: _Trial) -> bool:
    """Return whether the row keeps its scores in one row behind another one that begins alike."""
    if not trial.takes_positions():
        return False
    start, size = len(trial.other), len(trial.other) + _ROW - _SHARED
    pairs = _causal(size, trial.row.device)
    pairs[start:, _SHARED:start] = False
    positions = torch.arange(size, device=trial.row.device)
    positions[start:] -= start - _SHARED
    packed = torch.cat([trial.other, trial.row[_SHARED:]])
    changed = packed.clone()
    changed[_SHARED:start] = packed[_SHARED:start].flip(0)
    found = trial.of_pairs(torch.stack([packed, changed]), pairs, positions)
    if found is None:
        return False
    behind, beside = found[:, start:]
    same, apart = _gap(behind, trial.alone[_SHARED:]), _gap(behind, beside)
    return same <= trial.tolerance and apart <= trial.tolerance / 10


def _shortest_reach(config: Any) -> int:
    """Return the fewest tokens that any layer looks back: under a mask of pairs it would look further."""
    words = ("window", "window_size", "chunk_size", "original_max_position_embeddings")
    reaches = [LONGEST]
    for record in (config.to_dict(), getattr(config, "rope_parameters", None) or {}):
        for name, value in record.items():
            if name.endswith(words) and type(value) is int and value > 0:
                reaches.append(value)
    return min(reaches)


def _causal(size: int, device: torch.device) -> Bool[Tensor, "tokens tokens"]:
    return torch.ones(size, size, dtype=torch.bool, device=device).tril()


def _gap(one: Tensor, other: Tensor) -> float:
    """Return the largest difference in nats; a logit that is −∞ in both differs by nothing."""
    return float(torch.where(one == other, 0, one - other).abs().nan_to_num(torch.inf).max())


def _refusal(why: str, error: BaseException | None = None) -> ModelError:
    lines = str(error or "").strip().splitlines()
    told = f" ({lines[0][:200]})" if lines else ""
    return ModelError(what="This model cannot be scored token by token.", why=f"{why}{told}.", fix=_OTHER)
