"""How often an incident changes hands on a border road, and how soon after a true crossing.

Run: ``python -m bench.handover``; the table of docs/handover.md is its output. The peer is the rule before:
so many fixes in a row whose circle lies to nine tenths in the next area.
"""

import json
import statistics
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from ansim.core.clock import hlc_ms, parse_iso
from ansim.core.settings import PolicySettings
from ansim.distribution.boundaries import ALWAYS, default_boundaries
from ansim.distribution.handover import crossing, forecast
from ansim.distribution.importer import read_file
from ansim.geo.answers import Answer
from ansim.geo.boundaries import BoundarySet
from ansim.incidents.model import Incident
from ansim.incidents.positions import Position
from bench.report import machine
from support.border_walks import (
    EVERY_S,
    SURVEY,
    Border,
    Rule,
    across,
    along,
    borders,
    follow_rule,
    heard,
    pressed_at,
)

RADII_M = (5.0, 10.0, 20.0, 35.0, 50.0)
MINUTES = 10.0
ROADS = 30


def former(
    incident: Incident,
    fixes: Sequence[Position],
    boundaries: BoundarySet,
    policy: PolicySettings,
    now_ms: int,
) -> Answer | None:
    """The rule before this one: the newest circles, each by itself."""
    if incident.owner is None or len(fixes) < policy.handover_fixes:
        return None
    if now_ms - hlc_ms(incident.owner.since) < policy.handover_rest_s * 1000 and len(incident.owners) > 1:
        return None
    recent = fixes[-policy.handover_fixes :]
    answers = [boundaries.locate(fix.lat, fix.lon, fix.radius) for fix in recent]
    newest = answers[-1]
    if incident.responsible is not None and newest.center_code == incident.responsible.code:
        return None
    if any(answer.center_code != newest.center_code or answer.method == "nearest" for answer in answers):
        return None
    shares = [boundaries.overlap_share(newest.center_code, fix.lat, fix.lon, fix.radius) for fix in recent]
    return newest if min(shares) >= policy.handover_share else None


def moves(rule: Rule, roads: list[Border], boundaries: BoundarySet, radius: float) -> float:
    """Hand-overs an hour on border roads."""
    policy = PolicySettings()
    count = 0
    for seed, border in enumerate(roads):
        places = along(border, MINUTES * 60)
        journey = follow_rule(rule, heard(places, radius, seed), places, boundaries, policy)
        count += len(journey.owners) - 1
    return count / (len(roads) * MINUTES / 60)


def delays(
    rule: Rule, roads: list[Border], boundaries: BoundarySet, radius: float
) -> tuple[float, float, int, int]:
    """After a true crossing: median and 95th percentile of the delay (s), missed, and premature."""
    policy = PolicySettings()
    late: list[float] = []
    missed = early = 0
    for seed, border in enumerate(roads):
        places = across(border, boundaries)
        if not places:
            continue
        journey = follow_rule(rule, heard(places, radius, seed), places, boundaries, policy)
        goal = journey.truth[-1][1]
        crossed = next(at for at, code in journey.truth if code == goal)
        arrived = [at for code, at in journey.owners[1:] if code == goal]
        if not arrived:
            missed += 1
        elif arrived[0] < crossed:
            early += 1
        else:
            late.append(arrived[0] - crossed)
    late = late or [float("nan")]
    return statistics.median(late), float(np.percentile(late, 95)), missed, early


def warnings(roads: list[Border], boundaries: BoundarySet, radius: float) -> tuple[float, int, int]:
    """Before a true crossing: median lead (s), crossings warned of, and all crossings."""
    policy = PolicySettings()
    leads: list[float] = []
    whole = 0
    for seed, border in enumerate(roads):
        places = across(border, boundaries)
        if not places:
            continue
        whole += 1
        fixes = heard(places, radius, seed)
        incident = pressed_at(boundaries, fixes[0])
        goal = boundaries.locate(*places[-1]).center_code
        crossed = next(n for n, place in enumerate(places) if boundaries.locate(*place).center_code == goal)
        for number in range(crossed):
            now_ms = int(parse_iso(fixes[number].at).timestamp() * 1000)
            ahead = forecast(incident, fixes[max(0, number - 29) : number + 1], boundaries, policy, now_ms)
            if ahead is not None and ahead.code == goal:
                leads.append((crossed - number) * EVERY_S)
                break
    return (statistics.median(leads) if leads else float("nan")), len(leads), whole


def main() -> None:
    """Measure and print."""
    console = Console(width=130)
    surveyed = SURVEY.exists()
    boundaries = read_file(SURVEY, effective_from=ALWAYS, unite=True) if surveyed else default_boundaries()
    roads = borders(boundaries, MINUTES * 60 * 1.5, ROADS)
    source = "surveyed borders of 2018" if surveyed else "the shipped default borders"
    console.print(machine())
    walks = f"{len(roads)} border roads, {MINUTES:.0f} minutes each, a fix every {EVERY_S:.0f} s"
    console.print(f"{walks}, {source}")
    table = Table(title="Hand-overs on and across a border", title_justify="left")
    heads = ("95 % circle, m", "moves/h before", "moves/h now", "delay before, s", "delay now, s (p95)",
             "missed before/now", "premature before/now", "warned", "lead, s")  # fmt: skip
    for head in heads:
        table.add_column(head, justify="right")
    sums = [0.0, 0.0]
    now_p95 = []
    for radius in RADII_M:
        before, after = moves(former, roads, boundaries, radius), moves(crossing, roads, boundaries, radius)
        old, new = delays(former, roads, boundaries, radius), delays(crossing, roads, boundaries, radius)
        lead, warned, whole = warnings(roads, boundaries, radius)
        sums[0] += before
        sums[1] += after
        now_p95.append(new[1])
        table.add_row(
            f"{radius:.0f}", f"{before:.1f}", f"{after:.1f}", f"{old[0]:.0f} ({old[1]:.0f})",
            f"{new[0]:.0f} ({new[1]:.0f})", f"{old[2]}/{new[2]}", f"{old[3]}/{new[3]}", f"{warned}/{whole}",
            f"{lead:.0f}",
        )  # fmt: skip
    console.print(table)
    figures = {
        "moves_per_hour_before": round(sums[0] / len(RADII_M), 2),
        "moves_per_hour": round(sums[1] / len(RADII_M), 2),
        "delay_p95_s": round(max(now_p95), 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
