#!/usr/bin/env python3
"""tools/rivals takes turns, judges and keeps figures as it says, with contestants that only pretend to work."""

import json
import sys
import tempfile
import unittest
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "rivals"))
import report  # noqa: E402
from common import Missing, made_once  # noqa: E402
from contestant import Contestant, Reading, Settings  # noqa: E402
from row import Row, Target  # noqa: E402
from turns import measure_row  # noqa: E402

SETTINGS = Settings(threads=1)


class Pretender(Contestant):
    def __init__(self, name, readings, log, ours=False, missing=None):
        super().__init__(name)
        self.readings, self.log, self.ours, self.missing = list(readings), log, ours, missing

    def open(self, settings):
        super().open(settings)
        if self.missing == "open":
            raise Missing("it is not here")

    def measure(self):
        self.log.append(self.name)
        if self.missing == len(self.log):
            raise Missing("it broke")
        value = self.readings.pop(0)
        return value if isinstance(value, Reading) else Reading(value)

    def close(self):
        self.log.append("close " + self.name)


def row(contestants, target=Target(ratio=1.5), **more):
    return Row("key", "title", "tokens/s", target, lambda settings: contestants, **more)


class Turns(unittest.TestCase):
    def test_contestants_alternate_and_medians_are_compared(self):
        log = []
        ours = Pretender("a", [30, 10, 20], log, ours=True)
        result = measure_row(row([ours, Pretender("b", [8, 10, 12], log), Pretender("c", [5, 5, 5], log)]), SETTINGS, 3)
        self.assertEqual(log, [*"abccbaabc", "close a", "close b", "close c"])
        self.assertEqual([e["median"] for e in result["contestants"]], [20, 10, 5])
        self.assertEqual((result["best_rival"], result["ratio"], result["reached"]), ("b", 2, True))

    def test_less_is_better_where_the_row_says_so(self):
        log = []
        result = measure_row(row([Pretender("a", [2], log, ours=True), Pretender("b", [5], log), Pretender(
            "c", [3], log)], lower_is_better=True), SETTINGS, 1)
        self.assertEqual((result["best_rival"], result["ratio"], result["reached"]), ("c", 1.5, True))

    def test_the_limit_is_the_most_that_anything_reached(self):
        def measured(loop, rival):
            log = []
            ours = Pretender("a", [Reading(1, rate=90, limits={"read": loop})], log, ours=True)
            return measure_row(row([ours, Pretender("b", [Reading(1, rate=rival)], log)], Target(share=80), limit="read"),
                               SETTINGS, 1)

        self.assertEqual(measured(100, 50)["contestants"][0]["share_percent"], 90)
        self.assertTrue(measured(100, 50)["reached"])
        self.assertEqual(measured(100, 150)["limit"], 150)
        self.assertFalse(measured(100, 150)["reached"])

    def test_a_forced_level_has_no_share_of_arithmetic(self):
        ours = Pretender("a", [Reading(1, rate=90, limits={"int8": 100})], [], ours=True)
        result = measure_row(row([ours], limit="int8"), Settings(threads=1, avx2=True), 1)
        self.assertIsNone(result["contestants"][0]["share_percent"])

    def test_who_is_missing_is_told_and_the_others_go_on(self):
        log = []
        everyone = [Pretender("a", [4, 4], log, ours=True), Pretender("b", [], log, missing="open"),
                    Pretender("c", [9], log, missing=6), Pretender("d", [2, 2], log)]
        result = measure_row(row(everyone), SETTINGS, 2)
        self.assertEqual([e["name"] for e in result["contestants"]], ["a", "d"])
        self.assertEqual(result["absent"], {"b": "it is not here", "c": "it broke"})
        self.assertEqual((result["best_rival"], result["ratio"]), ("d", 2))

    def test_without_a_rival_nothing_is_claimed(self):
        result = measure_row(row([Pretender("a", [4], [], ours=True)]), SETTINGS, 1)
        self.assertEqual((result["ratio"], result["reached"]), (None, None))


class Report(unittest.TestCase):
    environment = {"date": "2000-01-01", "commit": "abc", "threads": 1, "busy_percent_before": 50, "versions": {"x": "1"},
                   "machine": {"cpu": "cpu", "isa": "avx2", "read_gigabytes_per_second": 1, "f32_gflops": 1,
                               "bf16_gflops": 0, "int8_gops": 1}}

    def result(self, value):
        pair = [Pretender("a", [value], [], ours=True), Pretender("b", [1], [])]
        return {**measure_row(row(pair), SETTINGS, 1), "environment": self.environment}

    def test_a_row_replaces_its_own_figures_and_no_others(self):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "rivals"
            for mode, key, value in (("native", "one", 11), ("native", "two", 22), ("avx2", "one", 33),
                                     ("native", "one", 44)):
                report.add(output, mode, key, self.result(value), ["one", "two"])
            kept = json.loads(output.with_suffix(".json").read_text())
            self.assertEqual([kept[mode][key]["ratio"] for mode, key in
                              (("native", "one"), ("native", "two"), ("avx2", "one"))], [44, 22, 33])
            page = output.with_suffix(".md").read_text()
            for text in ("44.00x", "22.00x", "33.00x", "the figures are noisy", "≥ 1.5x", 'id="avx2-one"'):
                self.assertIn(text, page)
            self.assertNotIn("11.00x", page)


class MadeOnce(unittest.TestCase):
    def test_what_was_broken_off_does_not_stay(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"

            def breaks(draft):
                draft.mkdir()
                (draft / "half").touch()
                raise Missing("full disk")

            with self.assertRaises(Missing):
                made_once(path, breaks)
            self.assertFalse(path.exists())
            made_once(path, lambda draft: draft.mkdir())
            self.assertEqual(list(path.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
