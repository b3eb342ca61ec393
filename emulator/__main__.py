"""`python -m emulator`, and the command `local-tablestore` of an installed package."""

import sys
from importlib.util import find_spec

_NEEDED = ("aiohttp", "google.protobuf")


def main() -> int:
    """Run the server; returns the exit code, 1 with a text when a package is missing."""
    missing = [name for name in _NEEDED if not _is_there(name)]
    if missing:
        sys.stderr.write(
            f"The local Tablestore needs {' and '.join(missing)}:"
            ' pip install "bytewax-tablestore[local]"\n'
        )
        return 1
    from emulator.cli import main as run  # noqa: PLC0415 - it imports what was looked for

    return run()


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package above it
        return False


if __name__ == "__main__":
    sys.exit(main())
