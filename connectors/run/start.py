"""How a run begins and ends as a process: signals, the recovery folder, exit, restart."""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from bytewax.run import _parse_args

from connectors.control.client import process_socket
from connectors.control.server import ControlServer
from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.run.embedding import present_embedding
from connectors.run.ends import kind_of, reason_of
from connectors.run.environment import STORE_ELSEWHERE
from connectors.run.exposure import exposures
from connectors.run.folder_lock import warn_of_readers
from connectors.run.link import SupervisorLink, keep_over_exec, was_paused
from connectors.run.log import apply, configure_logging, report_counts
from connectors.run.meters import count_restart
from connectors.run.operate import handlers
from connectors.run.recovery import RecoveryFolder
from connectors.run.stderr_capture import StderrCapture
from connectors.settings import Settings
from connectors.settings.kafka import KafkaSettings
from connectors.settings.loading import load

log = logging.getLogger("sync")

# What timely says each second while the processes wait for each other; a supervisor says it itself.
_CONNECTING = re.compile(r"worker \d+:\s+error connecting to worker")
HOW_TO_RUN = "python -m bytewax.run flows.sync -r state -s 5 -b 0"


def start(
    flow_id: str | Callable[[Settings], str],
    config: str | Settings | None,
    steps: Sequence[str],
    adapt: Callable[[Settings], Settings] | None = None,
) -> Run:
    """Begin the run of a flow in this process, with the settings of a file or given ones.

    Under `python -m bytewax.run` this opens the recovery folder named by -r, turns SIGTERM and
    SIGINT into a drain, and reports the end on stderr. Anywhere else (a test, bytewax.visualize, a
    program that embeds the flow) it changes nothing in the process: recovery and signals are the
    caller's.

    `steps` are the steps with state. `adapt` changes the settings for a flow that reads another
    source; `flow_id` may be a function of the settings where the state depends on them. Raises
    ConfigError, or StopRun when the recovery folder cannot be used.
    """
    owns_process = _under_bytewax_run()
    if owns_process:
        configure_logging()
        _process.link = SupervisorLink.inherited()
        sys.excepthook = _report_end
    settings = config if isinstance(config, Settings) else load(config)
    name = flow_id if isinstance(flow_id, str) else flow_id(settings)
    topics_kafka = settings.kafka
    if adapt is not None:
        settings = adapt(settings)
    if not owns_process:
        return _embedded_run(name, settings, topics_kafka)
    for key in () if adapt is not None else settings.without_effect():
        log.warning("%s has no effect: no topic of kafka.topics leads to it", key)
    arguments = _parse_args()
    apply(settings.log, arguments.process_id if arguments.addresses else None)
    for text in exposures(arguments.addresses, arguments.process_id, os.environ):
        log.warning("%s", text)
    warn_of_workers(arguments.workers_per_process or 1, arguments.process_id or 0)
    recovery = None
    if arguments.recovery_directory is not None:
        contract = {
            "flow": name,
            "steps": [f"{name}.{step}" for step in steps],
            "shards": settings.window.shards,
        }
        folder, process = Path(arguments.recovery_directory), arguments.process_id or 0
        recovery = RecoveryFolder.open(
            folder,
            process,
            settings.recovery.partitions,
            contract,
            on_locked=lambda: _capture_stderr(folder, process),
            supervised=_process.link is not None,
            has_store=os.environ.get(STORE_ELSEWHERE) != "true",
        )
    elif settings.recovery.required:
        raise StopRun(
            "no recovery folder: without one each start reads everything again from kafka.start.\n"
            f"  remedy: name a folder, such as `{HOW_TO_RUN}` (it is created when missing), or set "
            "recovery.required = false"
        )
    # Very many records live for about a second and hold no cycles. With the default thresholds the
    # collector visits them again and again, for a tenth of the flow's time (docs/decisions).
    gc.set_threshold(200_000, 10, 10)
    gc.collect()
    gc.freeze()
    run = Run(
        name,
        settings,
        recovery,
        topics_kafka=topics_kafka,
        single_process=not arguments.addresses,
    )
    run.owns_process = True
    run.beside_another = adapt is not None
    run.meters.process = arguments.process_id or 0
    if arguments.snapshot_interval is not None:
        run.meters.snapshot_interval = arguments.snapshot_interval.total_seconds()
    _process.run, _process.in_cluster = run, bool(arguments.addresses)
    run.paused = was_paused()
    _drain_on_signals(run)
    _take_commands(run, arguments.process_id or 0)
    atexit.register(_end, run)
    return run


def warn_of_workers(workers: int, process: int) -> None:
    """Say in the log of the first process that several workers of a process do not scale."""
    if workers > 1 and process == 0:
        log.warning(
            "-w %d: the workers of a process share one interpreter, so they are no faster than "
            "one, and often slower\n  remedy: take processes instead: `tablestore-sync run "
            "--processes %d` (docs/performance.md)",
            workers,
            workers,
        )


