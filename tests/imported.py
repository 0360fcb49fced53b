"""`python -m tests.imported MODULE`: which modules are loaded once this one is, as JSON.

Split off the warm process, it first forgets what that one has loaded, all but Gradio and torch.
"""

import importlib
import json
import sys

OURS = ("app", "tokenunlearn", "nltk", "rouge_score", "scipy", "sklearn")

if __name__ == "__main__":
    for loaded in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[loaded]
    importlib.import_module(sys.argv[1])
    sys.stdout.write(json.dumps(sorted(sys.modules)))
