"""When a phone says where it is: the reference of the page's own sampler, for many phones at once. Pure.

Dead reckoning: the phone knows what the server believes (the last report, carried on at its velocity) and
reports when that would be off by more than ``FIDELITY_M``, or when the heartbeat is due. Between reports the
server's belief is therefore as good as a report every few seconds.
"""

import numpy as np
import numpy.typing as npt

FIDELITY_M = 20.0
HEARTBEAT_S = 90.0
_PROCESS_MPS2 = 0.05
"""How much a walker's pace and direction wander: sets how far the filter trusts a fix."""
_STANDS_MPS = 0.35

Floats = npt.NDArray[np.float64]


class Sampler:
    """The state of ``count`` phones; places are metres east and north of a point of each phone's own."""

    def __init__(self, count: int) -> None:
        self._started = np.zeros(count, bool)
        self._x, self._y = np.zeros(count), np.zeros(count)
        self._vx, self._vy = np.zeros(count), np.zeros(count)
        self._at = np.zeros(count)
        self._sent: dict[str, Floats] = {name: np.zeros(count) for name in ("at", "x", "y", "vx", "vy")}

    def fix(self, at: float, x: Floats, y: Floats, radius: Floats) -> npt.NDArray[np.bool_]:
        """A fix each at second ``at``; whether each phone reports now.

        A g-h (alpha-beta) filter with the gains of the tracking index (Kalata 1984) smooths the fixes.
        """
        fresh = ~self._started
        span = np.maximum(at - self._at, 1e-3)
        self._started[:] = True
        self._x[fresh], self._y[fresh] = x[fresh], y[fresh]
        g, h = gains(radius / 2.4477, span)
        for place, speed, measured in ((self._x, self._vx, x), (self._y, self._vy, y)):
            predicted = place + speed * span
            error = np.where(fresh, 0.0, measured - predicted)
            place[:] = np.where(fresh, measured, predicted + g * error)
            speed += np.where(fresh, 0.0, h * error / span)
        self._at[:] = at
        believed_x, believed_y = self.believed(at)
        off = np.hypot(self._x - believed_x, self._y - believed_y)
        send = fresh | (off > np.maximum(FIDELITY_M, 0.5 * radius)) | (at - self._sent["at"] >= HEARTBEAT_S)
        stands = np.hypot(self._vx, self._vy) < _STANDS_MPS
        for name, value in (("at", self._at), ("x", self._x), ("y", self._y)):
            self._sent[name][send] = value[send]
        for name, value in (("vx", self._vx), ("vy", self._vy)):
            self._sent[name][send] = np.where(stands, 0.0, value)[send]
        return send

    def believed(self, at: float) -> tuple[Floats, Floats]:
        """Where the server believes each phone to be at ``at``."""
        sent, span = self._sent, at - self._sent["at"]
        return sent["x"] + sent["vx"] * span, sent["y"] + sent["vy"] * span

    def estimate(self) -> tuple[Floats, Floats, Floats]:
        """Where each phone takes itself to be, and its speed."""
        return self._x.copy(), self._y.copy(), np.hypot(self._vx, self._vy)


def gains(sigma: Floats, span: Floats) -> tuple[Floats, Floats]:
    """Gains for place and velocity of fixes with deviation ``sigma`` (m) that are ``span`` seconds apart."""
    index = _PROCESS_MPS2 * span * span / np.maximum(sigma, 0.5)
    root = (4 + index - np.sqrt(8 * index + index * index)) / 4
    g = 1 - root * root
    return g, 2 * (2 - g) - 4 * np.sqrt(1 - g)
