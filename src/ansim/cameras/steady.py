"""The wall's tiles from one moment to the next: the best cameras, but without flicker. Pure.

A tile stays where it is as long as the cameras shown are nearly as good as the best choice; when they are
not, as few tiles as possible change, and one that was just put up stays for a while unless it costs too
much.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from ansim.cameras.choice import Purpose
from ansim.cameras.coverage import Float32, adds, best_set, greedy, together

MARGIN = 0.04
"""How much worse than the best choice the tiles may be before one changes."""
URGENT = 0.20
"""A gain for which even a tile that was just put up gives way."""
DWELL_S = 4.0
"""How long a tile stays at least, unless it is urgent."""
LEAST_NOW = 0.01
"""A camera that adds less than this to seeing her now is better spent on where she may come out."""
EXITS = 3
"""Tiles kept for the likely exits when eight or more are shown; with fewer, in proportion."""
SEES_HER = 0.05
"""A camera that sees her at least so probably is shown for that."""
NEXT_WORTH = 0.5
"""What seeing her within the minute is worth beside seeing her now."""


class Tile(Struct, frozen=True, kw_only=True):
    """One place of the wall: a camera (its place among the candidates), since when, and what for."""

    camera: int
    since_s: float
    purpose: Purpose


def choose(now: Float32, later: Float32, count: int) -> list[Tile]:
    """The best tiles without regard to what was shown: first to see her now, then at the likely exits.

    ``now`` and ``later``, (n, m): what each candidate sees of where she is and of where she may be within the
    minute.
    """
    exits = min(EXITS, count * EXITS // 8)
    best = best_set(now, min(count, len(now)))
    kept = _useful(now, best)[: max(count - exits, 1)]
    seen = set(kept)
    chosen = [*kept, *greedy(later, count - len(kept), start=kept, least=LEAST_NOW / 2)]
    for one in best:  # nothing is left for the exits: what still helps to see her now
        if len(chosen) >= count:
            break
        if one not in chosen and now[one].mean() > 0.0:
            chosen.append(one)
            seen.add(one)
    return [Tile(camera=one, since_s=0.0, purpose="now" if one in seen else "next") for one in chosen]


def settle(previous: Sequence[Tile], now: Float32, later: Float32, count: int, at_s: float) -> list[Tile]:
    """The tiles to show at ``at_s`` seconds, given those shown before (their cameras as candidates' places).

    Tiles that stay keep their place; a new one takes the place of the one it replaces.
    """
    ideal = choose(now, later, count)
    purposes = {tile.camera: tile.purpose for tile in ideal}
    tiles = list(previous)[:count]
    for tile in ideal:
        if len(tiles) >= count:
            break
        if all(one.camera != tile.camera for one in tiles):
            tiles.append(Tile(camera=tile.camera, since_s=at_s, purpose=tile.purpose))
    goal = _worth(now, later, [tile.camera for tile in ideal])
    worth = _worth(now, later, [tile.camera for tile in tiles])
    while worth < goal - MARGIN:
        swap = _best_swap(tiles, ideal, now, later, at_s, worth)
        if swap is None:
            break
        slot, camera, worth = swap
        tiles[slot] = Tile(camera=camera, since_s=at_s, purpose=purposes[camera])
    shown = [tile.camera for tile in tiles]
    here, ahead = adds(now, shown), adds(later, shown)
    return [
        Tile(camera=tile.camera, since_s=tile.since_s, purpose=_purpose(now[tile.camera], *worths))
        for tile, *worths in zip(tiles, here, ahead, strict=True)
    ]


def _useful(sees: Float32, ordered: Sequence[int]) -> list[int]:
    """The beginning of an order in which each still adds something."""
    left = np.ones(sees.shape[1], dtype=np.float32)
    kept: list[int] = []
    for one in ordered:
        if float((sees[one] * left).mean()) < LEAST_NOW and kept:
            break
        kept.append(one)
        left *= 1.0 - sees[one]
    return kept


def _worth(now: Float32, later: Float32, chosen: Sequence[int]) -> float:
    return together(now, chosen) + NEXT_WORTH * together(later, chosen)


def _best_swap(
    tiles: Sequence[Tile], ideal: Sequence[Tile], now: Float32, later: Float32, at_s: float, worth: float
) -> tuple[int, int, float] | None:
    """The exchange that gains most: which tile, which camera, and what all are worth then."""
    shown = [tile.camera for tile in tiles]
    best: tuple[int, int, float] | None = None
    for slot, tile in enumerate(tiles):
        fresh = at_s - tile.since_s < DWELL_S
        for other in ideal:
            if other.camera in shown:
                continue
            changed = [*shown[:slot], other.camera, *shown[slot + 1 :]]
            gained = _worth(now, later, changed)
            if gained - worth <= (URGENT if fresh else 1e-6):
                continue
            if best is None or gained > best[2]:
                best = (slot, other.camera, gained)
    return best


def _purpose(sees: Float32, here: float, ahead: float) -> Purpose:
    """What a camera is for: where it adds more."""
    return "next" if ahead > here and float(sees.mean()) < SEES_HER else "now"
