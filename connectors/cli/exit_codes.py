"""What the exit code of a command means: the same in every command."""

from __future__ import annotations

DONE = 0
STOPPED = 1
USAGE = 2
FOUND = 3
INTERRUPTED = 130

# docs/cli.md has this table.
MEANINGS = {
    DONE: "Done, and nothing needs attention. `run`, `replay` and `backfill`: drained by SIGTERM "
    "or SIGINT.",
    STOPPED: "The configuration, the recovery folder, Kafka or Tablestore does not allow it. The "
    "text on stderr (of `check`: the list) names the cause and the remedy.",
    USAGE: "The command line is wrong, or `import-config` cannot translate what the connector's "
    "configuration says. Nothing was started.",
    FOUND: "The command did its work, and found what needs attention: a record that would be "
    "rejected, or a topic that no longer fits its configuration.",
    INTERRUPTED: "Ended by Ctrl-C. A run or replay that gets a second signal while it drains ends "
    "at once with 128 + the signal's number.",
}
