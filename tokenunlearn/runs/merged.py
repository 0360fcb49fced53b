"""A run's model as one folder, its adapter merged into the weights: what any program can load."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenunlearn.errors import RunError
from tokenunlearn.models.adapters import merge
from tokenunlearn.models.loading import load_model
from tokenunlearn.runs.artifact import ADAPTER, read_artifact
from tokenunlearn.runs.disk import sync_directory
from tokenunlearn.runs.model_card import model_card, steps_made

FOLDER: Final = "merged"


def save_merged(
    directory: Path, config: Mapping[str, Any], probes: Mapping[str, Any] | None
) -> tuple[Path, int]:
    """Return the folder of the merged model and its size in bytes; it is written into the run's folder.

    Whole or not at all. Raises RunError where the run has no adapter or the disk has no room, ModelError
    where the merged model would say something else than the adapter does.
    """
    artifact = read_artifact(directory)
    if artifact is None or artifact.kind != ADAPTER:
        raise RunError(f"{directory.name} has no adapter to merge", "It trained nothing that was saved")
    loaded = load_model(config.get("model"), directory / "adapter", config.get("precision") or "auto")
    needed = sum(each.numel() * each.element_size() for each in loaded.model.get_base_model().parameters())
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise RunError(
            "The merged model does not fit on the disk",
            f"It takes {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free",
            where=str(directory),
        )
    model, _ = merge(loaded.model)
    draft = Path(tempfile.mkdtemp(prefix=".merged-", dir=directory))
    try:
        model.save_pretrained(draft)
        loaded.tokenizer.save_pretrained(draft)
        card = model_card(directory.name, config, probes, steps_made(directory))
        (draft / "README.md").write_text(card, encoding="utf-8")
        draft.chmod(0o755)
        target = directory / FOLDER
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    sync_directory(directory)
    return target, sum(file.stat().st_size for file in target.iterdir())
