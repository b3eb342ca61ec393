"""The first requests of a run to a table: one, and twice as many each round trip.

A table that is too small for its topic is throttled from the first request on. If all shards began
at once, each of them would have a full request refused before the first answer says so.
"""

from __future__ import annotations

import asyncio
from collections import deque

_ENOUGH = 64  # requests in flight, from which there is no limit any more


class SlowStart:
    """How many requests to one table may be in flight: one more for each that was written."""

    def __init__(self) -> None:
        self._limit = 1
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.is_over = False
        """Whether requests need no turn any more."""

    def has_room(self, in_flight: int) -> bool:
        """Whether one more request may be sent."""
        return self.is_over or in_flight < self._limit

    async def wait(self) -> None:
        """Wait until there may be room."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def answered(self, in_flight: int, is_written: bool, is_throttled: bool = False) -> None:
        """A request was answered, while so many others are in flight.

        It ends the start when the table is throttled: from then on its governor gives the turns.
        """
        if is_written:
            self._limit += 1
        self.is_over = is_throttled or self._limit >= _ENOUGH
        room = len(self._waiting) if self.is_over else self._limit - in_flight
        while self._waiting and room > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                room -= 1
