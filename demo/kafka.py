"""Produces orders and readings to Kafka, each confirmed by its delivery report."""

import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from demo.interruption import Interruption
from demo.orders import Order
from demo.readings import Reading

_CHUNK = 500
_DELIVERY_SECONDS = 30.0
_ANSWER_SECONDS = 10.0


class ProducingFailedError(RuntimeError):
    """Kafka did not accept every order; the text has the count and the first reason."""


def produce(
    bootstrap: str,
    topic: str,
    orders: Iterable[Order | Reading],
    interruption: Interruption,
    progress: Callable[[int], None],
) -> int:
    """Send all orders, wait until each is confirmed, and return their number.

    `progress` is called with the number confirmed so far. Raises ProducingFailedError when one is
    not confirmed, and Interrupted.
    """
    delivered = 0
    failures: list[str] = []

    def report(error: KafkaError | None, _message: Message) -> None:
        nonlocal delivered
        if error is None:
            delivered += 1
        else:
            failures.append(error.str())

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "compression.type": "zstd",
            "linger.ms": 20,
            "message.timeout.ms": int(_DELIVERY_SECONDS * 1000),
            # The reports have the failures; the client would log what it still holds.
            "log_level": 2,
        }
    )
    sent = 0
    for order in orders:
        while True:
            try:
                producer.produce(topic, key=order.key, value=order.value, on_delivery=report)
                break
            except BufferError:  # its queue is full: let it deliver
                producer.poll(0.05)
                interruption.check()
        sent += 1
        if sent % _CHUNK == 0:
            producer.poll(0)
            progress(delivered)
            interruption.check()
    deadline = time.monotonic() + _DELIVERY_SECONDS
    while producer.flush(0.05) and time.monotonic() < deadline:
        progress(delivered)
        interruption.check()
    progress(delivered)
    if failures or delivered != sent:
        reason = failures[0] if failures else "no delivery report"
        raise ProducingFailedError(f"{sent - delivered} of {sent} orders not confirmed: {reason}")
    return delivered


def stored(bootstrap: str, topic: str) -> int:
    """The number of messages in the topic: the sum of its partitions' high minus low offsets."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo-count"})
    try:
        partitions = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].partitions
        total = 0
        for number in partitions:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=_ANSWER_SECONDS
            )
            total += high - low
        return total
    finally:
        consumer.close()
