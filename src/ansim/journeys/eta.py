"""When she should be home: from the way's length, how she goes, and how long her own ways took. Pure."""

import statistics
from collections.abc import Sequence
from itertools import pairwise

from ansim.geo.shape import distance_m
from ansim.journeys.model import Plan, Way

WINDING = 1.35
"""A way through streets is longer than the line as the crow flies by about this."""
_PACE_MPS = {Way.FOOT: 1.15, Way.BUS: 5.0, Way.TAXI: 7.0}
_BEFORE_S = {Way.FOOT: 60.0, Way.BUS: 540.0, Way.TAXI: 180.0}
"""Crossings, the wait at the stop, the way to the door."""
_HER_PACE = (0.7, 1.6)
_REMEMBERED = 20


def length_m(plan: Plan) -> float:
    """The planned way's length, or what the distance makes likely."""
    if len(plan.way) > 1:
        return sum(distance_m(*one, *other) for one, other in pairwise(plan.way))
    start, end = plan.start, plan.destination
    return WINDING * distance_m(start.lat, start.lon, end.lat, end.lon)


def usual_s(plan: Plan) -> float:
    """Seconds that the way takes people in general."""
    return _BEFORE_S[plan.by] + length_m(plan) / _PACE_MPS[plan.by]


def expected_s(plan: Plan, past: Sequence[float] = ()) -> float:
    """Seconds that the way should take her.

    ``past`` are her earlier ways as shares of what :func:`usual_s` said of them, newest last; the median of
    the last twenty counts from the third on, within limits that one odd evening cannot move.
    """
    recent = list(past)[-_REMEMBERED:]
    share = statistics.median(recent) if len(recent) >= 3 else 1.0
    return usual_s(plan) * min(max(share, _HER_PACE[0]), _HER_PACE[1])
