"""`python -m tests.fuzz --inputs 1000000 --seed 1`: exit code 1 when one ends a process."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.fuzz.run import SHARES, run


def main() -> int:
    """Try the inputs of each kind, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=[*SHARES], help="only this one")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    found = 0
    for kind, share in SHARES.items():
        if given.kind not in (None, kind):
            continue
        number = given.inputs if given.kind else given.inputs * share // 100
        begin = time.process_time()
        outcomes, failures = run(kind, number, given.seed)
        found += len(failures)
        print(
            f"{kind}: {number:,} inputs, seed {given.seed}, {len(failures)} that end a process, "
            f"{time.process_time() - begin:.0f} CPU seconds",
            flush=True,
        )
        for outcome, times in outcomes.most_common():
            print(f"  {times:,} {outcome}", flush=True)
        for failure in failures:
            print(failure.text, flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
