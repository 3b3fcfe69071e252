"""A press is routed by the shape it states; no shape keeps it from being routed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely.errors import GEOSException

from ansim.distribution.boundaries import default_boundaries
from ansim.distribution.health import CenterHealth
from ansim.distribution.service import Distribution
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.positions import Position, parse

RECEIVED = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    codes = list(default_boundaries().codes)
    return Distribution(tmp_path, {code: code for code in codes}, CenterHealth(codes))


def at(code: str, **fields: Any) -> Position:
    inner = default_boundaries().geometry(code).representative_point()
    given = {"at": "2026-07-01T03:00:00Z", "lat": inner.y, "lon": inner.x, "radius": 5}
    position, _ = parse(given | fields, RECEIVED)
    assert position is not None
    return position


def test_the_shape_decides_not_the_point_beside_it(distribution: Distribution) -> None:
    one, other = "11110", "41170"
    there = default_boundaries().geometry(other).representative_point()
    shape = {"shape": "circle", "lat": there.y, "lon": there.x, "radius_m": 20.0}
    route = distribution.route(at(one, shape=shape))
    assert (route.routed.code, route.owner.code, route.routed.marks) == (other, other, ())
    assert distribution.route(at(one)).routed.code == one


def test_a_shape_that_geometry_fails_on_is_left_for_its_circle(
    distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: BoundarySet, _shape: object) -> None:
        raise GEOSException("TopologyException")

    monkeypatch.setattr(BoundarySet, "locate_shape", fail)
    shape = {"shape": "circle", "lat": 35.0, "lon": 129.0, "radius_m": 20.0}
    route = distribution.route(at("11110", shape=shape))
    assert (route.routed.code, route.routed.marks) == ("11110", ("shape_not_used",))
