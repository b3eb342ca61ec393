"""One seed: the connector on simulated brokers and tables, run after run, until all is done."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

from connectors.errors import StopRun
from connectors.records import PlainMessage
from simulation.brokers import Brokers, Log
from simulation.checker import Checker, Produced, Verdict
from simulation.engine import Cluster
from simulation.outcome import Outcome
from simulation.plan import DEAD_LETTER_FAULTS, ENDS, REQUEST_FAULTS, TIMEOUT, TOPIC, Plan
from simulation.process import SimulatedProcess
from simulation.recovery import Snapshots
from simulation.service import Change, SimulatedService
from simulation.timeline import Crash, Timeline

MAX_TURNS = 150_000
MAX_RUNS = 40
_COLUMN = "flag"
"""A column that the table defines as an integer: text in it is what the service rejects."""


class World:
    """The simulated world of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed + 1)
        self.timeline = Timeline()
        self.brokers = Brokers(self.timeline, self.chance, TOPIC)
        self.service = SimulatedService(self.timeline, self.chance)
        self.checker = Checker()
        self.snapshots = Snapshots()
        self.folder: dict[str, str] = {}
        self.lost_offset = "stop"
        self.outcome = Outcome(plan, Verdict())
        self.runs = 0
        self._calls = self._turns = 0
        self._ends: dict[int, str] = {}
        self._cluster: Cluster | None = None
        self._processes: list[SimulatedProcess] = []
        self._quiet_after = 0.0
        self._errors: list[BaseException] = []
        self._killed = False
        self._excuses: set[str] = set()
        self._set_up()

    # Before it begins

    def _set_up(self) -> None:
        service, brokers, checker = self.service, self.brokers, self.checker
        service.create(TOPIC, (("id", "string"),), flag="integer")
        if self.plan.configuration == 0:
            key = (("topic_partition", "string"), ("offset", "integer"))
            service.create("dead_letters", key)
        brokers.logs = [Log() for _ in range(self.plan.partitions)]
        service.on_change = self._changed
        service.fired = brokers.fired = self.fired
        brokers.on_commit = checker.committed
        brokers.on_dead_letter = self._dead_letter
        self.snapshots.on_durable = self._durable
        for record in self.plan.records:
            self.timeline.at(record.time, self._produce, record)
            self._quiet_after = max(self._quiet_after, record.time)
        for fault in self.plan.faults:
            if fault.kind in REQUEST_FAULTS:
                service.faults[int(fault.at)] = fault.kind
            elif fault.kind in DEAD_LETTER_FAULTS:
                brokers.dead_letter_faults[int(fault.at)] = fault.kind
            elif fault.kind not in ENDS:
                self.timeline.at(fault.at, self._strike, fault.kind, fault.value)
                self._quiet_after = max(self._quiet_after, fault.at)

    def fired(self, kind: str) -> None:
        """Count a fault that has had its effect."""
        self.outcome.fired[kind] += 1

    def note(self, *what: object) -> None:
        """Add a line to the trace."""
        self.outcome.trace.append((round(self.timeline.now, 6), *what))

    def _produce(self, planned: Any) -> None:
        partition = planned.partition % len(self.brokers.logs)
        if planned.kind == "gap":
            self.brokers.skip(partition)
            return
        key = f"p{partition}k{planned.key}"
        columns: dict[str, object] = {"n": planned.number, f"c{planned.number % 3}": planned.time}
        value: bytes | None = _json(columns)
        kind: Any = "update" if self.plan.configuration == 2 else "put"
        if planned.kind == "delete":
            value, kind = None, "delete"
        elif planned.kind == "poison":
            value, kind = b"{nope", "reject"
        elif planned.kind == "invalid":
            value, kind = _json({"n": planned.number, _COLUMN: "text"}), "refuse"
        offset = self.brokers.append(partition, key.encode(), value)
        place = TOPIC, partition, offset
        self.checker.produced(
            Produced(place, TOPIC, key, kind, tuple(sorted(columns.items())), value)
        )
        self.note("produce", partition, offset, key, planned.kind)

    def _strike(self, kind: str, value: float) -> None:
        now, brokers, service = self.timeline.now, self.brokers, self.service
        self.note("fault", kind, value)
        if kind == "brokers_away":
            brokers.away_until = now + value
            self._excuses |= {"no metadata", "no watermarks", "no offsets of"}
        elif kind == "retention":
            self._retention(value)
        elif kind == "new_partition":
            brokers.logs.append(Log())
        elif kind == "table_gone":
            service.gone_until[TOPIC] = now + value
            self._excuses |= {"does not exist", "OTSObjectNotExist", "HTTP 404"}
        elif kind == "throttled":
            service.throttled_until = now + value
        elif kind == "denied":
            service.denied_until = now + value
            self._excuses |= {"OTSNoPermissionAccess", "HTTP 403"}
        elif kind == "clock":
            self.timeline.jump += value
        elif kind == "transport_error":
            brokers.errors += 1
        if kind not in ("table_gone", "throttled", "denied", "retention"):
            self.fired(kind)
        self._quiet_after = max(self._quiet_after, now + (0 if kind == "clock" else value))

    def _retention(self, share: float) -> None:
        """The brokers remove records, also some that were not read yet."""
        for number, log in enumerate(self.brokers.logs):
            before = int(log.end * min(1.0, share))
            if before <= log.low:
                continue
            stored = self.checker.stored_offset((TOPIC, number))
            removed = range(max(log.low, stored), before)
            self.checker.removed((TOPIC, number, offset) for offset in removed)
            self.brokers.remove_before(number, before)
            self.fired("retention")
            self._excuses.add("is not there any more")

    # What happens meanwhile

    def called(self, process: SimulatedProcess, label: str, details: tuple[object, ...]) -> None:
        """See `SimulatedProcess.call`."""
        if not process.alive:
            raise Crash
        self._calls += 1
        self.outcome.calls += 1
        self.outcome.trace.append((round(self.timeline.now, 6), process.index, label, *details))
        end = self._ends.get(self._calls)
        if end == "crash":
            self.note("killed", process.index, "at call", self._calls)
            self.fired("crash")
            self.outcome.crashes += 1
            self._die(process)
            raise Crash
        if end == "sigterm":
            self.note("sigterm")
            self.fired("sigterm")
            for each in self._processes:
                each.run.drain("SIGTERM")

    def _die(self, process: SimulatedProcess) -> None:
        """One process is gone; the others of the run follow a little later."""
        process.kill()
        self._killed = True
        self.timeline.at(self.timeline.now + self.chance.random() * 0.2, self._kill_all, self.runs)

    def _kill_all(self, run: int) -> None:
        if run == self.runs:
            for process in self._processes:
                process.kill()

    def failed(self, process: Any, error: Exception) -> None:
        """A process ends with an error."""
        self.note("ended", process.index, type(error).__name__)
        self._errors.append(error)
        if self._cluster is not None:
            for worker in self._cluster.workers:
                if worker.process is process:
                    with suppress(Crash):
                        worker.close()
        self._die(process)

    def _changed(self, run: int, change: Change) -> None:
        if change.table != TOPIC:
            partition = int(change.key[0].rpartition("_")[2])
            place = TOPIC, partition, int(change.key[1])
            self.note("dead_letter", *place[1:])
            self.checker.dead_lettered(run, place, change.columns.get("value"))
            return
        key = str(change.key[0])
        partition = int(key[1 : key.index("k")])
        if change.operation == "delete":
            log = self.brokers.logs[partition]
            found = self.checker.last_delete(TOPIC, key, log.seen_to)
        else:
            found = self._place_of(partition, int(change.columns["n"]))
        self.note("effect", key, change.operation, found and found[2])
        if found is not None:
            self.checker.applied(run, found, is_exact=change.operation != "delete")

    def _place_of(self, partition: int, number: int) -> tuple[str, int, int] | None:
        return self.checker.place_of(TOPIC, partition, "n", number)

    def _dead_letter(self, run: int, message: PlainMessage) -> None:
        headers = dict(message.headers() or ())
        place = (
            TOPIC,
            int(headers["__connect.errors.partition"] or b""),
            int(headers["__connect.errors.offset"] or b""),
        )
        self.note("dead_letter", *place[1:])
        self.checker.dead_lettered(run, place, message.value())

    def _durable(self) -> None:
        offsets, waiting = self.snapshots.durable_state()
        frontier = self.snapshots.frontier()
        self.note("durable", frontier, sorted(offsets.values()), len(waiting))
        self.checker.stored(offsets, waiting)

    def turn(self, until: float = float("inf")) -> bool:
        """Let one thing happen. False when nothing is left to do."""
        self._turns += 1
        if self._turns > MAX_TURNS:
            if self._turns == MAX_TURNS + 1:
                self.checker.found("does_not_end", f"after {MAX_TURNS} turns, {self.runs} runs")
            self._kill_all(self.runs)
            return False
        if self._cluster is None:
            due = self.timeline.next_time()
            if due <= self.timeline.now:
                self.timeline.run_one()
            else:
                self.timeline.now = min(due, until)
            return min(due, until) < float("inf")
        return self._cluster.one_turn(until)

    # Runs

    def play(self) -> Outcome:
        """Run after run until everything is read and written; returns what came of it."""
        clean = False
        while self._turns <= MAX_TURNS and not self.checker.has_failed:
            clean = self._one_run()
            if clean and self._all_read():
                break
            if self.runs >= MAX_RUNS:
                self.checker.found("does_not_end", f"after {MAX_RUNS} runs")
                break
            self._pass_time(self.timeline.now + 1.2 * TIMEOUT)
        self._pass_time(self.timeline.now + 1.2 * TIMEOUT)
        rows = {
            (TOPIC, str(key[0])): tuple(sorted(columns.items()))
            for key, columns in self.service.rows(TOPIC).items()
        }
        committed = self.brokers.committed if clean and not self._gaps_at_end() else None
        self.outcome.verdict = self.checker.judge(
            rows, once_a_run=self.plan.configuration != 0, committed=committed
        )
        self.outcome.runs = self.runs
        return self.outcome

    def _gaps_at_end(self) -> bool:
        return self.outcome.fired["retention"] > 0

    def _pass_time(self, until: float) -> None:
        while self.timeline.next_time() <= until:
            self.timeline.now = max(self.timeline.now, self.timeline.next_time())
            self.timeline.run_one()
        self.timeline.now = max(self.timeline.now, until)

    def _one_run(self) -> bool:
        """One run; returns whether it ended cleanly."""
        number = self.runs
        self.runs += 1
        self._calls = 0
        self._errors, self._killed = [], False
        self._ends = {
            int(fault.at): fault.kind
            for fault in self.plan.faults
            if fault.kind in ENDS and int(fault.value) == number
        }
        for log in self.brokers.logs:
            log.read_to = 0
        workers = self.plan.workers
        count = workers[min(number, len(workers) - 1)]
        threads = self.plan.threads
        self.note("run", self.runs, "processes", count, "workers of each", threads)
        self.checker.resumed(*self.snapshots.durable_state())
        cluster = Cluster(
            self.timeline, self.snapshots, self.plan.interval, self.chance, self.failed
        )
        self._cluster = None
        try:
            self._processes = []
            for index in range(count):
                self._processes.append(SimulatedProcess(self, index, count, threads))
            cluster.start(
                [(process, flow) for process in self._processes for flow in process.flows]
            )
            self._cluster = cluster
            self._go_on(cluster)
        except Crash:
            pass
        except Exception as error:  # noqa: BLE001 - it is what ended the run
            self._errors.append(error)
            self._killed = True
        self._end_run(cluster)
        return not self._killed and not self._errors

    def _go_on(self, cluster: Cluster) -> None:
        ending = float("inf")
        while any(worker.process.alive and not worker.done for worker in cluster.workers):
            if not self.turn():
                if self._turns <= MAX_TURNS:
                    self.checker.found("stuck", "nothing is left to do, and the run has not ended")
                return
            now = self.timeline.now
            if now > self._quiet_after and ending == float("inf") and self._everything_is_read():
                ending = now + 0.3
            if now >= ending:
                ending = float("inf")
                for process in self._processes:
                    process.run.drain("the end")

    def _everything_is_read(self) -> bool:
        return all(log.read_to >= log.end for log in self.brokers.logs)

    def _end_run(self, cluster: Cluster) -> None:
        for process in self._processes:
            if not self._killed:
                with suppress(Crash):
                    process.run.finish()
            if process.run.counts.snapshot()["unbalanced"]:
                self.checker.found("unbalanced", f"the counts of run {self.runs}")
        if not self._killed:
            for worker in cluster.workers:
                worker.close()
        self._cluster = None
        for process in self._processes:
            process.kill()
        for error in self._errors:
            self._judge_end(error)

    def _judge_end(self, error: BaseException) -> None:
        text = str(error)
        self.note("error", type(error).__name__, text.splitlines()[0][:120])
        if not isinstance(error, StopRun) or not any(each in text for each in self._excuses):
            self.checker.found("unexpected_stop", f"{type(error).__name__}: {text[:300]}")
        if "is not there any more" in text:
            self.lost_offset = "earliest"
        # The operator corrects what the text names, and starts again.
        healed = max(self.service.denied_until, *self.service.gone_until.values(), 0.0)
        self._pass_time(max(self.timeline.now, healed))

    def _all_read(self) -> bool:
        stored = self.snapshots.states("read", self.snapshots.frontier())
        return self.timeline.now > self._quiet_after and all(
            stored.get(f"{TOPIC}:{number}", 0) >= log.end
            for number, log in enumerate(self.brokers.logs)
        )


def _json(value: dict[str, object]) -> bytes:
    return json.dumps(value).encode()
