# A part of _accelerator.pyx: many rows, encoded and divided by the shards of the sink.

cdef class _Shard:
    """The rows of one shard, as they are collected."""

    cdef Out out
    cdef list identities
    cdef list sizes
    cdef list operations
    cdef list positions

    def __cinit__(self):
        self.out.room = 2048
        self.out.used = 0
        self.out.data = <char*>PyMem_Malloc(self.out.room)
        if self.out.data == NULL:
            raise MemoryError
        self.identities, self.sizes, self.operations, self.positions = [], [], [], []

    def __dealloc__(self):
        PyMem_Free(self.out.data)


def encode_by_shard(encoders, leads, rows, uint32_t seed, int shards):
    """Encode rows, and divide them by the CRC-32 of their identities.

    `encoders`: one of all rows, or a list with that of each; `leads`: None, or the tuple of the
    first values of each row; `rows`: the other values. Returns (shard, identities, rows end to end,
    their sizes, their operations, their positions) of each shard that has rows. Raises what an
    encoder raises, and ValueError where the numbers of them differ.
    """
    cdef list collected = [None] * shards
    cdef Py_ssize_t position = 0, begin, body = 0, end = 0, count = len(rows)
    cdef RowEncoder encoder = None
    cdef bint each = type(encoders) is list
    cdef _Shard mine
    cdef Out scratch
    cdef uint32_t chosen
    cdef tuple values, lead = None
    if (each and len(encoders) != count) or (leads is not None and len(leads) != count):
        raise ValueError("the numbers of encoders, leads and rows differ")
    scratch.room = 4096
    scratch.used = 0
    scratch.data = <char*>PyMem_Malloc(scratch.room)
    if scratch.data == NULL:
        raise MemoryError
    try:
        for position in range(count):
            given = rows[position]
            values = given if type(given) is tuple else tuple(given)
            if leads is not None:
                lead = leads[position]
            one = encoders[position] if each else encoders
            scratch.used = 0
            if type(one) is RowEncoder and (
                len(values) + (0 if lead is None else len(lead)) == (<RowEncoder>one)._arguments
                and (<RowEncoder>one)._row(&scratch, lead, values, &body, &end)
            ):
                operation = (<RowEncoder>one)._operation
                identity = PyBytes_FromStringAndSize(scratch.data + body, end - body)
                begin = scratch.used
            else:
                given = values if lead is None else lead + values
                if type(one) is RowEncoder:
                    identity, wire, operation = (<RowEncoder>one)._other(<tuple>given)
                else:
                    identity, wire, operation = one(*given)
                begin = PyBytes_GET_SIZE(wire)
                scratch.used = 0
                _reserve(&scratch, begin)
                memcpy(scratch.data, PyBytes_AS_STRING(wire), begin)
            chosen = _crc32(
                <const uint8_t*>PyBytes_AS_STRING(identity), PyBytes_GET_SIZE(identity), seed
            ) % <uint32_t>shards
            mine = collected[chosen]
            if mine is None:
                collected[chosen] = mine = _Shard()
            _reserve(&mine.out, begin)
            memcpy(mine.out.data + mine.out.used, scratch.data, begin)
            mine.out.used += begin
            mine.identities.append(identity)
            mine.sizes.append(begin)
            mine.operations.append(operation)
            mine.positions.append(position)
    finally:
        PyMem_Free(scratch.data)
    found = []
    for position in range(shards):
        mine = collected[position]
        if mine is not None:
            wire = PyBytes_FromStringAndSize(mine.out.data, mine.out.used)
            found.append(
                (position, mine.identities, wire, mine.sizes, mine.operations, mine.positions)
            )
    return found
