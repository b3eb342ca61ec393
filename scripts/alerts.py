"""The alerts: rules for Prometheus, and a paragraph of docs/operations.md for each."""

from __future__ import annotations

import json
from typing import NamedTuple


class Alert(NamedTuple):
    """One rule; `lasts` is how long its expression must hold, as Prometheus writes times."""

    name: str
    expression: str
    lasts: str
    severity: str
    summary: str
    """With the labels of the sample, as Prometheus' templates have them."""
    meaning: str
    look: str
    do: str


ALERTS = (
    Alert(
        "SyncGone",
        "absent(sync_build_info)",
        "5m",
        "critical",
        "No process of the sync answers",
        "Prometheus gets no metrics of any process: none runs, or its endpoint cannot be reached.",
        "Whether the process runs (`systemctl status`, `kubectl get pods`), and its last lines on "
        "stderr: a stop says why. Whether `curl ADDRESS/health` answers on the machine itself.",
        "Do what the stop's remedy says and start it. No offset is lost: it goes on at its last "
        "snapshot. When it runs, correct `http.host`, the port or the network policy.",
    ),
    Alert(
        "SyncProcessGone",
        "sync_process_up == 0",
        "2m",
        "critical",
        "Process {{ $labels.process }} of the run does not answer",
        "The address of the whole run cannot reach one of its processes. Its partitions are not "
        "read, and the others cannot close a snapshot without it.",
        "The supervisor's log, which says which process ended and why.",
        "If the supervisor does not start the run again by itself, start it again as a whole.",
    ),
    Alert(
        "SyncNotHealthy",
        "sync_healthy == 0",
        "2m",
        "critical",
        "A process makes no progress",
        "`/health` fails: no snapshot becomes durable and nothing is known to be waited for, or "
        "the run has failed and does not end.",
        "The problems that `/health` lists, the log, and with several processes whether all run.",
        "Start the run again, all of its processes. If it comes back, report it with the log.",
    ),
    Alert(
        "SyncNotReady",
        "sync_ready == 0",
        "15m",
        "warning",
        "Records do not come to their tables",
        "`/ready` has failed for a quarter of an hour, for whatever reason.",
        "The problems that `/ready` lists; each has its rule [above](#the-endpoint).",
        "What the problem's text says. The alerts below are the single reasons.",
    ),
    Alert(
        "SyncLagHigh",
        "max by (topic, partition) (sync_partition_lag_seconds) > 300",
        "10m",
        "warning",
        "{{ $labels.topic }} {{ $labels.partition }} is {{ $value | humanizeDuration }} behind",
        "The oldest record that is not durable is older than five minutes: more is produced than "
        "is written, or something waits.",
        "The waits; how full batches are and how long requests take; whether one partition "
        "lags or all do; whether a core is used up.",
        "One partition: look at its keys. All, with a core used up: more processes "
        "([Clusters](#clusters)). All, with slow requests: more `window.shards`, or a table "
        "that takes more.",
    ),
    Alert(
        "SyncPartitionStalled",
        "sync_partitions_stalled > 0",
        "1m",
        "critical",
        "{{ $value }} partitions are stalled though the brokers have more",
        "Nothing is read of a partition for `kafka.stalled_after` seconds, and no cause was found.",
        "The log, which has topic, partition and offset; the brokers' log and the partition's "
        "leader.",
        "Mend the partition on the brokers, or leave the records out "
        "([Batches that cannot be read](#batches-that-cannot-be-read)).",
    ),
    Alert(
        "SyncSnapshotLate",
        "max(sync_snapshot_age_seconds) > 600",
        "0m",
        "warning",
        "No snapshot for {{ $value | humanizeDuration }}",
        "After a crash now, so much would be read and written again. While a table or registry is "
        "waited for this is to be expected.",
        "The waits. Without any: whether all processes of the run are there.",
        "End what is waited for. Otherwise start the run again.",
    ),
    Alert(
        "SyncTableWaits",
        'max by (subject, code) (sync_wait_seconds{service="tablestore"}) > 300',
        "0m",
        "warning",
        "Table {{ $labels.subject }}: {{ $labels.code }} for {{ $value | humanizeDuration }}",
        "Rows of a table have been sent again for five minutes. Nothing is lost and reading waits.",
        "The code: `OTSCapacityUnitExhausted` is a hot key, `OTSNotEnoughCapacityUnit` a used up "
        "throughput, no code a network that is away. The log has the service's own words.",
        "[Spread the keys](#hot-partition-keys), raise the table's throughput, or mend the way to "
        "the endpoint.",
    ),
    Alert(
        "SyncRegistryAway",
        'max(sync_wait_seconds{service="registry"}) > 60',
        "0m",
        "warning",
        "The Schema Registry has not answered for {{ $value | humanizeDuration }}",
        "A record needs a schema that is not known yet, and no URL of the registry answers.",
        "The log, which names URL and cause.",
        "Start the registry, or correct `format.registry.url`. Nothing else is to be done.",
    ),
    Alert(
        "SyncBrokersAway",
        'max(sync_wait_seconds{service="kafka"}) > 60',
        "0m",
        "warning",
        "The brokers have not answered for {{ $value | humanizeDuration }}",
        "The brokers were asked for the ends of the partitions and do not answer for all of them.",
        "The brokers, and librdkafka's words in the log.",
        "Mend the brokers or the network; the run goes on by itself.",
    ),
    Alert(
        "SyncRejections",
        "sum(increase(sync_records_rejected_total[15m])) > 0",
        "0m",
        "info",
        "{{ $value | humanize }} records were rejected in a quarter of an hour",
        "Records could not become rows, or the service has rejected their rows. They are where "
        "`errors.dead_letters` says.",
        "The code of `sync_rejections_total`, and its line in [codes](codes.md); the last ten "
        "reasons on the page.",
        "Correct the producer or the mapping, then [replay](#replay) the dead letters.",
    ),
    Alert(
        "SyncManyRejections",
        "sum(rate(sync_records_rejected_total[15m])) "
        "/ sum(rate(sync_records_read_total[15m])) > 0.01",
        "5m",
        "critical",
        "{{ $value | humanizePercentage }} of all records are rejected",
        "More than one record in a hundred is rejected: rather a change of the format than single "
        "bad records.",
        "As above; what has changed at the producer or in `config.toml`.",
        "Stop the run when the dead letters are too many to keep (`errors.max_rejected_share` does "
        "it by itself), correct the cause, and replay.",
    ),
    Alert(
        "SyncDrift",
        "sum by (topic, kind) (increase(sync_drift_fields_total[1h])) > 0",
        "0m",
        "info",
        "Topic {{ $labels.topic }}: fields {{ $labels.kind }}",
        "Fields of a topic have appeared, vanished or changed their type while it was read.",
        "The log, which names the fields.",
        "Compare topic and configuration with `tablestore-sync drift` ([tools](tools.md)), and add "
        "columns where they are listed.",
    ),
    Alert(
        "SyncTopicWaits",
        "max(sync_topics_waiting) > 0",
        "15m",
        "warning",
        "{{ $value }} topics wait for their table",
        "`kafka.topics_pattern` has found topics without a table, or with an illegal name of one.",
        "The problems of `/ready`, or the log: topic, table and remedy.",
        "Create the table, or leave the topic out "
        "([Topics that wait](#topics-that-wait-for-their-table)).",
    ),
    Alert(
        "SyncRestarts",
        "max(increase(sync_restarts_total[1h])) > 3",
        "0m",
        "warning",
        "The run was started again {{ $value | humanize }} times in an hour",
        "It restarts for new partitions, and a supervisor restarts it after a crash. So often is "
        "neither.",
        "The log before each start: the reason of the end.",
        "What that reason's remedy says.",
    ),
    Alert(
        "SyncSlowRequests",
        "histogram_quantile(0.99, sum by (table, le) "
        "(rate(sync_request_duration_seconds_bucket[10m]))) > 5",
        "10m",
        "warning",
        "One request in a hundred to {{ $labels.table }} takes more than five seconds",
        "The service or the network is slow. Throughput is shards by rows, divided by this time.",
        "The codes of `sync_table_requests_total`; the console of the instance; the network.",
        "If it stays: more `window.shards` in a new recovery folder, or a nearer endpoint.",
    ),
    Alert(
        "SyncUnbalanced",
        "sum(increase(sync_records_unbalanced_total[1h])) > 0",
        "0m",
        "critical",
        "The counts do not balance",
        "What was read is not what was written, rejected and filtered: a fault of this software.",
        "The log, which has both numbers.",
        "Report it with the log. Compare the table with the topic before you rely on it.",
    ),
)


