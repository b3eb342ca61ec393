"""How a run begins and ends as a process: signals, the recovery folder, exit, restart."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from bytewax.run import _parse_args

from connectors.errors import ConfigError, StopRun
from connectors.run.context import Run, configure_logging
from connectors.run.recovery import RecoveryFolder
from connectors.settings import Settings
from connectors.settings.loading import load

log = logging.getLogger("sync")

HOW_TO_RUN = "python -m bytewax.run flows.sync -r state -s 5 -b 0"


def start(
    flow_id: str | Callable[[Settings], str],
    config: str | Settings | None,
    steps: Sequence[str],
    adapt: Callable[[Settings], Settings] | None = None,
) -> Run:
    """Begin the run of a flow in this process, with the settings of a file or given ones.

    Under `python -m bytewax.run` this takes the recovery folder named by -r, turns SIGTERM and
    SIGINT into a drain, and words the end. Anywhere else (a test, bytewax.visualize, a program
    that embeds the flow) it touches nothing outside: the caller has recovery and signals in hand.
    `adapt` fits the settings to a flow that reads another source; a flow whose state depends on
    settings is named by a function of them. Raises ConfigError, or StopRun when the recovery folder
    cannot be used.
    """
    alone = _under_bytewax_run()
    if alone:
        configure_logging()
        sys.excepthook = _word_the_end
    settings = config if isinstance(config, Settings) else load(config)
    name = flow_id if isinstance(flow_id, str) else flow_id(settings)
    origin = settings.kafka
    if adapt is not None:
        settings = adapt(settings)
    if not alone:
        run = Run(name, settings, None)
        run.origin = origin
        run.counts.alone = False  # whoever embeds it may run a cluster
        return run
    for key in () if adapt is not None else settings.without_effect():
        log.warning("%s has no effect: no topic of kafka.topics leads to it", key)
    arguments = _parse_args()
    recovery = None
    if arguments.recovery_directory is not None:
        contract = {
            "flow": name,
            "steps": [f"{name}.{step}" for step in steps],
            "shards": settings.window.shards,
        }
        recovery = RecoveryFolder.open(
            Path(arguments.recovery_directory),
            arguments.process_id or 0,
            settings.recovery.partitions,
            contract,
        )
    elif settings.recovery.required:
        raise StopRun(
            "no recovery folder: without one each start reads everything again from kafka.start.\n"
            f"  remedy: name a folder, such as `{HOW_TO_RUN}` (it is made when missing), or set "
            "recovery.required = false"
        )
    # Records live for a second in large numbers and hold no cycles: the default thresholds walk
    # them again and again, for a tenth of the time of the whole flow (docs/decisions).
    gc.set_threshold(200_000, 10, 10)
    gc.collect()
    gc.freeze()
    run = Run(name, settings, recovery)
    run.origin = origin
    run.counts.alone = not arguments.addresses
    _drain_on_signals(run)
    atexit.register(_end, run)
    return run


def _under_bytewax_run() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "bytewax.run"


def _drain_on_signals(run: Run) -> None:
    def handle(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if run.drain_reason is not None and not run.restart:
            log.warning(
                "%s again: ending at once, the next run goes on from the last snapshot", name
            )
            logging.shutdown()
            os._exit(128 + number)
        run.drain(name)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGUSR1, lambda *_: _tell(run, "now", with_rejected=True))


def _word_the_end(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the text of a stop that we ordered, and the whole traceback of anything else."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (StopRun, ConfigError)):
            log.error("stopped: %s", cause)
            return
        if type(cause).__module__ == "bytewax.recovery" or "is not a database" in str(cause):
            log.error(
                "stopped: the recovery folder cannot be used: %s: %s\n  remedy: its part-*.sqlite3 "
                "files belong together: restore all of them from one backup, or start with a new "
                "folder (-r)",
                type(cause).__name__,
                cause,
            )
            return
        cause = cause.__cause__ or cause.__context__
    sys.__excepthook__(kind, error, trace)


def _end(run: Run) -> None:
    """At the interpreter's exit: the last words, and the restart that new partitions ask for."""
    failed = getattr(sys, "last_value", None) is not None
    if not failed:
        for finish in run.at_clean_end:
            try:
                finish()
            except StopRun as error:
                log.warning("after the end: %s", error)
        run.counts.check_all()
    errors = run.settings.errors
    # Else the log has told them already.
    with_rejected = errors.tolerance == "all" and errors.dead_letters != "log"
    _tell(run, "failed" if failed else "ended", with_rejected)
    if run.restart and not failed:
        log.info("starting again: %s", run.drain_reason)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _tell(run: Run, state: str, with_rejected: bool) -> None:
    """The counts in one line, and the last rejections before it: places and reasons."""
    for told in run.counts.last_rejected() if with_rejected else ():
        sys.stderr.write(f"sync: rejected: {told}\n")
    text = " ".join(f"{name}={number}" for name, number in run.counts.account().items())
    sys.stderr.write(f"sync: {state}: {text}\n")
