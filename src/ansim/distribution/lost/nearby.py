"""Centers by nearness (RFC 6451): the N nearest, and those within a distance."""

from collections.abc import Callable, Mapping

import numpy as np
import shapely

from ansim.distribution.lost.mappings import Contact
from ansim.geo.boundaries import BoundarySet
from ansim.geo.shape import distances_m


class Nearby:
    """Where the centers of one generation of boundaries are.

    A center is where its contact says; without a word, at a place inside its municipality. Municipalities
    whose own center is not connected have none.
    """

    def __init__(
        self,
        boundaries: BoundarySet,
        answering: Callable[[str], str | None],
        contacts: Mapping[str, Contact],
    ) -> None:
        self.places: dict[str, tuple[float, float]] = {}
        taken: set[str] = set()
        for code in boundaries.codes:
            center = answering(code)
            if center is None or center in taken:
                continue
            taken.add(center)
            contact = contacts.get(center)
            if contact is not None and contact.lat is not None and contact.lon is not None:
                self.places[code] = (contact.lat, contact.lon)
            else:
                inside = shapely.point_on_surface(boundaries.geometry(code))
                self.places[code] = (inside.y, inside.x)
        self._codes = list(self.places)
        columns = np.array(list(self.places.values()), dtype=np.float64).reshape(-1, 2)
        self._lat, self._lon = columns[:, 0], columns[:, 1]

    def ranked(self, lat: float, lon: float, within_m: float | None) -> list[str]:
        """Municipalities by the distance of their centers, the nearest first; of equals the lowest code."""
        away = np.round(distances_m(lat, lon, self._lat, self._lon), 3)
        order = np.argsort(away, kind="stable")
        if within_m is not None:
            order = order[away[order] <= within_m]
        return [self._codes[place] for place in order]
