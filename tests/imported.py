"""`python -m tests.imported MODULE`: which modules are loaded once this one is, as JSON."""

import importlib
import json
import sys

if __name__ == "__main__":
    importlib.import_module(sys.argv[1])
    sys.stdout.write(json.dumps(sorted(sys.modules)))
