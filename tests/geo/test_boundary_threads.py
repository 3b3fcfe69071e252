"""A set of boundaries is shared by the writer's thread and the event loop: both ask at once, all the time."""

import threading

import numpy as np
import shapely

from ansim.distribution.boundaries import default_boundaries
from ansim.geo.boundaries import BoundarySet

THREADS = 3


def test_threads_ask_the_same_places_at_once() -> None:
    """At each step all threads meet, then touch the same pieces, of which nobody has asked anything yet."""
    source = default_boundaries()
    vertices = shapely.get_coordinates(source.geometries)
    places = np.random.default_rng(1).permutation(vertices)[:250]
    fresh = BoundarySet(
        source.codes, source.names, source.geometries, effective_from=source.effective_from, source="again"
    )
    meet = threading.Barrier(THREADS, timeout=60)
    answers: list[list[list[object]]] = [[] for _ in range(THREADS)]

    def ask(answered: list[list[object]]) -> None:
        for lon, lat in places:
            meet.wait()
            many = fresh.locate_many(np.full(20, lat), np.full(20, lon), np.full(20, 800.0))
            answered.append(
                [many[0], many[19], fresh.locate(lat, lon), fresh.overlap_share("41170", lat, lon)]
            )

    threads = [threading.Thread(target=ask, args=(answered,)) for answered in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers[0]) == len(places)
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
