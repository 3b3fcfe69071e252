"""The grid in front never says what geometry would deny."""

import numpy as np
import numpy.typing as npt
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ansim.geo import cellgrid
from ansim.geo.cellgrid import MIXED, OUTSIDE, CellGrid
from ansim.geo.polygons import polygonal, subdivide
from geo.squares import SOUTH, WEST, square

Shapes = npt.NDArray[np.object_]


@st.composite
def blobs(draw: st.DrawFn) -> Shapes:
    """Neighbours cut out of a square by random sites, wavy enough to cross cells in every way."""
    sites = draw(
        st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=8, unique=True)
    )
    frame = shapely.box(0, 0, 40, 40)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(sites), extend_to=frame))
    return np.array(
        [polygonal(cell.intersection(frame)) for cell in cells if cell.intersection(frame).area > 0]
    )


@given(blobs(), st.sampled_from([0.7, 1.0, 3.3]), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_a_labelled_cell_is_right(polygons: Shapes, cell: float, seed: int) -> None:
    grid = CellGrid(polygons, cell)
    lon, lat = np.random.default_rng(seed).uniform(-5, 45, (2, 500))
    labels = grid.at_many(lat, lon)
    assert labels.tolist() == [grid.at(a, o) for a, o in zip(lat.tolist(), lon.tolist(), strict=True)]
    for index, polygon in enumerate(polygons):
        inside = shapely.intersects_xy(polygon, lon, lat)
        assert inside[labels == index].all()
        assert not inside[(labels != index) & (labels > MIXED)].any()


@given(blobs(), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_a_filled_box_crosses_no_border(polygons: Shapes, seed: int) -> None:
    grid = CellGrid(polygons, 1.0)
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(-5, 45, (2, 200))
    north, east = rng.uniform(0, 6, (2, 200))
    labels = grid.fill_many(lat, lon, north, east)
    boxes = shapely.box(lon - east, lat - north, lon + east, lat + north)
    for index, polygon in enumerate(polygons):
        touched = shapely.intersects(polygon, boxes)
        assert shapely.covers(polygon, boxes[labels == index]).all()
        assert not touched[(labels != index) & (labels > MIXED)].any()


def test_borders_along_the_cells_edges_are_mixed_on_both_sides() -> None:
    grid = CellGrid(np.array([shapely.box(0, 0, 4, 4), shapely.box(4, 0, 8, 4)]), 1.0)
    assert grid.at(2.0, 4.0) < MIXED
    assert grid.at(2.5, 2.5) == 0
    assert grid.at(2.5, 6.5) == 1
    assert grid.at(20.0, 2.0) == OUTSIDE


def test_ground_claimed_twice_is_mixed() -> None:
    grid = CellGrid(np.array([shapely.box(0, 0, 30, 30), shapely.box(10, 0, 40, 30)]), 1.0)
    assert grid.at(15.5, 20.5) < MIXED
    assert grid.at(15.5, 5.5) == 0
    assert grid.fill_many(*(np.array([value]) for value in (15.5, 20.5, 0.1, 0.1)))[0] <= MIXED


def test_a_wide_country_gets_larger_cells_instead_of_more() -> None:
    grid = CellGrid(np.array([shapely.box(-180, -90, 180, 90)]), 0.001)
    assert grid.cell_deg > 0.1
    assert (360 / grid.cell_deg) * (180 / grid.cell_deg) <= cellgrid.MAX_CELLS
    assert grid.at(10.0, 10.0) == 0


def test_pieces_cover_their_polygons_and_share_no_area() -> None:
    wheel = shapely.Point(WEST, SOUTH).buffer(1.0, quad_segs=200)
    holed = wheel.difference(shapely.Point(WEST, SOUTH).buffer(0.5, quad_segs=100))
    polygons = np.array([holed, square(50, 50)])
    pieces, owner = subdivide(polygons, np.arange(2), 32)
    assert shapely.get_num_coordinates(pieces).max() <= 32
    assert np.isclose(shapely.area(pieces).sum(), shapely.area(polygons).sum())
    assert shapely.symmetric_difference(shapely.union_all(pieces[owner == 0]), holed).area < 1e-9
    assert (owner == 1).sum() == 1


def test_a_mixed_cell_knows_every_polygon_that_may_hold_a_place_in_it() -> None:
    polygons = np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(0, 0, 20, 20)])
    grid = CellGrid(polygons, 1.0)
    chance = np.random.default_rng(3)
    lat, lon = chance.uniform(0, 20, 2_000), chance.uniform(0, 20, 2_000)
    labels = grid.at_many(lat, lon)
    mixed = labels < MIXED
    place, polygon = grid.candidates_many(labels[mixed])
    for row, (label, y, x) in enumerate(zip(labels[mixed], lat[mixed], lon[mixed], strict=True)):
        holding = np.flatnonzero(shapely.intersects_xy(polygons, x, y)).tolist()
        candidates = grid.candidates[slice(*grid.span(int(label)))].tolist()
        assert set(holding) <= set(candidates)
        assert sorted(polygon[place == row].tolist()) == candidates