def rules() -> str:
    """docker/monitoring/alerts.yaml."""
    lines = [
        "# Made of scripts/alerts.py by `make pages`. docs/operations.md has a paragraph for each.",
        "groups:",
        "  - name: tablestore-sync",
        "    rules:",
    ]
    for alert in ALERTS:
        where = f"docs/operations.md#{alert.name.lower()}"
        lines += [
            f"      - alert: {alert.name}",
            f"        expr: {json.dumps(alert.expression)}",
            f'        for: "{alert.lasts}"',
            "        labels:",
            f"          severity: {alert.severity}",
            "        annotations:",
            f"          summary: {json.dumps(alert.summary)}",
            f"          description: {json.dumps(alert.meaning)}",
            f"          runbook: {json.dumps(where)}",
        ]
    return "\n".join([*lines, ""])


def paragraphs() -> str:
    """What docs/operations.md says of each alert."""
    return "\n".join(map(_paragraph, ALERTS))


def _paragraph(alert: Alert) -> str:
    lasts = "" if alert.lasts == "0m" else f" for {alert.lasts}"
    return (
        f"#### {alert.name}\n`{alert.expression}`{lasts}, {alert.severity}. {alert.meaning}\n"
        f"**Look at:** {alert.look}\n"
        f"**Do:** {alert.do}\n"
    )
