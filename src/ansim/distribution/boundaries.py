"""The boundaries in force: the shipped default, and what was imported over it, generation by generation."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from ansim.distribution.importer import read_file
from ansim.geo.boundaries import BoundarySet

DEFAULT_FILE = "jurisdictions-default.topo.json"
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""The default is in force before anything that was imported."""


@cache
def default_boundaries() -> BoundarySet:
    """The national default: 229 municipalities (시·군·자치구), approximate, from place points."""
    resource = files("ansim.distribution").joinpath("data", DEFAULT_FILE)
    with as_file(resource) as path:
        return read_file(path, effective_from=ALWAYS)


class BoundaryHistory:
    """Generations of boundaries, each in force from its ``effective_from`` until the next one's."""

    def __init__(self, generations: Iterable[BoundarySet]) -> None:
        self.generations = tuple(sorted(generations, key=lambda generation: generation.effective_from))
        if not self.generations:
            raise ValueError("a history needs at least one generation")

    def as_of(self, moment: datetime) -> BoundarySet:
        """The generation in force at ``moment`` (with time zone): the first one before any began.

        Of generations that begin together the one given last is in force.
        """
        if moment.tzinfo is None:
            raise ValueError("moment needs a time zone")
        begun = [generation for generation in self.generations if generation.effective_from <= moment]
        return begun[-1] if begun else self.generations[0]


def inherit(old: BoundarySet, new: BoundarySet, assignment: Mapping[str, str]) -> dict[str, str]:
    """Which center answers for each of the new jurisdictions, from who answered for the old ones.

    ``assignment``: old code → center code. A new code that was assigned keeps its center when it still names
    the same ground (other code tables use the same numbers for other places); any other takes the center
    that answered for most of its area, or for the nearest ground when nobody answered for any of it.
    """
    assigned = [code for code in old.codes if code in assignment]
    if not assigned:
        return {}
    shapes = np.array([old.geometry(code) for code in assigned], dtype=object)
    tree = shapely.STRtree(shapes)
    inherited: dict[str, str] = {}
    for code, shape in zip(new.codes, new.geometries, strict=True):
        candidates = np.sort(tree.query(shape))
        areas = shapely.area(shapely.intersection(shapes[candidates], shape))
        if code in assignment and _same_ground(old, code, shape):
            inherited[code] = assignment[code]
            continue
        by_center: dict[str, float] = {}
        for candidate, area in zip(candidates, areas, strict=True):
            center = assignment[assigned[candidate]]
            by_center[center] = by_center.get(center, 0.0) + float(area)
        if any(by_center.values()):
            inherited[code] = min(by_center, key=lambda center: (-by_center[center], center))
        else:
            inherited[code] = assignment[assigned[int(tree.nearest(shape))]]
    return inherited


def _same_ground(old: BoundarySet, code: str, shape: BaseGeometry) -> bool:
    """Whether most of the smaller of the two grounds named ``code`` is common to both."""
    if code not in old:
        return False
    before = old.geometry(code)
    common = shapely.area(shapely.intersection(before, shape))
    return bool(common > 0.5 * min(shapely.area(before), shapely.area(shape)))
