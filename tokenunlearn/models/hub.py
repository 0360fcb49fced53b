"""A model of the Hugging Face hub as a folder of this machine: asked for by name, fetched file by file.

Only safetensors weights, configuration and tokenizer are fetched: nothing that could run code. Without a
network, what was fetched before is used.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from tokenunlearn.errors import ModelError
from tokenunlearn.models.model_folder import CONFIG, INDEX, SINGLE, check_config, read_json, shard_names
from tokenunlearn.models.weights import counted_bytes, refuse_too_large

_WEIGHTS = ".safetensors"
_WANTED = (_WEIGHTS, ".json", ".model", ".txt", ".jinja")
_TIMEOUT = 10.0


def hub_folder(
    name: str, dtype: torch.dtype, told: Callable[[float], None], endpoint: str | None = None
) -> Path:
    """Return the folder of the hub's model `name`, fetched unless it is there already.

    `told` hears the share that is done, and may raise to end it. Raises ModelError: not there, gated, not
    reachable, without safetensors, too large for the memory.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError

    try:
        info = HfApi(endpoint=endpoint).model_info(name, files_metadata=True, timeout=_TIMEOUT)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or () if _is_wanted(file.rfilename)}

        def fetch(file: str) -> Path:
            return Path(hf_hub_download(name, file, revision=info.sha, endpoint=endpoint))

        counted = info.safetensors.parameters if info.safetensors else None
        if counted:
            refuse_too_large(name, counted_bytes(counted, dtype))
        sizes = _with_own_weights(name, sizes, fetch)
        if not counted:
            refuse_too_large(name, sum(sizes[file] for file in sizes if file.endswith(_WEIGHTS)))
        return _fetched(name, sizes, told, fetch)
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
    """Return whether a file is one of the model's own; what lies in folders are other formats of it."""
    return file.endswith(_WANTED) and "/" not in file and not file.startswith("adapter_")


def _with_own_weights(name: str, sizes: dict[str, int], fetch: Callable[[str], Path]) -> dict[str, int]:
    """Return the files, of the weights only those the model is loaded from: its single file or its index's.

    Raises ModelError where it has none.
    """
    named = {SINGLE} & set(sizes)
    if not named and INDEX in sizes:
        named = set(shard_names(read_json(fetch(INDEX)), INDEX))
    if not named:
        raise ModelError(
            what=f"The model {name} has no safetensors weights.",
            why="Only safetensors are loaded; pickled weights can run code.",
            fix="Take a model that has them.",
        )
    missing = sorted(named - set(sizes))
    if missing:
        raise ModelError(
            what=f"The model {name} lacks {len(missing)} of {len(named)} weight files.",
            why=f"{INDEX} names {missing[0]}, which the hub does not have.",
            fix="Take another model, or tell its owners.",
        )
    return {file: size for file, size in sizes.items() if not file.endswith(_WEIGHTS) or file in named}


def _fetched(
    name: str, sizes: dict[str, int], told: Callable[[float], None], fetch: Callable[[str], Path]
) -> Path:
    """Return the folder with all files.

    The configuration comes first, so that a refusal costs no download.
    """
    done, whole, folder = 0, max(1, sum(sizes.values())), None
    for file in sorted(sizes, key=lambda each: (each != CONFIG, sizes[each])):
        told(done / whole)
        path = fetch(file)
        if file == CONFIG:
            check_config(read_json(path), name)
        folder = path.parent
        done += sizes[file]
    assert folder is not None
    return folder


def _kept(name: str, error: BaseException) -> Path:
    """Return the folder of an earlier time. Raises ModelError when there is none."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):
        folder = Path()
    if not list(folder.glob("*.safetensors")) or not (folder / CONFIG).is_file():
        raise ModelError(
            what=f"The model {name} could not be fetched.",
            why=f"The hub cannot be reached from this machine ({_reason(error)}).",
            fix="Check the network, or name a folder of this machine.",
        ) from error
    return folder


def _reason(error: BaseException) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    return "HF_HUB_OFFLINE is set" if isinstance(error, OfflineModeIsEnabled) else type(error).__name__
