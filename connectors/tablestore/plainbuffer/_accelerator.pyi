from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connectors.records import Operation

_Block = Callable[[Any, Sequence[Any], Iterable[Sequence[Any]]], tuple[bytes, list[int]]]

def crc32(data: bytes, seed: int) -> int: ...
def crc8(data: bytes, seed: int) -> int: ...

class RowEncoder:
    def __init__(
        self,
        columns: Sequence[tuple[int, bytes, int, int]],
        keys: int,
        operation: Operation,
        number: int,
        generated: object,
        *,
        versioned: bool,
        deleted: bytes,
        deleted_checksums: bytes,
        condition: bytes,
        max_row: int,
        otherwise: Callable[..., tuple[bytes, bytes, Operation]],
        error: Callable[[str, str], Exception],
    ) -> None: ...
    @property
    def block(self) -> _Block | None: ...
    def rearranged(self, positions: Sequence[int], arguments: int) -> RowEncoder: ...
    def __call__(self, *values: Any) -> tuple[bytes, bytes, Operation]: ...

def encode_by_shard(
    encoders: Callable[..., tuple[bytes, bytes, Operation]]
    | list[Callable[..., tuple[bytes, bytes, Operation]]],
    leads: Sequence[tuple[Any, ...]] | None,
    rows: Sequence[Sequence[Any]],
    seed: int,
    shards: int,
) -> list[tuple[int, list[bytes], bytes, list[int], list[Operation], list[int]]]: ...
