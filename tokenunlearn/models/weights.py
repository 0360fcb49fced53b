"""Safetensors files: how much memory they need, whose weights they are, and writing one whole."""

import errno
import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from tokenunlearn.errors import ModelError
from tokenunlearn.models.model_folder import is_pointer, pointer, weight_files

MOST_HEADER = 100_000_000  # the format's own limit
_SAMPLE = 256  # bytes of each tensor: training changes every weight of a tensor that it changes at all
_INTEGERS = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def folder_bytes(folder: Path, dtype: torch.dtype, name: str = "") -> int:
    """Return the bytes of the weights of a folder's model in `dtype`; whole numbers keep their size.

    Raises ModelError for a file that is missing, damaged, cut off or of 8-bit numbers.
    """
    return sum(_file_bytes(path, dtype) for path in weight_files(folder, name or str(folder)))


def fingerprint(folder: Path) -> str:
    """Return 16 hex digits that stand for the weights in a folder, wherever it lies and whatever its name.

    Hashes each tensor's name, type, shape and first bytes in the order of the names, so that other shards
    or another header of the same weights give the same. The model has been loaded from there, so the files
    are whole. Raises ModelError where there are none.
    """
    tensors = []
    for path in weight_files(folder, str(folder)):
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            for name in header.keys() - {"__metadata__"}:
                start, end = header[name]["data_offsets"]
                file.seek(8 + length + start)
                begins = file.read(min(_SAMPLE, end - start))
                tensors.append((name, header[name]["dtype"], header[name]["shape"], begins.hex()))
    return hashlib.sha256(json.dumps(sorted(tensors)).encode()).hexdigest()[:16]


def counted_bytes(parameters: Mapping[str, int], dtype: torch.dtype) -> int:
    """Return the bytes in `dtype` of so many parameters of each stored type."""
    return sum(count * _INTEGERS.get(kind, dtype.itemsize) for kind, count in parameters.items())


def refuse_too_large(name: str, needed: int, free: int | None = None) -> None:
    """Raise ModelError for weights that need more memory than is free (None: ask the system)."""
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
    """Return the memory that a new model can have: the processor's, and the GPU's where there is one."""
    free = psutil.virtual_memory().available
    return min(free, torch.cuda.mem_get_info()[0]) if torch.cuda.is_available() else free


def _system_error(error: SafetensorError, path: Path) -> OSError:
    """Return the system's error inside what safetensors says: "… No space left on device (os error 28)"."""
    number = re.search(r"os error (\d+)|code: (\d+)", str(error))
    if number is None:
        return OSError(errno.EIO, str(error), str(path))
    code = int(number[1] or number[2])
    return OSError(code, os.strerror(code), str(path))


def _file_bytes(path: Path, dtype: torch.dtype) -> int:
    try:
        tensors = _tensors(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError) as error:
        raise ModelError(
            what=f"The weights {path.name} cannot be read.",
            why=f"The file is damaged, incomplete or no safetensors file ({str(error)[:200]}).",
            fix="Get the file again.",
            where=str(path),
        ) from error
    coarse = sorted({kind for kind, _ in tensors if kind.startswith(("F8", "F6", "F4", "I8"))})
    if coarse:
        raise ModelError(
            what=f"The weights {path.name} are quantised ({', '.join(coarse)}).",
            why="Numbers of 8 bits or fewer cannot be scored exactly, merged or trained.",
            fix="Choose the model's checkpoint in bf16 or fp32.",
            where=str(path),
        )
    return sum(counted_bytes({kind: count}, dtype) for kind, count in tensors)


def _tensors(path: Path) -> list[tuple[str, int]]:
    """Return the type and size of each tensor from the header, which must fit the file's length."""
    with path.open("rb") as file:
        start = file.read(8)
        if is_pointer(start):
            raise pointer(path)
        (length,) = struct.unpack("<Q", start)
        if length > MOST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    tensors = [record for name, record in header.items() if name != "__metadata__"]
    end = max((int(record["data_offsets"][1]) for record in tensors), default=0)
    size = path.stat().st_size
    if size != 8 + length + end:
        raise ValueError(f"it has {size:,} of {8 + length + end:,} bytes")
    return [(str(record["dtype"]), math.prod(record["shape"])) for record in tensors]
