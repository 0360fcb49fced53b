"""A scorer as a safetensors file, written to the same bits each time and read with every shape checked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from tokenunlearn.contents import opened
from tokenunlearn.errors import ModelError
from tokenunlearn.learned.scorer import FIT_AGAIN, VECTORS, Scorer
from tokenunlearn.models.weights import write_tensors

FORMAT: Final = "tokenunlearn.scorer"
VERSION: Final = 1
FILE: Final = "scorer.safetensors"


def write_scorer(path: Path, scorer: Scorer) -> None:
    """Replace `path` by the scorer as safetensors. Raises OSError as `write_tensors` does."""
    tensors = {name: torch.tensor(getattr(scorer, name), dtype=torch.float64) for name in VECTORS}
    tensors["intercept"] = torch.tensor([scorer.intercept], dtype=torch.float64)
    about = {"version": VERSION, "layer": scorer.layer, "made_of": dict(scorer.made_of)}
    # one entry, since several are written in an order that changes, and the file has a hash
    write_tensors(path, tensors, {FORMAT: json.dumps(about, sort_keys=True, ensure_ascii=False)})


def read_scorer(path: str | Path) -> Scorer:
    """Return the scorer in a file, or in the folder that `fit` has written.

    Raises ModelError for a file that is absent, damaged, of another format, or of numbers that fit nothing.
    """
    place = Path(path) / FILE if Path(path).is_dir() else Path(path)
    try:
        opened(place).close()  # a pipe would be waited for
        with safe_open(place, framework="np") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except (
        OSError,
        SafetensorError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # no such type in NumPy
        raise _damaged(
            place, str(error).splitlines()[0][:200] if str(error) else "It is not such a file"
        ) from error
    return _checked(place, _about(place, metadata.get(FORMAT, "")), arrays)


def _about(place: Path, text: str) -> Mapping[str, Any]:
    """Return what the file says of its numbers. Raises ModelError where that cannot be read."""
    try:
        about = json.loads(text)
        version = about["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(place, "It does not say of which scorer it is") from error
    if version != VERSION:
        raise _damaged(place, f"It is of version {str(version)[:20]}, and this is version {VERSION}")
    return about


def _checked(place: Path, about: Mapping[str, Any], arrays: Mapping[str, Any]) -> Scorer:
    missing = {*VECTORS, "intercept"} ^ set(arrays)
    if missing:
        raise _damaged(place, f"It should hold {', '.join(VECTORS)}, intercept and nothing else")
    width = arrays["coef"].size
    for name, array in arrays.items():
        shape = (1,) if name == "intercept" else (width,)
        if array.shape != shape or array.dtype != np.float64 or not width:
            why = f"{name} is {array.dtype} {list(array.shape)} and should be float64 {list(shape)}"
            raise _damaged(place, why)
        if not np.isfinite(array).all():
            raise _damaged(place, f"{name} holds numbers that are not finite")
    if (arrays["scale"] <= 0).any():
        raise _damaged(place, "scale holds a number that is not above 0")
    layer, made_of = about.get("layer"), about.get("made_of")
    if type(layer) is not int or not 1 <= layer <= 10_000:
        raise _damaged(place, f"Its layer is {str(layer)[:20]}")
    if not isinstance(made_of, Mapping) or not all(isinstance(text, str) for text in made_of.values()):
        raise _damaged(place, "What it was fitted on is not a list of texts")
    vectors = {name: arrays[name] for name in VECTORS}
    return Scorer(layer, **vectors, intercept=float(arrays["intercept"][0]), made_of=dict(made_of))


def _damaged(place: Path, why: str) -> ModelError:
    return ModelError(f"The scorer {place.name} cannot be read", why, FIT_AGAIN, str(place))
