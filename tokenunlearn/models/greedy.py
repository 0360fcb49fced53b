"""Greedy decoding: at each place the likeliest token, whatever a checkpoint's generation_config asks for."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import torch

from tokenunlearn.models.capabilities import evaluating
from tokenunlearn.models.forward import causal_model

GENERATED_ROWS = 96  # answers at a time: a step costs the weights once, however many rows


@torch.inference_mode()
def greedy(
    model: Any,
    prompts: Sequence[Sequence[int]],
    most: int,
    *,
    stops: Collection[int],
    pad_id: int,
    positions: int | None = None,
) -> list[tuple[list[int], bool]]:
    """Return the ids of the greedy answer to each prompt, at most `most`, up to the first of `stops`.

    With each stands whether it was cut: none of `stops` came as far as it ran.

    Prompts of like lengths run together, padded left. One that leaves less room than `most` among the model's
    `positions` runs alone, as far as they reach.
    """
    # the end of turn takes a position too
    lengths = [min(most, positions - len(prompt) - 1) if positions else most for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    roomy = [index for index in order if lengths[index] == most]
    groups = [roomy[start : start + GENERATED_ROWS] for start in range(0, len(roomy), GENERATED_ROWS)]
    groups += [[index] for index in order if 0 < lengths[index] < most]
    answers: list[tuple[list[int], bool]] = [([], True) for _ in prompts]
    with evaluating(model), _asking_for_nothing(causal_model(model)) as causal:
        for group in groups:
            found = _generated(causal, [prompts[index] for index in group], lengths[group[0]], stops, pad_id)
            for index, ids in zip(group, found, strict=True):
                before_end = list(takewhile(lambda token: token not in stops, ids))
                answers[index] = before_end, len(before_end) == len(ids)
    return answers


def _generated(
    causal: Any, prompts: Sequence[Sequence[int]], most: int, stops: Collection[int], pad_id: int
) -> list[list[int]]:
    from transformers import GenerationConfig

    width = max(map(len, prompts))
    ids = torch.full((len(prompts), width), pad_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    device = next(causal.parameters()).device
    config = GenerationConfig(
        max_new_tokens=most,
        do_sample=False,
        num_beams=1,
        pad_token_id=pad_id,
        eos_token_id=sorted(stops) or None,
    )
    output = causal.generate(
        input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=config
    )
    return [row.tolist() for row in output[:, width:]]


@contextmanager
def _asking_for_nothing(causal: Any) -> Iterator[Any]:
    """Take the checkpoint's generation_config away inside: `generate` fills what we leave open from it."""
    from transformers import GenerationConfig

    own = causal.generation_config
    causal.generation_config = GenerationConfig()
    try:
        yield causal
    finally:
        causal.generation_config = own
