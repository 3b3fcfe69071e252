"""A journey's rules judged on labelled walks. Run: ``python -m bench.journeys_judge [--walks N] [--tune]``.

Every walk goes through the phone's sampler and the real watch, on a clock of its own. Seeds below TUNED were
looked at when limits were chosen; the table and the figures come from seeds that start at SCORED.
"""

import argparse
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from ansim.journeys.eta import expected_s
from ansim.journeys.fleet import FIX, Fleet, Times
from ansim.journeys.model import DEFAULT_POLICY, State
from ansim.journeys.sampling import Sampler
from ansim.journeys.watch import Watch
from ansim.simulation.strolls import EVENING, EVERY_S, IN_NEED, Kind, Stroll, degrees, stroll
from bench.report import machine

TUNED = 100_000
SCORED = 500_000
SHARES = {
    Kind.NORMAL: 0.55,
    Kind.DETOUR: 0.15,
    Kind.BUS: 0.10,
    Kind.TAXI: 0.05,
    Kind.CANYON: 0.05,
    Kind.CELL: 0.05,
    Kind.GAPS: 0.05,
}
"""How often each kind of ordinary walk comes."""
IN_TIME_S = {Kind.ABDUCTION: 600.0, Kind.LED_AWAY: 1200.0, Kind.THROWN: 1200.0, Kind.SMASHED: 600.0}
"""An alarm later than this after the need is not counted as raised."""
ANSWERS, SHE_ANSWERS_S = 0.97, (2.0, 28.0)
GUARDIAN_REACHES, GUARDIAN_S = 0.80, (15.0, 55.0)
BLOCK = 2_000
TICK_S = 5.0
Floats = npt.NDArray[np.float64]


class Outcome(NamedTuple):
    """What became of one walk: prompts, the alarm's second (infinite: none), and what its phone sent."""

    kind: Kind
    prompts: int
    alarm_at: float
    need_at: float
    reports: int
    lasted_s: float
    off_m: float


class Reports(NamedTuple):
    """What a block's phones sent, in the order of time; ``off_m``: worst error of the server's belief."""

    row: npt.NDArray[np.intp]
    at: Floats
    fix: npt.NDArray[np.void]
    off_m: Floats


def reports_of(walks: list[Stroll]) -> Reports:
    """Run the phones' samplers over a block of walks."""
    count, longest = len(walks), max(len(walk.t) for walk in walks)
    padded = {name: np.full((count, longest), np.nan) for name in ("x", "y", "radius", "speed")}
    heard = np.zeros((count, longest), bool)
    for row, walk in enumerate(walks):
        heard[row, : len(walk.t)] = walk.heard
        for name, column in padded.items():
            column[row, : len(walk.t)] = getattr(walk, name)
            column[row, len(walk.t) :] = column[row, len(walk.t) - 1]
    sampler, rows, steps = Sampler(count), [], []
    fixes: list[npt.NDArray[np.void]] = []
    waiting = np.zeros(count, bool)
    off = np.zeros(count)
    for index in range(longest):
        x, y, radius = (padded[name][:, index] for name in ("x", "y", "radius"))
        waiting |= sampler.fix(index * EVERY_S, x, y, radius)
        send = np.flatnonzero(waiting & heard[:, index])
        waiting[send] = False  # what a gap held back goes out with the next fix
        ex, ey, _ = sampler.estimate()
        bx, by = sampler.believed(index * EVERY_S)
        wrong = np.hypot(ex - bx, ey - by)
        off = np.where(heard[:, index], np.maximum(off, wrong), off)
        if not len(send):
            continue
        fix = np.zeros(len(send), FIX)
        fix["lat"], fix["lon"] = degrees(ex[send], ey[send])
        fix["radius"], fix["speed"] = radius[send], padded["speed"][send, index]
        fix["battery"] = np.nan
        fixes.append(fix)
        rows.append(send)
        steps.append(np.full(len(send), index * EVERY_S))
    fix, at = np.concatenate(fixes), np.concatenate(steps)
    fix["at"] = EVENING + at
    return Reports(np.concatenate(rows), at, fix, off)