def _embedded_run(name: str, settings: Settings, topics_kafka: KafkaSettings) -> Run:
    """The run of a flow in a program that runs it itself, which may run a cluster."""
    here = present_embedding()
    if here is None:
        return Run(name, settings, None, topics_kafka=topics_kafka, single_process=False)
    run = Run(
        name,
        settings,
        None,
        topics_kafka=topics_kafka,
        clock=here.clock,
        now=here.now,
        sleep=here.sleep,
    )
    here.runs.append(run)
    return run


def _under_bytewax_run() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "bytewax.run"


def _take_commands(run: Run, process: int) -> None:
    """From the supervisor, or without one through a socket in the recovery folder."""
    commands = handlers(run, process)
    if _process.link is not None:
        _process.link.serve(run, commands)
    elif run.recovery is not None:
        path = process_socket(run.recovery.path, process)
        warn_of_readers(run.recovery.path)
        try:
            _process.control = ControlServer(path, commands)
        except OSError as error:
            log.warning("no commands to this run: socket %s: %s", path, error.strerror or error)


def _drain_on_signals(run: Run) -> None:
    def handle(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if run.drain_reason is not None and not run.restart:
            log.warning(
                "%s again: ending at once, the next run goes on from the last snapshot", name
            )
            _give_stderr_back()
            logging.shutdown()
            os._exit(128 + number)
        run.drain(name)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGUSR1, lambda *_: _report(run, "now", with_rejected=True))


def _report_end(
    error_type: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log the text of an ordered stop, and print the whole traceback of any other error.

    What Rust has printed of its panic goes with the traceback.
    """
    capture, link, run = _process.capture, _process.link, _process.run
    held = "" if capture is None else capture.held
    reason = reason_of(error, held, _process.recovery)
    kind = kind_of(error, reason)
    failure = None if run is None else run.failure
    if failure is not None and kind in ("peer", "error"):
        # Bytewax has raised what followed from it: the loss of a connection.
        error_type, error, trace = type(failure), failure, failure.__traceback__
        reason = reason_of(error, "", _process.recovery)
        kind = kind_of(error, reason)
    if capture is not None:
        capture.end(known=reason is not None or link is not None)
    if link is not None:
        whole = held + "".join(traceback.format_exception(error_type, error, trace))
        link.end(kind, whole if reason is None else reason)
    elif reason is not None:
        log.error("stopped: %s", reason)
    else:
        sys.__excepthook__(error_type, error, trace)


class _Process:
    """The signals, stderr and exit of a process that Bytewax's command started."""

    capture: StderrCapture | None = None
    run: Run | None = None
    recovery: Path | None = None
    link: SupervisorLink | None = None
    control: ControlServer | None = None
    in_cluster = False


_process = _Process()


def _capture_stderr(folder: Path, process: int) -> None:
    """Hold back what Rust prints, in a file of the recovery folder."""
    _process.recovery = folder
    if _process.capture is None:
        former = sys.stderr
        with contextlib.suppress(OSError):  # the run itself reports an unusable folder
            dropped = None if _process.link is None else _CONNECTING
            _process.capture = StderrCapture(folder / f"process-{process}.stderr", dropped)
        for handler in log.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is former:
                handler.setStream(sys.stderr)


def _end(run: Run) -> None:
    """At the interpreter's exit: finish the run, report it, and restart for new partitions."""
    failed = getattr(sys, "last_value", None) is not None
    if not failed:
        run.finish()
    if _process.control is not None:
        _process.control.close()
    errors = run.settings.errors
    # With "log" they are in the log already.
    with_rejected = errors.tolerance == "all" and errors.dead_letters != "log"
    if _process.link is not None and not (run.restart and not failed):
        # Only the supervisor knows the end of the whole run.
        notes = _notes(run, with_rejected)
        _process.link.say("counts", counts=run.counts.account(), notes=notes)
    else:
        _report(run, "failed" if failed else "ended", with_rejected)
    _give_stderr_back()
    if failed and _process.in_cluster:
        # Threads of Bytewax that still run would abort the process while Python tears down.
        logging.shutdown()
        sys.stderr.flush()
        os._exit(1)
    if run.restart and not failed:
        log.info("starting again: %s", run.drain_reason)
        count_restart()
        keep_over_exec(run)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def _give_stderr_back() -> None:
    if _process.capture is not None:
        _process.capture.end(known=False)


def _report(run: Run, state: str, with_rejected: bool) -> None:
    """Write the counts to stderr in one line, and before it the last rejections if wanted."""
    report_counts(state, run.counts.account(), _notes(run, with_rejected))


def _notes(run: Run, with_rejected: bool) -> list[str]:
    """Lines before the counts: the last rejections if wanted, and the tables that are throttled."""
    rejected = run.counts.last_rejected() if with_rejected else []
    notes = [f"rejected: {rejection}" for rejection in rejected]
    for table, numbers in run.counts.throttles().items():
        if numbers.is_throttled:
            limit = f"{numbers.rate_limit:.0f} rows/s" if numbers.rate_limit else "no limit of rows"
            slow = f", {numbers.in_flight_limit} in flight" if numbers.in_flight_limit else ""
            notes.append(f"throttled: table {table}: {limit}{slow}, {numbers.requests} requests")
    return notes
