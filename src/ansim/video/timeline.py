"""Media time made of a camera's clock where it makes sense, and of the time of arrival where it does not.

Cameras in the field send timestamps that stand still, jump by hours when their clock is set, or are missing.
A browser freezes at the first such packet; here the time goes on.
"""

from ansim.video.model import CLOCK_HZ

JUMP_S = 2.0
"""A step further than this that the arrival does not confirm is a jump of the clock."""
_TOLERANCE_S = 1.0
_USUAL_S = 1 / 15
_LONGEST_REORDER_S = 2.0


class Timeline:
    """Stamps the packets of one connection; the first is at 0.

    ``rebased`` counts how often the camera's clock could not be used.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._arrived = 0.0
        self._dts = 0
        self.rebased = 0

    def stamp(self, dts_s: float | None, pts_s: float | None, arrival_s: float) -> tuple[int, int]:
        """Decoding and presentation time in ticks of 1/90,000 s; decoding times strictly increase."""
        own = dts_s if dts_s is not None else pts_s
        first, passed = self._arrived == 0.0, arrival_s - self._arrived
        self._arrived = arrival_s
        last, self._last = self._last, own
        if not first:
            self._dts += max(1, round(self._step(last, own, passed) * CLOCK_HZ))
        reorder = 0.0
        if dts_s is not None and pts_s is not None and 0.0 < pts_s - dts_s <= _LONGEST_REORDER_S:
            reorder = pts_s - dts_s
        return self._dts, self._dts + round(reorder * CLOCK_HZ)

    def _step(self, last: float | None, own: float | None, passed: float) -> float:
        """Seconds from the packet before to this one."""
        if last is not None and own is not None:
            step = own - last
            if step > 0.0 and (step <= JUMP_S or abs(step - passed) <= _TOLERANCE_S):
                return step
        self.rebased += 1
        return passed if 0.0 < passed <= JUMP_S else _USUAL_S
