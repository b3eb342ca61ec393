"""One endpoint for all processes of a run: what each says is asked for and put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry
from prometheus_client.samples import Sample
from pydantic import BaseModel, ValidationError

from connectors.http_api import models
from connectors.http_api.merge import merge_health, merge_history, merge_status

_TIMEOUT = 3.0  # seconds
_UP = "sync_process_up"
_UP_HELP = "1 when the endpoint of the process has answered."

Model = TypeVar("Model", bound=BaseModel)


class RunProvider:
    """All processes of a run, as a provider of an `Endpoint`.

    A process that does not answer is not healthy and not ready.
    """

    def __init__(
        self, addresses: Callable[[], Mapping[int, str]], timeout: float = _TIMEOUT
    ) -> None:
        """`addresses` has the URL of the endpoint of each process, by its number, at the moment.

        `timeout` is in seconds.
        """
        self._addresses = addresses
        self._timeout = ClientTimeout(total=timeout)

    async def metrics(self) -> str:
        """The metrics of all processes, each sample with the label `process`."""
        found = await self._fetch("/metrics")
        return merge_metrics(found)

    async def status(self) -> models.Status:
        """The whole run: counts are sums, ages and lags in seconds the highest."""
        return merge_status(await self._models("/status", models.Status))

    async def health(self) -> models.Health:
        """Whether every process is healthy."""
        return merge_health(await self._models("/health", models.Health), "fails_health")

    async def ready(self) -> models.Health:
        """Whether every process is ready."""
        return merge_health(await self._models("/ready", models.Health), "fails_ready")

    async def history(self) -> models.History:
        """The sums of the points of the same time; of the lag in seconds, the highest."""
        found = await self._models("/history", models.History)
        return merge_history([one for one in found.values() if isinstance(one, models.History)])

    async def settings(self) -> models.SettingsInForce:
        """Those of the first process that answers: all have the same."""
        found = await self._models("/settings", models.SettingsInForce)
        for _, one in sorted(found.items()):
            if isinstance(one, models.SettingsInForce):
                return one
        return models.SettingsInForce(options={}, changed=[])

    async def _models(self, path: str, model: type[Model]) -> dict[int, Model | str]:
        """Each process's answer, or why there is none."""
        return {
            number: _parsed(model, answer) for number, answer in (await self._fetch(path)).items()
        }

    async def _fetch(self, path: str) -> dict[int, bytes | str]:
        """Each process's answer, or why there is none."""
        addresses = dict(self._addresses())
        async with ClientSession(timeout=self._timeout, trust_env=False) as http:
            found = await asyncio.gather(*(_get(http, url + path) for url in addresses.values()))
        return dict(zip(addresses, found, strict=True))


async def _get(http: ClientSession, url: str) -> bytes | str:
    try:
        async with http.get(url, allow_redirects=False) as answer:
            body = await answer.read()
            # What is not healthy says so with 503.
            return body if answer.status in (200, 503) else f"HTTP {answer.status}"
    except asyncio.TimeoutError:
        return "no answer in time"
    except (ClientError, OSError) as error:
        return f"no answer: {type(error).__name__}"


def _parsed(model: type[Model], answer: bytes | str) -> Model | str:
    if isinstance(answer, str):
        return answer
    try:
        return model.model_validate_json(answer)
    except ValidationError:
        return "the answer is that of something else"


def merge_metrics(texts: Mapping[int, bytes | str]) -> str:
    """Prometheus texts as one, by number of the process. A `str` says why there is none."""
    return generate_latest(_Merged(texts)).decode()


class _Merged(CollectorRegistry):
    def __init__(self, texts: Mapping[int, bytes | str]) -> None:
        super().__init__()
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        up = GaugeMetricFamily(_UP, _UP_HELP, labels=("process",))
        for number, text in sorted(self._texts.items()):
            up.add_metric((str(number),), isinstance(text, bytes))
            if isinstance(text, bytes):
                for family in text_string_to_metric_families(text.decode()):
                    known = families.setdefault(
                        family.name, Metric(family.name, family.documentation, family.type)
                    )
                    known.samples += _labelled(family.samples, number)
        yield up
        yield from families.values()


def _labelled(samples: Iterable[Sample], process: int) -> Sequence[Sample]:
    return [
        sample._replace(labels={**sample.labels, "process": str(process)}) for sample in samples
    ]
