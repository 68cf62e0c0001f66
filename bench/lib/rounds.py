"""Measuring in alternation: every server takes its turn in each round, so that what else the machine does
strikes all of them, and what counts is the median over the rounds."""

import statistics
from collections import defaultdict

from lib.server import LoadFailed


class Rounds:
    """What was measured: for a load, the results of each server, one a round. `quiet` rounds print
    nothing and end at the first failure."""

    def __init__(self, quiet=False):
        self.results, self.failures, self.others, self.quiet = {}, [], [], quiet

    def run(self, load, rounds, takers, measure, seldom=None):
        """`takers` are names; `measure(name)` is called once a round for each. Those not in `seldom`
        take part in every round, those in it as often as it says. A failure ends the turns of one
        server, and is kept for the report."""
        found = self.results.setdefault(load, defaultdict(list))
        failed = set()
        for number in range(rounds):
            # Each round begins with another one, since what runs first meets an idle machine.
            order = takers[number % len(takers):] + takers[:number % len(takers)]
            for name in order:
                if name in failed or number >= (seldom or {}).get(name, rounds):
                    continue
                try:
                    result = measure(name)
                except LoadFailed as failure:
                    if self.quiet:
                        raise
                    failed.add(name)
                    self.failures.append(f"{load}, {name}: {str(failure).strip()[:1500]}")
                    print(f"  {load}: {name} FAILED", flush=True)
                    found[name].append(None)
                    continue
                self.others.append(result.get("others", 0))
                found[name].append(result)
            if not self.quiet:
                print(f"  {load}, round {number + 1} of {rounds}", flush=True)

    def names(self, load):
        return [name for name in self.results.get(load, {}) if self.median(load, name, "rate") is not None]

    def median(self, load, name, key):
        values = [run[key] for run in self.results.get(load, {}).get(name, []) if run]
        return statistics.median(values) if values else None

    def ratio(self, load, name, base, key):
        """The median of the ratios within a round."""
        runs = self.results.get(load, {})
        pairs = zip(runs.get(name, []), runs.get(base, []))
        ratios = [run[key] / other[key] for run, other in pairs if run and other and other[key]]
        return statistics.median(ratios) if ratios else None

    def as_json(self):
        return {"results": self.results, "failures": self.failures, "others": self.others}

    @classmethod
    def of_json(cls, told):
        rounds = cls()
        rounds.results, rounds.failures, rounds.others = told["results"], told["failures"], told["others"]
        return rounds
