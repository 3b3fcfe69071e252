"""Prometheus metrics: a registry per node, queues by depth and age of their oldest item."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

QueueReading = Callable[[], tuple[int, float]]
"""Answers (depth, age in seconds of the oldest item) at the moment it is asked."""


class Metrics(Collector):
    """The metrics of one node."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._queues: dict[str, QueueReading] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._labelled: dict[str, tuple[str, str, Callable[[], Mapping[str, float]]]] = {}
        self.sos = Counter("ansim_sos_total", "SOS reports stored", ["outcome"], registry=self.registry)
        self.sos_seconds = Histogram(
            "ansim_sos_seconds",
            "From the report's arrival to the durable answer",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )
        self.messages = Counter(
            "ansim_bus_messages_total", "Bus messages", ["way", "kind"], registry=self.registry
        )
        self.faults = Counter(
            "ansim_faults_total", "Faults that were isolated", ["part"], registry=self.registry
        )
        self.rungs = Counter(
            "ansim_ladder_rungs_total", "Steps of the delivery ladder", ["step"], registry=self.registry
        )
        self.resyncs = Counter(
            "ansim_stream_resyncs_total", "Screens that overflowed", registry=self.registry
        )

    def queue(self, name: str, reading: QueueReading) -> None:
        """Show a queue's depth and the age of its oldest item."""
        self._queues[name] = reading

    def gauge(self, name: str, text: str, reading: Callable[[], float]) -> None:
        """Show one number, read when asked."""
        self._gauges[name] = (text, reading)

    def gauges(self, name: str, text: str, label: str, reading: Callable[[], Mapping[str, float]]) -> None:
        """Show one number for each value of ``label``, read when asked."""
        self._labelled[name] = (text, label, reading)

    def readings(self) -> dict[str, dict[str, float]]:
        """All queues now, for health pages."""
        return {
            name: {"depth": depth, "oldest_s": round(age, 3)}
            for name, (depth, age) in ((name, reading()) for name, reading in self._queues.items())
        }

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called by prometheus_client at each scrape."""
        depth = GaugeMetricFamily("ansim_queue_depth", "Items waiting", labels=["queue"])
        oldest = GaugeMetricFamily("ansim_queue_oldest_seconds", "Age of the oldest item", labels=["queue"])
        for name, reading in self._queues.items():
            count, age = reading()
            depth.add_metric([name], count)
            oldest.add_metric([name], age)
        yield depth
        yield oldest
        for name, (text, value) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=value())
        for name, (text, label, reading_of) in self._labelled.items():
            family = GaugeMetricFamily(name, text, labels=[label])
            for which, number in reading_of().items():
                family.add_metric([which], number)
            yield family

    def exposition(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
