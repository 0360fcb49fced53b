"""`python -m tests.unit.rank ADDRESS FOLDER VERB …`: one of the launcher's processes.

It loads no torch: the command is split off from the warm process at ADDRESS, with the environment that the
launcher gave. What it says goes into FOLDER/said, how many processes there are into FOLDER/ranks.
"""

import os
import sys
from pathlib import Path

from tests.warm import Split, split

if __name__ == "__main__":
    address, folder, *verb = sys.argv[1:]
    rank = os.environ["RANK"]
    Path(folder, "ranks", rank).write_text(os.environ["WORLD_SIZE"])
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    Split(split(address, "tokenunlearn", verb, Path(folder, "said", rank), environment)).wait(240)
