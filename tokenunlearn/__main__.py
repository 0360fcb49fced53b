"""`python -m tokenunlearn`: the command line."""

import sys

from tokenunlearn.cli import main

if __name__ == "__main__":
    sys.exit(main())
