# A part of _accelerator.pyx: a buffer that grows, numbers in it, and checksums.

cdef struct Out:
    char* data
    Py_ssize_t used
    Py_ssize_t room
    uint8_t checksum      # of the row, so far

# Bytes of the frame of a row, and of a cell apart from its start and a string's bytes, at most.
cdef enum:
    MAX_HEAD = 24
    MAX_CELL = 32

cdef uint8_t[8][256] _TABLES
cdef uint32_t[4][256] _TABLES32

cdef void _fill_tables() noexcept:
    cdef int byte, bit, table
    cdef uint8_t crc
    cdef uint32_t wide
    for byte in range(256):
        wide = <uint32_t>byte
        for bit in range(8):
            wide = (wide >> 1) ^ 0xEDB88320u if wide & 1 else wide >> 1
        _TABLES32[0][byte] = wide
    for table in range(1, 4):
        for byte in range(256):
            wide = _TABLES32[table - 1][byte]
            _TABLES32[table][byte] = (wide >> 8) ^ _TABLES32[0][wide & 255]
    for byte in range(256):
        crc = <uint8_t>byte
        for bit in range(8):
            crc = <uint8_t>((crc << 1) ^ 0x07) if crc & 0x80 else <uint8_t>(crc << 1)
        _TABLES[0][byte] = crc
    for table in range(1, 8):
        for byte in range(256):
            _TABLES[table][byte] = _TABLES[0][_TABLES[table - 1][byte]]

_fill_tables()


cdef inline uint8_t _crc8(const uint8_t* data, Py_ssize_t size, uint8_t crc) noexcept nogil:
    while size >= 8:
        crc = (
            _TABLES[7][data[0] ^ crc] ^ _TABLES[6][data[1]]
            ^ _TABLES[5][data[2]] ^ _TABLES[4][data[3]]
            ^ _TABLES[3][data[4]] ^ _TABLES[2][data[5]]
            ^ _TABLES[1][data[6]] ^ _TABLES[0][data[7]]
        )
        data += 8
        size -= 8
    while size > 0:
        crc = _TABLES[0][data[0] ^ crc]
        data += 1
        size -= 1
    return crc


cdef inline uint32_t _crc32(const uint8_t* data, Py_ssize_t size, uint32_t crc) noexcept nogil:
    """As zlib's: what chooses the shard of a row must be the same in every process and run."""
    crc = ~crc
    while size >= 4:
        crc ^= data[0] | <uint32_t>data[1] << 8 | <uint32_t>data[2] << 16 | <uint32_t>data[3] << 24
        crc = (
            _TABLES32[3][crc & 255] ^ _TABLES32[2][crc >> 8 & 255]
            ^ _TABLES32[1][crc >> 16 & 255] ^ _TABLES32[0][crc >> 24]
        )
        data += 4
        size -= 4
    while size > 0:
        crc = (crc >> 8) ^ _TABLES32[0][(crc ^ data[0]) & 255]
        data += 1
        size -= 1
    return ~crc


cdef inline void _put32(char* to, uint32_t value) noexcept nogil:
    to[0] = <char>(value & 255)
    to[1] = <char>(value >> 8 & 255)
    to[2] = <char>(value >> 16 & 255)
    to[3] = <char>(value >> 24)


cdef inline void _put64(char* to, unsigned long long value) noexcept nogil:
    _put32(to, <uint32_t>value)
    _put32(to + 4, <uint32_t>(value >> 32))


cdef inline Py_ssize_t _varint(char* to, unsigned long long value) noexcept nogil:
    cdef Py_ssize_t size = 0
    while value > 127:
        to[size] = <char>(value & 127 | 128)
        value >>= 7
        size += 1
    to[size] = <char>value
    return size + 1


cdef inline int _reserve(Out* out, Py_ssize_t more) except -1:
    cdef char* larger
    cdef Py_ssize_t room
    if out.used + more > out.room:
        room = 2 * (out.used + more)
        larger = <char*>PyMem_Realloc(out.data, room)
        if larger == NULL:
            raise MemoryError
        out.data = larger
        out.room = room
    return 0


def crc32(const uint8_t[::1] data, uint32_t seed):
    """Return zlib's CRC-32 of bytes; for tests, which compare it with the library's."""
    return _crc32(&data[0], data.shape[0], seed) if data.shape[0] else seed


def crc8(const uint8_t[::1] data, uint8_t seed):
    """Return the CRC-8 SMBus of bytes; for tests, which compare it with the library's."""
    return _crc8(&data[0], data.shape[0], seed) if data.shape[0] else seed
