"""TOFU with public annotations: how well each signal finds the facts in text that none of us wrote.

    python -m benchmarks.tofu ../shared/data FOLDER          forget01, 05 and 10 under the model as it is
    python -m benchmarks.tofu ../shared/data FOLDER gemma    the same under a second real model, and our kinds
    python -m benchmarks.tofu ../shared/data FOLDER arms     does it unlearn better: 7 arms, 3 seeds
    python -m benchmarks.tofu ../shared/data FOLDER taught   forget01 under a model that was taught it
    python -m benchmarks.tofu ../shared/data FOLDER validated  controls, bins, doses, verdict

Nothing was chosen on these rows: whatever they show is what the README says. What is measured is kept in
FOLDER, and a command that is run again goes on where it stopped.
"""

import sys
from pathlib import Path

from benchmarks.tofu import agreement, arms, gemma, taught, validated

COMMANDS = {
    "": agreement.run,
    "gemma": gemma.run,
    "arms": arms.run,
    "taught": taught.run,
    "validated": validated.run,
}

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or "".join(sys.argv[3:]) not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS["".join(sys.argv[3:])](Path(sys.argv[1]), Path(sys.argv[2])))
