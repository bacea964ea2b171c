"""A row, measured: contestants in turns, the order reversed from round to round; medians of the rounds."""

import statistics
from dataclasses import replace

from common import Missing, say


def measure_row(row, settings, rounds):
    """What report.py shows, as JSON can hold it."""
    settings = replace(settings, runs=min(row.runs, settings.runs))
    everyone, absent = open_all(row.contestants(settings), settings)
    try:
        readings = take_turns(row, everyone, absent, rounds)
    finally:
        for contestant in everyone:
            contestant.close()
    limit = limit_of(row, readings, settings)
    entries = [entry(contestant, readings[contestant], limit) for contestant in everyone if readings[contestant]]
    notes, counts = row.notes()
    result = {"title": row.title, "unit": row.unit, "limit_kind": row.limit, "limit": limit, "rounds": rounds,
              "runs": settings.runs, "contestants": entries, "absent": absent, "notes": notes}
    verdict = judge(row, entries)
    return {**result, **verdict, "reached": verdict["reached"] and counts}


def open_all(contestants, settings):
    ready, absent = [], {}
    for contestant in contestants:
        try:
            contestant.open(settings)
            ready.append(contestant)
        except Missing as reason:
            contestant.close()
            leave_out(contestant, reason, absent)
    return ready, absent


def leave_out(contestant, reason, absent):
    absent[contestant.name] = str(reason)
    say(f"left out: {contestant.name}: {reason}")


def take_turns(row, everyone, absent, rounds):
    readings = {contestant: [] for contestant in everyone}
    for turn in range(rounds):
        for contestant in everyone if turn % 2 == 0 else reversed(everyone):
            if contestant.name in absent:
                continue
            try:
                reading = contestant.measure()
            except Missing as reason:
                leave_out(contestant, reason, absent)
                readings[contestant].clear()
                continue
            readings[contestant].append(reading)
            value = f"{reading.value:.{row.digits}f} {row.unit}"
            say(f"{row.key}, round {turn + 1} of {rounds}: {contestant.name}: {value}")
    return readings


def limit_of(row, readings, settings):
    """The most that was seen in this row: by Swiftlet's loops beside each of its runs, or by a contestant at work.

    The loops know the instructions of the processor, not a level that was forced: no share of arithmetic there.
    """
    if not row.limit or (settings.avx2 and row.limit != "read"):
        return 0
    everything = [reading for rounds in readings.values() for reading in rounds]
    return max([reading.limits.get(row.limit, 0) for reading in everything] + [reading.rate for reading in everything],
               default=0)


def entry(contestant, readings, limit):
    values = [reading.value for reading in readings]
    rate = statistics.median(reading.rate for reading in readings)
    extra = {key: statistics.median(reading.extra[key] for reading in readings) for key in readings[0].extra}
    return {"name": contestant.name, "ours": contestant.ours, "median": statistics.median(values), "values": values,
            "rate": rate, "share_percent": 100 * rate / limit if limit and rate else None, **extra}


def judge(row, entries):
    """The first of Swiftlet's entries beside the best of the others, and whether the target is reached."""
    ours = [e for e in entries if e["ours"]]
    rivals = [e for e in entries if not e["ours"]]
    if not ours:
        return {"ratio": None, "best_rival": None, "reached": None}
    own = ours[0]
    better = min if row.lower_is_better else max
    best = better(rivals, key=lambda e: e["median"], default=None)
    for one in entries:  # how much faster (or smaller) the first of Swiftlet is than each
        pair = own["median"], one["median"]
        one["ratio"] = pair[1] / pair[0] if row.lower_is_better else pair[0] / pair[1]
    target = row.target
    checks = {
        "ratio": (target.ratio, best and best["ratio"], lambda got: got >= target.ratio),
        "share": (target.share, own["share_percent"], lambda got: got >= target.share),
        "at_most": (target.at_most, own["median"], lambda got: got <= target.at_most),
        "fall": (target.fall, own.get("fall_percent"), lambda got: got <= target.fall),
    }
    wanted = {name: (got, check) for name, (aim, got, check) in checks.items() if aim}
    known = all(got is not None for got, _ in wanted.values())
    return {"ratio": best and best["ratio"], "best_rival": best and best["name"],
            "targets": {name: aim for name, (aim, _, _) in checks.items() if aim},
            "reached": all(check(got) for got, check in wanted.values()) if known else None}
