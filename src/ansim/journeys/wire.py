"""Fixes on the wire: a batch of records of 20 bytes each, as a phone sends them. Pure.

Little-endian, after a header of 8 bytes: uint32 sequence number of the batch, uint32 reserved (0). A record
is uint32 time (tenths of a second before the batch is sent), int32 latitude and int32 longitude (1e-7 deg),
uint16 radius (m, 95 %), uint16 speed (cm/s, 65535: not known), uint16 course (0.01 degree, 65535: unknown),
uint8 battery (%, 255: not known), uint8 reserved. Times count backwards so that a phone whose clock is wrong
is still placed rightly in time.
"""

import numpy as np
import numpy.typing as npt

from ansim.journeys.fleet import FIX, FIX_FIELDS
from ansim.journeys.model import Fix

HEADER = np.dtype([("seq", "<u4"), ("reserved", "<u4")])
RECORD = np.dtype(
    [
        ("ago", "<u4"),
        ("lat", "<i4"),
        ("lon", "<i4"),
        ("radius", "<u2"),
        ("speed", "<u2"),
        ("course", "<u2"),
        ("battery", "u1"),
        ("reserved", "u1"),
    ]
)
MOST = 500
_OLDEST_S = 6 * 3600.0


class Garbled(ValueError):
    """The body is no batch; the message says why."""


def read(body: bytes, received: float) -> tuple[int, list[Fix], int]:
    """(sequence number, fixes, how many were left out) of a batch received at ``received`` (epoch seconds).

    A record that names no place on earth, or is hours old, is left out and counted; the others stand.
    """
    rest = len(body) - HEADER.itemsize
    if rest < 0 or rest % RECORD.itemsize:
        raise Garbled(f"a batch is 8 bytes and records of {RECORD.itemsize} bytes, not {len(body)} bytes")
    if rest > MOST * RECORD.itemsize:
        raise Garbled(f"a batch holds at most {MOST} records")
    seq = int(np.frombuffer(body, HEADER, 1)["seq"][0])
    records = np.frombuffer(body, RECORD, offset=HEADER.itemsize)
    lat, lon = records["lat"] / 1e7, records["lon"] / 1e7
    good = (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & (records["ago"] / 10 <= _OLDEST_S)
    good &= (records["lat"] != 0) | (records["lon"] != 0)
    kept = records[good]
    nan = float("nan")
    fixes = [
        Fix(
            at=received - int(record["ago"]) / 10,
            lat=int(record["lat"]) / 1e7,
            lon=int(record["lon"]) / 1e7,
            radius=max(float(record["radius"]), 1.0),
            speed=nan if record["speed"] == 65535 else int(record["speed"]) / 100,
            battery=nan if record["battery"] > 100 else int(record["battery"]) / 100,
        )
        for record in kept
    ]
    return seq, fixes, len(records) - len(kept)


def write(seq: int, fixes: list[Fix], sent: float) -> bytes:
    """The batch as a phone writes it: the reference for phones, and for tests."""
    header = np.zeros(1, HEADER)
    header["seq"] = seq
    records = np.zeros(len(fixes), RECORD)
    for record, fix in zip(records, fixes, strict=True):
        record["ago"] = round(max(0.0, sent - fix.at) * 10)
        record["lat"], record["lon"] = round(fix.lat * 1e7), round(fix.lon * 1e7)
        record["radius"] = min(round(fix.radius), 65535)
        record["speed"] = 65535 if fix.speed != fix.speed else min(round(fix.speed * 100), 65534)
        record["course"] = 65535
        record["battery"] = 255 if fix.battery != fix.battery else round(fix.battery * 100)
    return header.tobytes() + records.tobytes()


def as_array(fixes: list[Fix], known: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.void]:
    """Fixes as the watch takes them (dtype ``fleet.FIX``)."""
    array = np.zeros(len(fixes), FIX)
    for name in FIX_FIELDS:
        array[name] = [getattr(fix, name) for fix in fixes]
    if known is not None:
        array["known"] = known
    return array
