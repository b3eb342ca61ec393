"""Analytical stores: their settings, which are kept and shown. No data goes into them.

On the service an analytical store is a second copy of the points of a table, for queries in SQL.
Rules are those of the vendor's pages on time series tables; defaults and the phases of the
synchronization are those that the official Java and Go tests expect.
"""

from typing import NamedTuple

from emulator import limits
from emulator.errors import ServiceError, invalid
from emulator.wire import messages_pb2 as wire

DEFAULT_NAME = "default_analytical_store"
STORES_PER_TABLE = 1
MIN_TIME_TO_LIVE = 2_592_000
"""Seconds: 30 days, as the guides of the SDKs say. The page of the message itself says one day."""
MISSING = "Requested analytical store does not exist."
EXISTS = "Requested analytical store already exists."
_FULL, _INCREMENTAL = 1, 2


class AnalyticalStore(NamedTuple):
    """The settings of one store; times in seconds."""

    name: str
    time_to_live: int = -1
    sync_option: int = _FULL
    is_filled: bool = True
    """Whether there were no points to copy when it was made: only new ones follow."""

    def message(self) -> wire.TimeseriesAnalyticalStore:
        """Return the settings as a message."""
        return wire.TimeseriesAnalyticalStore(
            store_name=self.name, time_to_live=self.time_to_live, sync_option=self.sync_option
        )

    def sync_stat(self) -> wire.AnalyticalStoreSyncStat:
        """Return the progress of the copy, which never advances in this server."""
        copies = self.sync_option == _FULL and not self.is_filled
        phase = _FULL if copies else _INCREMENTAL
        return wire.AnalyticalStoreSyncStat(sync_phase=phase, current_sync_timestamp=0)


def parse_store(message: wire.TimeseriesAnalyticalStore, is_filled: bool) -> AnalyticalStore:
    """Return the store a message describes; raises 400 for settings out of range."""
    if not limits.is_name(message.store_name.encode()):
        raise invalid(f"Invalid analytical store name: '{message.store_name}'.")
    store = AnalyticalStore(message.store_name, is_filled=is_filled)
    return change_store(store, message)


def change_store(
    store: AnalyticalStore, message: wire.TimeseriesAnalyticalStore
) -> AnalyticalStore:
    """Return the store with the settings that the message has; raises 400 as `parse_store`."""
    if message.HasField("time_to_live"):
        alive = message.time_to_live
        if alive != -1 and alive < MIN_TIME_TO_LIVE:
            raise invalid(
                f"Invalid time to live: {alive}. Reason: it must be -1 or at least"
                f" {MIN_TIME_TO_LIVE}."
            )
        store = store._replace(time_to_live=alive)
    if message.HasField("sync_option"):
        if message.sync_option not in (_FULL, _INCREMENTAL):
            raise invalid(f"Invalid sync option: {message.sync_option}.")
        store = store._replace(sync_option=message.sync_option)
    return store


def stores_of(
    request: wire.CreateTimeseriesTableRequest, by_default: bool
) -> list[AnalyticalStore]:
    """Return the stores of a new table: those given, or one with the default settings.

    `by_default` decides for a request that does not say whether it wants the latter.
    """
    stores = [parse_store(message, is_filled=True) for message in request.analytical_stores]
    says = request.HasField("enable_analytical_store")
    if not stores and (request.enable_analytical_store if says else by_default):
        stores = [AnalyticalStore(DEFAULT_NAME)]
    check_count(len(stores))
    return stores


def check_count(count: int) -> None:
    """Raise 400 for more stores than a table may have."""
    if count > STORES_PER_TABLE:
        raise invalid(f"The number of analytical stores exceeds the limit: {STORES_PER_TABLE}.")


def find_store(stores: list[AnalyticalStore], name: str) -> int:
    """Return the position of a store; raises 404 when it does not exist."""
    for index, store in enumerate(stores):
        if store.name == name:
            return index
    raise ServiceError("OTSObjectNotExist", MISSING)
