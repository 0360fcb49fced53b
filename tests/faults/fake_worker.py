"""A worker with a generator that trains nothing, run as its own process: `fake_worker.py RUN_DIR`.

The config's `fake` says how many steps there are, how long one lasts (seconds), and where it fails,
diverges or hangs.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tokenunlearn.runs import worker
from tokenunlearn.runs.disk import write_json_atomically
from tokenunlearn.runs.parts import Parts
from tokenunlearn.runs.worker import main
from tokenunlearn.training.events import Diverged, EvalDone, Finished, Saved, StepDone

HANGS = "hangs"  # the file that says that the step which hangs has begun


def command(directory):
    """Return the command line that runs this file as the worker of a run."""
    return [sys.executable, str(Path(__file__).resolve()), str(directory)]


class Job:
    """A model that is one number: how many steps were taken."""

    def __init__(self, config, directory):
        self.fake, self.directory, self.steps_taken = config["fake"], directory, 0
        worker.ENDING_SECONDS = self.fake.get("ending_seconds", worker.ENDING_SECONDS)
        time.sleep(self.fake.get("load_seconds", 0))

    def probe(self, _told):
        """Return a Report that says how far the model was trained when it was asked."""
        return {"summary": {"fact_joint": 1 / (1 + self.steps_taken)}, "answers": [], "tokens": []}

    def before(self, told):
        """Return the first Report, from the file `measured` where the config names one."""
        file = self.fake.get("measured")
        if not file:
            return self.probe(told)
        from tokenunlearn.runs.measured import kept  # loads torch, which no other worker here needs

        return kept(Path(file), lambda: self.probe(told), told)

    def save(self, step):
        """Write the adapter as a whole."""
        assert step == self.steps_taken, "saved under another step than the weights belong to"
        (self.directory / "adapter").mkdir(exist_ok=True)
        write_json_atomically(self.directory / "adapter" / "weights.json", {"steps_taken": step})

    def train(self, resume):
        """Yield the events of the steps that are left."""
        fake, steps = self.fake, self.fake["steps"]
        weights = self.directory / "adapter" / "weights.json"
        if resume and weights.is_file():
            self.steps_taken = json.loads(weights.read_text())["steps_taken"]
        for step in range(self.steps_taken + 1, steps + 1):
            if fake.get("hangs_at") == step:
                (self.directory / HANGS).touch()
                time.sleep(3600)
            time.sleep(fake.get("step_seconds", 0))
            if fake.get("fails_at") == step and not resume:
                raise ValueError(f"no such tensor in step {step}")
            if fake.get("diverges_at") == step:
                yield Diverged(step, "retain loss 3.1 > 2.0", fake.get("kept_step", step - 1))
                return
            self.steps_taken = step
            yield StepDone(step, steps, 1 / step, float("nan"), 0.5, 0.01)
            if step % fake.get("save_every", 5) == 0:
                self.save(step)
                yield Saved(step, "adapter")
                yield EvalDone(step, fact_joint=1 / (1 + step), answer_text=f"answer after {step}")
            if fake.get("enough_at") == step:
                yield Finished(step, "the fact is low enough")
                return
        yield Finished(steps, "all steps done")


def parts():
    """Return the parts of a run without a model."""
    return Parts(
        load=Job,
        before=Job.before,
        probe=Job.probe,
        compare=lambda before, after: (after, [{"before": before["summary"], "after": after["summary"]}]),
        train=Job.train,
        save=Job.save,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], parts, command))
