"""The topic that is measured: JSON orders of 235 bytes with eleven fields."""

from __future__ import annotations

import json
import random

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

FIELDS = {
    "order_id": "string",
    "user_id": "integer",
    "amount": "double",
    "currency": "string",
    "city": "string",
    "status": "string",
    "ts": "integer",
    "items": "integer",
    "express": "boolean",
    "note": "string",
    "channel": "string",
}
"""The fields in the order in which every order has them, with their Tablestore types."""

_CURRENCIES = ("CNY", "EUR", "USD", "JPY", "GBP")
_CITIES = ("Hangzhou", "Berlin", "Osaka", "São Paulo", "Lagos", "Toronto", "Shanghai", "Leeds")
_STATUSES = ("created", "paid", "packed", "shipped", "returned")
_CHANNELS = ("web", "app", "shop", "phone")
_NOTES = (
    "leave it at the door",
    "please ring twice, then wait",
    "gift, no invoice inside",
    "",
    "call an hour before delivery, dog in the garden",
)


def order(number: int, source: random.Random) -> bytes:
    """Return one order as JSON; the same number and source state give the same bytes."""
    choice = source.choice
    return json.dumps(
        {
            "order_id": f"A{number:010d}{source.randrange(16**6):06x}",
            "user_id": source.randrange(10**8),
            "amount": source.randrange(100, 10**6) / 100,
            "currency": choice(_CURRENCIES),
            "city": choice(_CITIES),
            "status": choice(_STATUSES),
            "ts": 1_790_000_000_000 + number,
            "items": source.randrange(1, 9),
            "express": source.random() < 0.2,
            "note": choice(_NOTES),
            "channel": choice(_CHANNELS),
        },
        ensure_ascii=False,
    ).encode()


def fill(bootstrap: str, topic: str, partitions: int, rows: int, compression: str) -> float:
    """Write `rows` orders in turn to the partitions; return their mean size in bytes.

    Raises RuntimeError when the broker did not take or keep every one of them.
    """
    failed: list[str] = []

    def delivered(error: object, _message: object) -> None:
        if error is not None:
            failed.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "linger.ms": 50,
            "batch.size": 1 << 20,
            "batch.num.messages": 50_000,
            "queue.buffering.max.messages": 500_000,
            "queue.buffering.max.kbytes": 1 << 18,
            "compression.type": compression,
            "on_delivery": delivered,
        }
    )
    source = random.Random(11)
    # A few thousand different ones are enough, and making each would take longer than a run.
    samples = [order(number, source) for number in range(5000)]
    size = 0
    for number in range(rows):
        value = samples[number % len(samples)]
        size += len(value)
        while True:
            try:
                producer.produce(topic, value, partition=number % partitions)
                break
            except BufferError:
                producer.poll(0.05)
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush(120)
    kept = _kept(bootstrap, topic, partitions)
    if failed or kept != rows:
        raise RuntimeError(f"Kafka keeps {kept} of {rows} orders; {failed[:1] or 'no error'}")
    return size / rows


def _kept(bootstrap: str, topic: str, partitions: int) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-count"})
    try:
        total = 0
        for number in range(partitions):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
            total += high - low
        return total
    except KafkaException as error:
        raise RuntimeError(f"no watermarks of {topic}: {error}") from None
    finally:
        consumer.close()
