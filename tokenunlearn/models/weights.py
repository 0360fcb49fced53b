"""Safetensors files: how much memory those of a model need, and writing one whole or not at all."""

import errno
import json
import math
import os
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from tokenunlearn.errors import ModelError

MOST_HEADER = 100_000_000  # the format's own limit
_INTEGERS = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def folder_bytes(folder: Path, dtype: torch.dtype) -> int:
    """The bytes of all weights of a folder in `dtype`; whole numbers keep their size.

    Raises ModelError for a file that is no safetensors file.
    """
    return sum(_file_bytes(path, dtype) for path in sorted(folder.glob("*.safetensors")))


def counted_bytes(parameters: Mapping[str, int], dtype: torch.dtype) -> int:
    """The bytes in `dtype` of so many parameters of each stored type."""
    return sum(count * _INTEGERS.get(kind, dtype.itemsize) for kind, count in parameters.items())


def refuse_too_large(name: str, needed: int, free: int | None = None) -> None:
    """Nothing; raises ModelError for weights that need more memory than is free (None: ask the system)."""
    free = free_bytes() if free is None else free
    if needed > free:
        raise ModelError(
            what=f"The model {name} is too large for this machine.",
            why=f"Its weights need {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free.",
            fix="Close other programs, take a smaller model, or bf16 where the processor computes it.",
        )


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Replace `path` by a safetensors file of these tensors; when that fails, the old file stands.

    Raises OSError where the disk is full, the folder cannot be written or the file grows too large.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(dict(tensors), draft, metadata=dict(metadata))
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except SafetensorError as error:  # it wraps what the system said
        raise _system_error(error, path) from error
    finally:
        with suppress(OSError):  # on a read-only disk there is nothing to take away
            draft.unlink(missing_ok=True)


def free_bytes() -> int:
    """The memory that a new model can have: the processor's, and the GPU's where there is one."""
    free = psutil.virtual_memory().available
    return min(free, torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else free


def _system_error(error: SafetensorError, path: Path) -> OSError:
    """The system's error inside what safetensors says: "… No space left on device (os error 28)"."""
    number = re.search(r"os error (\d+)|code: (\d+)", str(error))
    if number is None:
        return OSError(errno.EIO, str(error), str(path))
    code = int(number[1] or number[2])
    return OSError(code, os.strerror(code), str(path))


def _file_bytes(path: Path, dtype: torch.dtype) -> int:
    tensors = _header(path)
    return sum(
        counted_bytes({str(tensor["dtype"]): math.prod(tensor["shape"])}, dtype)
        for name, tensor in tensors.items()
        if name != "__metadata__"
    )


def _header(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MOST_HEADER:
                raise ValueError("its header is too long")
            return json.loads(file.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise ModelError(
            what=f"The weights {path.name} cannot be read.",
            why=f"The file is damaged, incomplete or no safetensors file ({error}).",
            fix="Get the file again.",
            where=str(path),
        ) from error
