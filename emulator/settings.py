"""The options of the server with their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from emulator import limits
from emulator.throughput import Limit

DEFAULT_PORT = 18087
DEFAULT_INSTANCE = "demo"
DEFAULT_KEY_ID = "demo-key"
DEFAULT_KEY_SECRET = "demo-secret"  # noqa: S105 - printed at start, of use on loopback only


@dataclass(frozen=True)
class Options:
    """The options that are set at the start."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    data: Path | None = None
    """Folder of the database; None keeps everything in memory."""
    instances: tuple[str, ...] = (DEFAULT_INSTANCE,)
    access_key_id: str = DEFAULT_KEY_ID
    access_key_secret: str = DEFAULT_KEY_SECRET
    """The key of every instance that has none of its own."""
    instance_keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Access key id and secret of the instances that have their own."""
    open_pages: bool = False
    """Pages, counters and fault rules are served to every client instead of loopback only."""
    faults: Path | None = None
    """JSON file with the fault rules to begin with."""
    effects: int = 0
    """Changes kept in the log of effects; 0 keeps none."""
    answers: int = 1000
    """Requests kept in the log of answers."""
    ready_delay: float = 0.0
    """Seconds until a new table can be used; the service takes up to a minute."""
    not_ready_as: Literal["OTSTableNotReady", "OTSObjectNotExist", "OTSPartitionUnavailable"] = (
        "OTSTableNotReady"
    )
    latency: float = 0.0
    """Seconds added to each data request."""
    discard: bool = False
    """Check and count writes, and store nothing."""
    duplicates: Literal["lenient", "strict"] = "lenient"
    """Repeated rows in one batch. Lenient: applied in order unless they carry a check, as the
    official tests expect. Strict: the whole request is refused, as the API page says."""
    key_order: Literal["schema", "any"] = "schema"
    """Whether the columns of a primary key must come in the order of the schema (the texts of the
    service name them by position) or are put in order, as far as rows are concerned."""
    column_names: Literal["any", "documented"] = "any"
    """Which names attribute columns may have. Any: 1..255 bytes of UTF-8 that do not begin with
    `#`, which the service accepted in the official Java tests. Documented: letters, digits and
    `_`, as the guide says."""
    max_filters: int = limits.FILTERS
    """Conditions in one filter, combinations included. Guide: 10; official Java tests: 32."""
    table_names: Literal["shared", "separate"] = "shared"
    """Whether a wide-column table and a time series table of one instance may have the same name.
    Shared: no, as the guide says. Separate: yes; the official Java tests leave such tables."""
    analytical_stores: Literal["asked", "default"] = "asked"
    """Whether a time series table has an analytical store when its creation does not say. Asked:
    no, as in regions without such stores. Default: yes, as the page of CreateTimeseriesTable says;
    the store then counts as a table."""
    any_instance: bool = False
    """Every valid instance name is served, with tables of its own, to the keys of this server."""
    missing_table: Literal["request", "row"] = "request"
    """A batch with a missing table fails as a whole (the API page) or only that table's rows."""
    key_columns_count: bool = True
    """Whether a primary key column named in columns_to_get makes a row without other columns
    visible to GetRow and BatchGetRow (the guide hints at it)."""
    transaction_lifetime: float = 60.0
    """Seconds after which a local transaction is aborted. Service: 60."""
    meta_delay: float = 0.0
    """Seconds until QueryTimeseriesMeta finds a new series; on the service its index lags."""
    throughput: tuple[Limit, ...] = ()
    """Throughput limits of tables to begin with; the first that matches a table decides."""
    table_operations_per_second: float = 0.0
    """Rate above which table operations answer OTSQuotaExhausted; 0 means no limit. Service: 10."""

    def key_of(self, instance: str) -> tuple[str, str]:
        """Return access key id and secret of an instance."""
        return self.instance_keys.get(instance, (self.access_key_id, self.access_key_secret))
