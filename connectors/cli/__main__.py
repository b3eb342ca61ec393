"""`python -m connectors.cli` is `tablestore-sync` of a checkout."""

import sys

from connectors.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
