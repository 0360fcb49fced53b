"""A model of the Hugging Face hub as a folder of this machine: asked for by name, fetched file by file.

Only safetensors weights, configuration and tokenizer are fetched: nothing that could run code. Without a
network, what was fetched before is used.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tokenunlearn.errors import ModelError
from tokenunlearn.models.weights import counted_bytes, refuse_too_large

_WANTED = (".safetensors", ".json", ".model", ".txt", ".jinja")
_TIMEOUT = 10.0


def hub_folder(
    name: str, dtype: torch.dtype, told: Callable[[float], None], endpoint: str | None = None
) -> Path:
    """The folder of the hub's model `name`, fetched unless it is there already.

    `told` hears the share that is done, and may raise to end it. Raises ModelError: not there, gated, not
    reachable, without safetensors, too large for the memory.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError

    try:
        info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=_TIMEOUT)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or () if _is_wanted(file.rfilename)}
        _refuse_unfit(name, sizes, info, dtype)
        return _fetched(name, info.sha, sizes, told, endpoint)
    except GatedRepoError as error:
        raise ModelError(
            what=f"The model {name} is gated.",
            why="Its owners give access to those who ask for it.",
            fix=f"Ask for it on the page of {name} at the hub, then run `hf auth login` on this machine.",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            what=f"The hub knows no model {name}.",
            why="It is misspelt, was removed, or is private.",
            fix="Check the name; for a private one run `hf auth login` on this machine.",
        ) from error
    except (HTTPError, OSError) as error:  # OSError: no network, offline, or a full disk
        return _kept(name, error)


def _is_wanted(file: str) -> bool:
    """Whether a file is one of the model's own; what lies in folders are other formats of it."""
    return file.endswith(_WANTED) and "/" not in file


def _refuse_unfit(name: str, sizes: dict[str, int], info: Any, dtype: torch.dtype) -> None:
    weights = sum(size for file, size in sizes.items() if file.endswith(".safetensors"))
    if not weights:
        raise ModelError(
            what=f"The model {name} has no safetensors weights.",
            why="Only safetensors are loaded; pickled weights can run code.",
            fix="Take a model that has them.",
        )
    counted = info.safetensors.parameters if info.safetensors else None
    refuse_too_large(name, counted_bytes(counted, dtype) if counted else weights)


def _fetched(
    name: str, commit: str | None, sizes: dict[str, int], told: Callable[[float], None], endpoint: str | None
) -> Path:
    from huggingface_hub import hf_hub_download

    done, whole, folder = 0, max(1, sum(sizes.values())), None
    for file in sorted(sizes, key=sizes.__getitem__):
        told(done / whole)
        folder = Path(hf_hub_download(name, file, revision=commit, endpoint=endpoint)).parent
        done += sizes[file]
    assert folder is not None
    return folder


def _kept(name: str, error: BaseException) -> Path:
    """The folder of an earlier time. Raises ModelError when there is none."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):
        folder = Path()
    if not list(folder.glob("*.safetensors")) or not (folder / "config.json").is_file():
        raise ModelError(
            what=f"The model {name} could not be fetched.",
            why=f"The hub cannot be reached from this machine ({_reason(error)}).",
            fix="Check the network, or name a folder of this machine.",
        ) from error
    return folder


def _reason(error: BaseException) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    return "HF_HUB_OFFLINE is set" if isinstance(error, OfflineModeIsEnabled) else type(error).__name__