def judge(walks: list[Stroll], seed: int) -> list[Outcome]:
    """Send a block of walks through the watch; people answer as stated above, those in need never."""
    random = np.random.default_rng(seed)
    fleet = Fleet()
    watch = Watch(fleet)
    for number, walk in enumerate(walks):
        times = Times(EVENING, EVENING + expected_s(walk.plan))
        fleet.add(number.to_bytes(16, "big"), walk.plan, DEFAULT_POLICY, times)
    sent = reports_of(walks)
    prompts, alarm = np.zeros(len(walks), int), np.full(len(walks), math.inf)
    answers: dict[int, float] = {}
    until = max(walk.t[-1] for walk in walks) + 900.0
    cursor = 0
    for now in np.arange(0.0, until, TICK_S):
        end = int(np.searchsorted(sent.at, now, "right"))
        steps = []
        if end > cursor:
            part = slice(cursor, end)
            open_rows = fleet.state[sent.row[part]] < State.ALARMED
            steps += watch.heard(sent.row[part][open_rows], sent.fix[part][open_rows], EVENING + now)
            cursor = end
        for row in [row for row, at in answers.items() if at <= now]:
            del answers[row]
            watch.safe(row, EVENING + now)
        steps += watch.tick(EVENING + now)
        for step in steps:
            in_need = now >= walks[step.row].need_at
            if step.state is State.CHECK_ASKED:
                prompts[step.row] += 1
                if not in_need and random.random() < ANSWERS:
                    answers[step.row] = now + random.uniform(*SHE_ANSWERS_S)
            elif step.state is State.GUARDIANS_TOLD:
                if not in_need and random.random() < GUARDIAN_REACHES:
                    answers[step.row] = now + random.uniform(*GUARDIAN_S)
            elif step.state is State.ALARMED:
                alarm[step.row] = now
    counts = np.bincount(sent.row, minlength=len(walks))
    return [
        Outcome(
            walk.kind,
            int(prompts[n]),
            float(alarm[n]),
            walk.need_at,
            int(counts[n]),
            float(walk.t[-1]),
            float(sent.off_m[n]),
        )
        for n, walk in enumerate(walks)
    ]


def run(first: int, ordinary: int, in_need: int) -> list[Outcome]:
    """Judge so many ordinary walks and so many of each kind in need, made from seeds from ``first`` on."""
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(share * ordinary))]
    kinds += [kind for kind in IN_NEED_ORDER for _ in range(in_need)]
    outcomes: list[Outcome] = []
    for begin in range(0, len(kinds), BLOCK):
        walks = [stroll(kind, first + begin + n) for n, kind in enumerate(kinds[begin : begin + BLOCK])]
        outcomes += judge(walks, first + begin)
    return outcomes


IN_NEED_ORDER = tuple(kind for kind in Kind if kind in IN_NEED)


class Score(NamedTuple):
    """The figures of a run."""

    alarm_recall: float
    false_prompts_per_walk: float
    false_alarms_per_walk: float


def score(outcomes: list[Outcome]) -> Score:
    """Recall over all kinds in need; prompts and alarms per ordinary walk."""
    ordinary = [one for one in outcomes if one.kind not in IN_NEED]
    need = [one for one in outcomes if one.kind in IN_NEED]
    raised = sum(in_time(one) for one in need)
    return Score(
        raised / len(need),
        sum(one.prompts for one in ordinary) / len(ordinary),
        sum(math.isfinite(one.alarm_at) for one in ordinary) / len(ordinary),
    )


def in_time(one: Outcome) -> bool:
    """Whether the alarm came after the need and not too late; one already standing counts too."""
    return one.alarm_at - one.need_at <= IN_TIME_S[one.kind]


def table(outcomes: list[Outcome]) -> Table:
    """One line a kind of walk."""
    shown = Table(title=f"Rules of a journey\n{machine()}", title_justify="left")
    for title in ("walk", "n", "prompts a walk", "alarms", "in time", "p50 s", "p95 s", "reports an hour"):
        shown.add_column(title, justify="left" if title == "walk" else "right")
    for kind in Kind:
        mine = [one for one in outcomes if one.kind is kind]
        alarmed = [one for one in mine if math.isfinite(one.alarm_at)]
        took = sorted(one.alarm_at - one.need_at for one in alarmed) if kind in IN_NEED else []
        hours = sum(one.lasted_s for one in mine) / 3600
        shown.add_row(
            kind.value,
            str(len(mine)),
            f"{sum(one.prompts for one in mine) / len(mine):.4f}",
            str(len(alarmed)),
            f"{sum(map(in_time, mine)) / len(mine):.4f}" if kind in IN_NEED else "",
            f"{took[len(took) // 2]:.0f}" if took else "",
            f"{took[int(0.95 * len(took))]:.0f}" if took else "",
            f"{sum(one.reports for one in mine) / hours:.0f}",
        )
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", type=int, default=20_000, help="ordinary walks")
    parser.add_argument("--need", type=int, default=1_000, help="walks of each kind in need")
    parser.add_argument("--tune", action="store_true", help="use the seeds that may be looked at for tuning")
    options = parser.parse_args()
    outcomes = run(0 if options.tune else SCORED, options.walks, options.need)
    Console().print(table(outcomes), score(outcomes))


if __name__ == "__main__":
    main()
