"""`python -m xcheck` is the command line."""

import sys

from xcheck.cli import main

if __name__ == "__main__":
    sys.exit(main())
