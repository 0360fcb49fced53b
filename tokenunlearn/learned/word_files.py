"""Words with their states as a safetensors file: a model reads our annotated rows once and never again."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from tokenunlearn.learned.words import Words
from tokenunlearn.models.weights import write_tensors

_KINDS: Final = {"states": np.float32, "labels": np.float64, "rows": np.int64, "numbers": np.int64}


def write_words(path: Path, words: Words) -> None:
    """Replace `path` by the words. Raises OSError as `write_tensors` does."""
    write_tensors(path, {name: torch.from_numpy(getattr(words, name)) for name in _KINDS}, {})


def read_words(path: Path) -> Words | None:
    """Return the words in a file; None where there is none, or one whose arrays do not fit each other."""
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in _KINDS}
    except (OSError, SafetensorError):
        return None
    shapes = {name: array.shape for name, array in arrays.items()}
    count = shapes["states"][:1]
    fits = len(shapes["states"]) == 2 and all(shapes[name] == count for name in ("labels", "rows", "numbers"))
    typed = all(arrays[name].dtype == kind for name, kind in _KINDS.items())
    return Words(**arrays) if fits and typed and np.isfinite(arrays["states"]).all() else None
