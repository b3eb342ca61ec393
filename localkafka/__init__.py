"""Kafka on this machine, for the demo, the tests and the benchmarks; never for production.

`EmbeddedKafka` is librdkafka's own mock cluster: it starts in 0.2 s and needs nothing but the
confluent-kafka wheel, but it is not a whole Kafka (`localkafka/mock.py` lists what is missing).
`ApacheKafka` is the real broker on a Java machine, its jars fetched once through Maven.
Both listen on 127.0.0.1 only.
"""

from localkafka.apache import ApacheKafka, GroupOffset, available
from localkafka.cluster import ApacheCluster
from localkafka.jars import KafkaUnavailableError
from localkafka.mock import EmbeddedKafka, MockKafkaError

__all__ = [
    "ApacheCluster",
    "ApacheKafka",
    "EmbeddedKafka",
    "GroupOffset",
    "KafkaUnavailableError",
    "MockKafkaError",
    "available",
]
