"""What a run leaves: an adapter of its own, or a rival over the target; one way to open either.

`artifact.json` is `{kind, name, settings}`. A run of an earlier version has none: it is an adapter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tokenunlearn.errors import RunError
from tokenunlearn.runs.damage import read_record
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.run_rows import rows_of

if TYPE_CHECKING:
    from tokenunlearn.models.language_model import LanguageModel

FILE: Final = "artifact.json"
KINDS: Final = ("adapter", "rival")
ADAPTER, RIVAL = KINDS
ADAPTER_FILES: Final = ("adapter_config.json", "adapter_model.safetensors")


def adapter_words(folder: Path) -> str:
    """Return what a person knows an adapter by: its folder, or the run that left it there."""
    return folder.parent.name if folder.name == ADAPTER else folder.name


@dataclass(frozen=True)
class Artifact:
    """One of `KINDS`; of a rival also its name in RIVALS and its settings."""

    kind: str
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def write_artifact(directory: Path, artifact: Artifact) -> None:
    """Say in a run's folder what the run left."""
    write_json_atomically(directory / FILE, asdict(artifact))


def read_artifact(directory: Path) -> Artifact | None:
    """Return what a run left; None where it has left nothing yet.

    Raises RunError for a file that says no kind.
    """
    record = read_record(directory / FILE)
    if record is not None:
        artifact = Artifact(record["kind"], record["name"], record["settings"])
        if artifact.kind not in KINDS:
            raise RunError(
                f"There is no artifact {artifact.kind!r}",
                f"There are: {', '.join(KINDS)}",
                where=str(directory / FILE),
            )
        if artifact.kind == RIVAL:
            return artifact
    whole = all((directory / "adapter" / name).is_file() for name in ADAPTER_FILES)
    return Artifact(ADAPTER) if whole else None


def open_artifact(directory: Path, config: Mapping[str, Any]) -> "LanguageModel":
    """Return the model that a run left; `config` is the run's.

    Raises RunError where there is none, ModelError.
    """
    artifact = read_artifact(directory)
    if artifact is None:
        what = f"{directory.name} has saved no adapter yet"
        raise RunError(what, fix="Wait for its end, or stop and keep it")
    from tokenunlearn.models.loading import load_model
    from tokenunlearn.rivals import make_rival
    from tokenunlearn.runs.run_target import target_of

    if artifact.kind == ADAPTER:
        return load_model(config.get("model"), directory / "adapter", config.get("precision") or "auto")
    return make_rival(artifact.name, target_of(config), rows_of(config), artifact.settings)
