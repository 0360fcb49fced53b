"""Other tokens in the place of some: what the model itself might have written there."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch

from tokenunlearn.models.capabilities import evaluating
from tokenunlearn.models.forward import answer_hidden
from tokenunlearn.text.batching import Batch
from tokenunlearn.text.encoding import Encoding


@torch.inference_mode()
def drawn_instead(
    model: Any, encoding: Encoding, positions: Sequence[int], never: Collection[int], draws: int, seed: int
) -> np.ndarray:
    """Return ids that could stand at some positions of a row, int [draws, positions]; the first is above 0.

    Each is drawn from what the model says there after the row's own text, without the true token: a model
    that recites its row would draw that nearly always, and nothing would be replaced. Ids in `never` are
    left out as well, such as those that end a turn.
    """
    device = next(model.parameters()).device
    at = torch.tensor(list(positions))
    ids = torch.tensor([encoding.ids])
    batch = Batch(
        ids,
        torch.ones_like(ids),
        torch.arange(ids.shape[1])[None],
        (at - 1)[None],
        ids[:, at],
        torch.ones((1, len(at)), dtype=torch.bool),
    )
    with evaluating(model):
        vectors, logits_of = answer_hidden(model, batch.to(device))
        log_probs = logits_of(vectors).log_softmax(-1).double().cpu().numpy()
    log_probs[np.arange(len(at)), ids[0, at].numpy()] = -np.inf
    log_probs[:, sorted(never)] = -np.inf
    # The highest of log-probs plus Gumbel noise is a draw of the softmax; one seed gives one draw anywhere.
    noise = np.random.default_rng(seed).gumbel(size=(draws, *log_probs.shape))
    return np.asarray((log_probs + noise).argmax(-1))
