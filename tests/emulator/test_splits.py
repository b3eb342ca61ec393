"""Split points of a table by size."""

from emulator.wire import messages_pb2 as wire
from emulator.wire import plainbuffer as pb
from emulator.wire.decoder import decode_row
from tests.emulator.harness import Answer, Emulator, put, row
from tests.emulator.read_requests import invalid, key


def test_splits_divide_a_table_by_size(emulator: Emulator) -> None:
    table = emulator.make_table()
    for number in range(10):
        emulator.send("PutRow", put(table, row(key(number), [("c", "x" * 360_000)])))

    def split(**options: int) -> Answer:
        options.setdefault("split_size", 1)
        options.setdefault("split_size_unit_in_byte", 1 << 20)
        request = wire.ComputeSplitPointsBySizeRequest(table_name=table, **options)
        return emulator.send("ComputeSplitPointsBySize", request)

    for options, expected in (
        ({}, [3, 6, 9]),
        ({"split_size": 2}, [6]),
        ({"split_point_limit": 2}, [3, 6]),
        ({"split_point_limit": 1}, [6]),
        ({"split_point_limit": 9}, [3, 6, 9]),
        ({"split_size_unit_in_byte": 100 << 20}, []),
    ):
        found = wire.ComputeSplitPointsBySizeResponse.FromString(split(**options).body)
        points = [pb.python_value(decode_row(point).key[1][1]) for point in found.split_points]
        assert points == expected, options
        assert found.consumed.capacity_unit.read == 1
        assert sum(place.repeat for place in found.locations) == len(points) + 1
        assert all(len(place.location) == 32 for place in found.locations)
    assert split(split_size=0).error == invalid("The split_size should be greater than 0.")
    assert split(split_size_unit_in_byte=0).error == invalid(
        "The split_size_unit_in_byte should be greater equal than: 1048576"
    )
    assert split(split_point_limit=0).error[:2] == (400, "OTSParameterInvalid")
