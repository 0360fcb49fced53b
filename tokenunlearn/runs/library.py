"""Which job a config describes, and the parts that drive each: all that a worker needs of the library."""

from collections.abc import Mapping
from operator import methodcaller
from pathlib import Path
from typing import Any

from tokenunlearn.runs.job import compare, load_job
from tokenunlearn.runs.parts import Parts
from tokenunlearn.runs.rival_job import load_rival


def library_parts() -> Parts:
    """The parts that load, probe, train and save on a real model."""
    return Parts(
        load=load,
        before=methodcaller("before"),
        probe=methodcaller("probe"),
        compare=compare,
        train=lambda job, resume: job.train(resume),
        save=lambda job, step: job.save(step),
    )


def load(config: Mapping[str, Any], directory: Path) -> Any:
    """The job of a run's folder. Raises what the loading of its kind does."""
    return load_rival(config, directory) if config.get("rival") else load_job(config, directory)
