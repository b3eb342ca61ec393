"""`python -m tests.support.planted BUG MODULE ...`: runs a module with a bug of simulation/bugs.py.

The bug is planted in this process alone; nothing of it is in the product's code.
"""

import runpy
import sys

from simulation.bugs import BUGS


def main() -> None:
    """Plant the bug, and run the module as `python -m` does."""
    _, bug, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    with BUGS[bug]():
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
