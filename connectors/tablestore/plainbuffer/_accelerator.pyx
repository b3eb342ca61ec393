# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The encoder of the rows of one layout, compiled: the bytes that codegen.py's functions give.

It holds no rules of its own. What each cell is made of comes from `accelerated.py`, and a row that
this code does not accept is given to the generated function, which says what is wrong with it or
returns its row after all. So a missing check here costs speed and never correctness: all that is
written is written for values whose type and size were looked at.

One row is written from left to right into a buffer of the call. The checksum is CRC-8 SMBus, over
eight bytes at a time where there are so many (slicing by eight).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.unicode cimport PyUnicode_CheckExact
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef enum Kind:
    INTEGER = 0
    DOUBLE = 1
    BOOLEAN = 2
    STRING = 3
    BINARY = 4
    GENERATED = 5

cdef struct Column:
    int kind
    const char* start     # the cell up to the value's length
    Py_ssize_t start_size
    uint8_t seed          # the checksum of the name and the type byte
    Py_ssize_t max_bytes  # of a string or binary

include "_bytes.pxi"


cdef class RowEncoder:
    """Encodes rows of one layout: `encoder(*values)`, and `encoder.block(...)`."""

    cdef Column* _columns
    cdef Py_ssize_t _count
    cdef Py_ssize_t _keys
    cdef object _starts        # keeps the bytes alive that the columns point to
    cdef bint _versioned
    cdef Py_ssize_t _arguments
    cdef bint _delete
    cdef char _number          # of the operation, in the request
    cdef bytes _deleted
    cdef bytes _deleted_checksums
    cdef bytes _condition
    cdef object _operation
    cdef object _generated
    cdef Py_ssize_t _max_row
    cdef object _otherwise
    cdef object _error
    cdef Py_ssize_t* _order    # the argument of each column; NULL: they are in its order
    cdef dict _made_of
    cdef Py_ssize_t _usual     # bytes of a block, as the last ones were
    cdef bint _blocks

    def __cinit__(self, columns, keys, operation, number, generated, *, versioned, deleted,
                  deleted_checksums, condition, max_row, otherwise, error):
        """`columns`: (kind, start, seed, max bytes) of each; `otherwise`: takes what this does not.

        `deleted`: the cells of deleted columns, with `deleted_checksums`. `error`: what `block`
        raises, of a code and a reason.
        """
        cdef Py_ssize_t at
        self._made_of = {
            "columns": columns, "keys": keys, "operation": operation, "number": number,
            "generated": generated, "versioned": versioned, "deleted": deleted,
            "deleted_checksums": deleted_checksums, "condition": condition, "max_row": max_row,
            "otherwise": otherwise, "error": error,
        }
        self._order = NULL
        self._count = len(columns)
        self._keys = keys
        self._columns = <Column*>PyMem_Malloc(self._count * sizeof(Column))
        if self._columns == NULL:
            raise MemoryError
        starts = []
        for at, (kind, start, seed, max_bytes) in enumerate(columns):
            starts.append(start)
            self._columns[at].kind = kind
            self._columns[at].start = PyBytes_AS_STRING(start)
            self._columns[at].start_size = len(start)
            self._columns[at].seed = seed
            self._columns[at].max_bytes = max_bytes
        self._starts = starts
        self._operation = operation
        self._number = number
        self._delete = operation == "delete"
        self._generated = generated
        self._versioned = versioned
        self._arguments = self._count + self._versioned
        self._deleted = deleted
        self._deleted_checksums = deleted_checksums
        self._condition = condition
        self._max_row = max_row
        self._otherwise = otherwise
        self._error = error
        self._usual = 4096
        self._blocks = keys == 2 and len(columns) > 2 and not versioned

    def __dealloc__(self):
        PyMem_Free(self._columns)
        PyMem_Free(self._order)

    def rearranged(self, positions, Py_ssize_t arguments):
        """Return the encoder that takes so many arguments, and uses those at these positions.

        There is one position for the version, where there is one, and for each column.
        """
        cdef Py_ssize_t at
        cdef RowEncoder made = RowEncoder(**self._made_of)
        if len(positions) != self._arguments or min(positions) < 0 or max(positions) >= arguments:
            raise ValueError("these are not the positions of the encoder's arguments")
        made._order = <Py_ssize_t*>PyMem_Malloc(self._arguments * sizeof(Py_ssize_t))
        if made._order == NULL:
            raise MemoryError
        for at in range(self._arguments):
            made._order[at] = positions[at]
        made._arguments = arguments
        made._blocks = False
        return made

    cdef _other(self, tuple values):
        """Have the generated function encode a row, and raise what it raises."""
        cdef Py_ssize_t at
        if self._order == NULL or len(values) != self._arguments:
            return self._otherwise(*values)
        return self._otherwise(*[
            values[self._order[at]] for at in range(self._count + self._versioned)
        ])

    @property
    def block(self):
        """The method that encodes a block of rows; None where the layout has none."""
        return self.encode_block if self._blocks else None

    def __call__(self, *values):
        """Return (identity, wire, operation) of one row. Raises as the generated function does."""
        cdef Out out
        cdef Py_ssize_t body = 0, end = 0
        out.room = 1024
        out.used = 0
        out.data = <char*>PyMem_Malloc(out.room)
        if out.data == NULL:
            raise MemoryError
        try:
            if len(values) == self._arguments and self._row(&out, None, <tuple>values, &body, &end):
                identity = PyBytes_FromStringAndSize(out.data + body, end - body)
                wire = PyBytes_FromStringAndSize(out.data, out.used)
                return identity, wire, self._operation
        finally:
            PyMem_Free(out.data)
        return self._other(<tuple>values)

    def encode_block(self, first, seconds, rows):
        """Return the rows of one first key value as one piece of bytes, and the size of each."""
        cdef Out out
        cdef Py_ssize_t begin, key_end = 0, body = 0
        out.room = self._usual
        out.used = 0
        out.data = <char*>PyMem_Malloc(out.room)
        if out.data == NULL:
            raise MemoryError
        sizes = []
        try:
            iterator = iter(rows)
            for second in seconds:
                values = next(iterator, None)
                if values is None or len(values) != self._count - 2:
                    raise self._error("block", "a row is not accepted")
                begin = out.used
                if not self._block_row(&out, first, second, values if type(values) is tuple else tuple(values)):
                    raise self._error("block", "a row is not accepted")
                sizes.append(out.used - begin)
            if next(iterator, None) is not None:
                raise self._error("block", "a row is not accepted")
            if out.used > self._usual:
                self._usual = out.used
            return PyBytes_FromStringAndSize(out.data, out.used), sizes
        finally:
            PyMem_Free(out.data)

    cdef bint _row(
        self, Out* out, tuple lead, tuple values, Py_ssize_t* body, Py_ssize_t* key_end
    ) except -1:
        """Append a row of all its values, `lead` first; False where it is not accepted."""
        cdef Py_ssize_t at, taken, argument = 0, leads = 0 if lead is None else len(lead)
        cdef Py_ssize_t begin = out.used
        cdef char time[8]
        cdef int overflow = 0
        cdef long long version
        if self._versioned:
            argument = 1
            at = 0 if self._order == NULL else self._order[0]
            given = lead[at] if at < leads else values[at - leads]
            if not PyLong_CheckExact(given):
                return False
            version = PyLong_AsLongLongAndOverflow(given, &overflow)
            if overflow:
                return False
            _put64(time, <unsigned long long>version)
        self._begin(out)
        for at in range(self._count):
            if at == self._keys:
                key_end[0] = out.used
            taken = argument if self._order == NULL else self._order[argument]
            given = lead[taken] if taken < leads else values[taken - leads]
            if not self._cell(
                out, at, given, time if self._versioned and at >= self._keys else NULL
            ):
                return False
            argument += 1
        if self._count == self._keys:
            key_end[0] = out.used
        body[0] = begin + MAX_HEAD
        return self._end(out, begin, body, key_end)

    cdef bint _block_row(self, Out* out, first, second, tuple values) except -1:
        cdef Py_ssize_t at, begin = out.used, body = begin + MAX_HEAD, key_end = body
        self._begin(out)
        if not self._cell(out, 0, first, NULL) or not self._cell(out, 1, second, NULL):
            return False
        for at in range(2, self._count):
            if not self._cell(out, at, values[at - 2], NULL):
                return False
        return self._end(out, begin, &body, &key_end)

    cdef int _begin(self, Out* out) except -1:
        _reserve(out, MAX_HEAD)
        out.used += MAX_HEAD
        out.checksum = 0
        return 0

    cdef bint _end(self, Out* out, Py_ssize_t begin, Py_ssize_t* body, Py_ssize_t* key_end) except -1:
        """Complete a row, and move it to its head."""
        cdef Py_ssize_t size, head, condition = PyBytes_GET_SIZE(self._condition)
        cdef Py_ssize_t deleted = PyBytes_GET_SIZE(self._deleted)
        cdef char inner[12]
        cdef Py_ssize_t inner_size
        cdef char* to
        _reserve(out, deleted + 3 + condition)
        to = out.data + out.used
        if deleted:
            memcpy(to, PyBytes_AS_STRING(self._deleted), deleted)
            to += deleted
            out.checksum = _crc8(
                <const uint8_t*>PyBytes_AS_STRING(self._deleted_checksums),
                PyBytes_GET_SIZE(self._deleted_checksums), out.checksum,
            )
        if self._delete:
            to[0] = 0x08
            to += 1
        to[0] = 0x09
        to[1] = <char>_TABLES[0][out.checksum ^ <uint8_t>self._delete]
        to += 2
        size = to - (out.data + begin + MAX_HEAD) + 5
        if size > self._max_row:
            return False
        memcpy(to, PyBytes_AS_STRING(self._condition), condition)
        to += condition
        inner[0] = 0x08
        inner[1] = self._number
        inner[2] = 0x12
        inner_size = 3 + _varint(inner + 3, size)
        out.used = to - out.data
        to = out.data + begin
        to[0] = 0x12
        head = 1 + _varint(to + 1, inner_size + size + condition)
        memcpy(to + head, inner, inner_size)
        head += inner_size
        to[head] = 0x75
        to[head + 1] = to[head + 2] = to[head + 3] = 0
        to[head + 4] = 0x01
        head += 5
        memmove(to + head, to + MAX_HEAD, out.used - begin - MAX_HEAD)
        out.used -= MAX_HEAD - head
        body[0] = begin + head
        key_end[0] -= MAX_HEAD - head
        return True

    cdef bint _cell(self, Out* out, Py_ssize_t at, value, const char* time) except -1:
        """Append a cell; False where its column does not take the value."""
        cdef Column* column = &self._columns[at]
        cdef char* to
        cdef const char* data
        cdef Py_ssize_t size = 0
        cdef uint8_t checksum = column.seed
        cdef int overflow = 0
        cdef long long number
        cdef double real
        if column.kind == STRING or column.kind == BINARY:
            if column.kind == STRING:
                if not PyUnicode_CheckExact(value):
                    return False
                try:
                    data = PyUnicode_AsUTF8AndSize(value, &size)
                except UnicodeEncodeError:
                    return False
            else:
                if not PyBytes_CheckExact(value):
                    return False
                data = PyBytes_AS_STRING(value)
                size = PyBytes_GET_SIZE(value)
            if size > column.max_bytes:
                return False
            _reserve(out, column.start_size + size + MAX_CELL)
            to = out.data + out.used
            memcpy(to, column.start, column.start_size)
            to += column.start_size
            _put32(to, <uint32_t>(size + 5))
            to[4] = 3 if column.kind == STRING else 7
            _put32(to + 5, <uint32_t>size)
            checksum = _crc8(<const uint8_t*>to + 5, 4, checksum)
            memcpy(to + 9, data, size)
            checksum = _crc8(<const uint8_t*>to + 9, size, checksum)
            to += 9 + size
        else:
            _reserve(out, column.start_size + MAX_CELL)
            to = out.data + out.used
            memcpy(to, column.start, column.start_size)
            to += column.start_size
            if column.kind == INTEGER:
                if not PyLong_CheckExact(value):
                    return False
                number = PyLong_AsLongLongAndOverflow(value, &overflow)
                if overflow:
                    return False
                _put32(to, 9)
                to[4] = 0
                _put64(to + 5, <unsigned long long>number)
                checksum = _crc8(<const uint8_t*>to + 5, 8, checksum)
                to += 13
            elif column.kind == DOUBLE:
                if not PyFloat_CheckExact(value):
                    return False
                real = PyFloat_AS_DOUBLE(value)
                if real - real != 0.0:  # NaN and the infinities
                    return False
                _put32(to, 9)
                to[4] = 1
                _put64(to + 5, (<unsigned long long*>&real)[0])
                checksum = _crc8(<const uint8_t*>to + 5, 8, checksum)
                to += 13
            elif column.kind == BOOLEAN:
                if value is not True and value is not False:
                    return False
                _put32(to, 2)
                to[4] = 2
                to[5] = 1 if value is True else 0
                checksum = _crc8(<const uint8_t*>to + 5, 1, checksum)
                to += 6
            else:
                if value is not self._generated:
                    return False
                _put32(to, 1)
                to[4] = 0x0b
                to += 5
        if time != NULL:
            to[0] = 0x07
            memcpy(to + 1, time, 8)
            checksum = _crc8(<const uint8_t*>time, 8, checksum)
            to += 9
        to[0] = 0x0a
        to[1] = <char>checksum
        out.used = to + 2 - out.data
        out.checksum = _TABLES[0][out.checksum ^ checksum]
        return True


include "_by_shard.pxi"
