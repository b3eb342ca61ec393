"""Headers of a message: the one place that asks the client library for them.

A header's name may be any bytes [kafka-records], and confluent-kafka requires UTF-8. For another
name the first call of `headers()` raises, and the second returns a list in which that name is a
null pointer of C, which ends the process when it is touched. So what the library returns is checked
before it is used, and replaced in a message whose names cannot be read.
"""

from __future__ import annotations

import gc
from operator import methodcaller
from typing import TYPE_CHECKING

from connectors.errors import Rejection

if TYPE_CHECKING:
    from connectors.records.record import Header, Message


# The interpreter checks the result of such a call. After a plain call, which it may specialize, it
# does not, and the library's exception is raised in an unrelated call later.
_call_headers = methodcaller("headers")


class _Unreadable(list["Header"]):
    """The readable headers of a message that also has others."""


def headers_of(message: Message) -> list[Header]:
    """All headers in order; [] if there are none. Raises Rejection when one is unreadable."""
    found = _ask(message)
    if type(found) is _Unreadable:
        raise Rejection(
            "headers_unreadable",
            "a header's name is not UTF-8, so the client library cannot read the record's headers: "
            "correct the producer, or use no option that needs headers",
        )
    return found


def readable_headers(message: Message) -> list[Header]:
    """The headers whose names can be read, in order. Raises nothing."""
    return _ask(message)


def has_headers(message: Message) -> bool:
    """Return whether the message has headers, be they readable or not."""
    try:
        return bool(_call_headers(message))
    except SystemError:  # some are unreadable
        return True


def _ask(message: Message) -> list[Header]:
    try:
        found = _call_headers(message)
    except SystemError:  # the second call returns what there is
        found = _call_headers(message)
    if not found:
        return found if type(found) is _Unreadable else []
    # What a tuple refers to leaves out null pointers, and touches none.
    if len(gc.get_referents(*found)) == 2 * len(found):
        headers: list[Header] = found
        return headers
    readable = _Unreadable(pair for pair in found if len(gc.get_referents(pair)) == 2)
    message.set_headers(readable)
    return readable
