"""The run of a rival: nothing is trained; the rival is made in one step, and probed as any other run is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenunlearn.data.splits import Splits
from tokenunlearn.fitting import check_rows
from tokenunlearn.models.language_model import LanguageModel
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes.evidence import ProbeSettings, Told
from tokenunlearn.probes.report import Report, probe_report
from tokenunlearn.rivals import check_rival, make_rival
from tokenunlearn.runs.artifact import RIVAL, Artifact, write_artifact
from tokenunlearn.runs.measured import before_report
from tokenunlearn.runs.run_probes import probes_of
from tokenunlearn.runs.run_rows import rows_of
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.settings import to_dict
from tokenunlearn.training.events import Event, Finished


@dataclass(frozen=True)
class RivalJob:
    """A loaded run of a rival: the target, the rival over it, and what it is."""

    directory: Path
    target: LoadedModel
    model: LanguageModel
    rows: Splits
    probes: ProbeSettings
    artifact: Artifact

    def before(self, told: Told) -> Report:
        """Return the Report of the target."""
        return before_report(self.directory.parent, self.target, self.rows, self.probes, told)

    def probe(self, told: Told) -> Report:
        """Return the Report of the rival."""
        return probe_report(self.model, self.rows, self.probes, told)

    def train(self, _resume: bool) -> Iterator[Event]:
        """Say that the one step, the making, is done."""
        yield Finished(1, "made")

    def save(self, _step: int) -> None:
        """Write what the rival is."""
        write_artifact(self.directory, self.artifact)


def load_rival(config: Mapping[str, Any], directory: Path) -> RivalJob:
    """Return the run of a rival, ready to be probed. Raises SettingError, InputError or ModelError."""
    probes = probes_of(config)
    rows, wanted = rows_of(config), config["rival"]
    settings = to_dict(check_rival(wanted["name"], rows, wanted.get("settings") or {}))
    target = target_of(config)
    check_rows(target, rows.rows, other_words=True)
    model = make_rival(wanted["name"], target, rows, settings)
    return RivalJob(directory, target, model, rows, probes, Artifact(RIVAL, wanted["name"], settings))
