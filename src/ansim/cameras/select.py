"""Which cameras to show for a person whose track is known: from the registry to the wall's tiles. Pure."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ansim.cameras.buildings import Views
from ansim.cameras.choice import Choice, Reason
from ansim.cameras.coverage import PTZ_RANGE, Float32, Sight, adds, draws, sight, together
from ansim.cameras.model import ALL_ROUND_DEG, KNOWN_CONFIDENCE, Camera
from ansim.cameras.registry import CameraRegistry
from ansim.cameras.steady import Tile, settle
from ansim.geo.shape import METRES_PER_DEGREE, MIN_COSINE, bearing_deg, distance_m
from ansim.geo.track import CALM_MPS, Estimate, samples

AHEAD_S = (20.0, 40.0, 60.0)
"""Moments of the next minute at which she may come out somewhere."""
PLACES = 96
"""Places that stand for where she is, and as many for where she may be within the minute."""
NEAR = 64
"""Candidates round where she is, at least; beyond them nothing sees her better."""
AHEAD = 24
"""Candidates round each place where she may come out."""
MOVES_M = 15.0
"""Less than this ahead is no other place to look for candidates."""
REACH_M = 200.0
"""No street camera shows a person further away than this."""

_DRAWS = draws(PLACES)


class Selection(Struct, frozen=True, eq=False, kw_only=True):
    """The tiles chosen, and what they were chosen from.

    ``candidates`` (n) are places in the registry, ``tiles`` name places among the candidates. ``now`` and
    ``later`` tell what each sees of where she is and of where she may be.
    """

    candidates: npt.NDArray[np.intp]
    tiles: list[Tile]
    now: Sight
    later: Float32


def select(
    registry: CameraRegistry,
    estimate: Estimate,
    count: int,
    *,
    previous: Sequence[tuple[int, float]] = (),
    at_s: float = 0.0,
    pace_mps: float = CALM_MPS,
    views: Views | None = None,
    avoid: npt.NDArray[np.intp] | None = None,
) -> Selection:
    """The ``count`` cameras to show; ``previous`` are those shown (place in the registry, since when).

    Where some of the candidates can give a picture, only those are chosen. ``avoid`` are places of cameras
    that cannot be used just now.
    """
    ahead = [samples(estimate, _DRAWS[start :: len(AHEAD_S)], s, pace_mps) for start, s in enumerate(AHEAD_S)]
    candidates = _candidates(registry, estimate, ahead, [place for place, _ in previous])
    usable = np.ones(len(candidates), dtype=bool)
    if avoid is not None and len(avoid):
        usable = ~np.isin(candidates, avoid)
    if (registry.live[candidates] & usable).any():
        usable &= registry.live[candidates]
    candidates = candidates[usable]
    cameras = registry.cameras.take(candidates)
    free = None
    if views is not None and len(candidates):
        reach = np.minimum(cameras.range_m * PTZ_RANGE, REACH_M).astype(np.float32)
        free = views.of(cameras.lat, cameras.lon, reach)
    now = sight(cameras, estimate.lat, estimate.lon, samples(estimate, _DRAWS), free)
    later = sight(cameras, estimate.lat, estimate.lon, np.concatenate(ahead), free).sees
    order = {int(place): index for index, place in enumerate(candidates)}
    shown = [
        Tile(camera=order[place], since_s=since, purpose="now") for place, since in previous if place in order
    ]
    return Selection(
        candidates=candidates, tiles=settle(shown, now.sees, later, count, at_s), now=now, later=later
    )


def _candidates(
    registry: CameraRegistry,
    estimate: Estimate,
    ahead: Sequence[npt.NDArray[np.float64]],
    shown: Sequence[int],
) -> npt.NDArray[np.intp]:
    """Places in the registry: round where she is, round where she may come out, and those shown."""
    metres_lon = METRES_PER_DEGREE * max(math.cos(math.radians(estimate.lat)), MIN_COSINE)
    reach = REACH_M + estimate.radius_m
    found = [registry.nearest(estimate.lat, estimate.lon, NEAR, reach)]
    looked = np.zeros(2)
    for places in ahead:
        middle = places.mean(axis=0)
        if float(np.hypot(*(middle - looked))) < MOVES_M:
            continue
        looked = middle
        lat = estimate.lat + middle[1] / METRES_PER_DEGREE
        lon = estimate.lon + middle[0] / metres_lon
        found.append(registry.nearest(lat, lon, AHEAD, reach))
    return np.unique(np.concatenate([*found, np.array(shown, dtype=np.intp)]))


def seen_together(selection: Selection) -> float:
    """The probability that at least one of the tiles sees her where she is."""
    return together(selection.now.sees, [tile.camera for tile in selection.tiles])


def told(selection: Selection, tile: Tile, camera: Camera, estimate: Estimate, live: bool) -> Choice:
    """A tile as it is told, with its reasons."""
    chosen = [one.camera for one in selection.tiles]
    sees = selection.now.sees if tile.purpose == "now" else selection.later
    alone = float(sees[tile.camera].mean())
    return Choice(
        id=camera.id,
        name=camera.name,
        lat=camera.lat,
        lon=camera.lon,
        heading=camera.heading,
        fov_deg=camera.fov_deg,
        range_m=camera.range_m,
        ptz=camera.ptz,
        distance_m=round(distance_m(estimate.lat, estimate.lon, camera.lat, camera.lon), 1),
        bearing_deg=round(bearing_deg(estimate.lat, estimate.lon, camera.lat, camera.lon), 1) % 360.0,
        purpose=tile.purpose,
        probability=round(alone, 3),
        adds=round(adds(sees, chosen)[chosen.index(tile.camera)], 3),
        reasons=_reasons(selection, tile, camera, estimate, alone),
        live=live,
    )


def _reasons(
    selection: Selection, tile: Tile, camera: Camera, estimate: Estimate, alone: float
) -> tuple[Reason, ...]:
    metres = round(distance_m(estimate.lat, estimate.lon, camera.lat, camera.lon))
    side = round(bearing_deg(estimate.lat, estimate.lon, camera.lat, camera.lon) / 45.0) % 8
    percent = round(alone * 100)
    reasons = [Reason(key="choice.where", params={"metres": metres, "side": side})]
    if tile.purpose == "next":
        reasons.append(Reason(key="choice.exit", params={"percent": percent, "seconds": round(AHEAD_S[-1])}))
    else:
        reasons.append(Reason(key="choice.sees", params={"percent": percent}))
    if camera.ptz:
        reasons.append(Reason(key="choice.turns"))
    elif camera.heading_confidence < KNOWN_CONFIDENCE:
        reasons.append(Reason(key="choice.unknown_direction"))
    elif camera.fov_deg >= ALL_ROUND_DEG:
        reasons.append(Reason(key="choice.all_round"))
    elif tile.purpose == "now":
        reasons.append(Reason(key="choice.faces" if alone >= 0.5 else "choice.part"))
    hidden = round(float(selection.now.blocked[tile.camera]) * 100)
    if hidden >= 5:
        reasons.append(Reason(key="choice.hidden", params={"percent": hidden}))
    return tuple(reasons)
