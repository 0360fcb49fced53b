"""Which job a config describes, and the parts that drive each: all that a worker needs of the library."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenunlearn.runs.job import compare
from tokenunlearn.runs.kinds import KINDS, kind_of
from tokenunlearn.runs.parts import Parts


def library_parts() -> Parts:
    """Return the parts that load, probe, train and save on a real model."""
    return Parts(
        load=load,
        before=lambda job, told: job.before(told),
        probe=lambda job, told: job.probe(told),
        compare=compare,
        train=lambda job, resume: job.train(resume),
        save=lambda job, step: job.save(step),
    )


def load(config: Mapping[str, Any], directory: Path) -> Any:
    """Return the job of a run's folder. Raises what the loading of its kind does."""
    module, _, name = KINDS[kind_of(config)].load.partition(":")
    return getattr(import_module(module), name)(config, directory)
