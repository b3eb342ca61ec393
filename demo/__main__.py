"""`python -m demo`: see demo/run.py for the story; `python -m demo replay FOLDER`: its sequel."""

import sys

from demo.interruption import Interruption


def main() -> int:
    """Run the demo; the exit code says whether its accounting adds up."""
    interruption = Interruption()
    interruption.listen()
    # Imported only now: this takes half a second, and Ctrl-C in it should not show a traceback.
    from demo import replay, run  # noqa: PLC0415

    if sys.argv[1:2] == ["replay"]:
        return replay.main(sys.argv[2:], interruption)
    return run.main(sys.argv[1:], interruption)


if __name__ == "__main__":
    sys.exit(main())
