"""The tests check shapes while they run: of every function and record that names one, and of no other."""

import jaxtyping
import pytest
import torch

from tests.shapes import shaped
from tokenunlearn.models import forward
from tokenunlearn.text.batching import Batch
from tokenunlearn.text.encoding import Encoding

IDS = torch.zeros(2, 3, dtype=torch.long)
ASKED = torch.zeros(2, 1, dtype=torch.long)


def batch(**other: torch.Tensor) -> Batch:
    tensors = {"ids": IDS, "attention_mask": IDS, "position_ids": IDS, "predicting": ASKED, "targets": ASKED}
    return Batch(**{**tensors, "answer_mask": ASKED.bool(), **other})


def test_a_tensor_of_another_shape_or_kind_is_refused() -> None:
    assert forward.gathered(torch.zeros(2, 3, 4), batch()).shape == (0, 4)
    with pytest.raises(jaxtyping.TypeCheckError):
        forward.gathered(torch.zeros(2, 3), batch())
    with pytest.raises(jaxtyping.TypeCheckError):
        batch(position_ids=IDS[:, 1:])
    with pytest.raises(jaxtyping.TypeCheckError):
        batch(answer_mask=ASKED)


def test_what_names_no_shape_is_left_as_it_is() -> None:
    assert shaped(forward.gathered) and shaped(forward.answer_hidden) and shaped(Batch)
    assert not shaped(forward.causal_model) and not shaped(Encoding)
    assert not hasattr(forward.causal_model, "__wrapped__") and hasattr(forward.gathered, "__wrapped__")
