"""What must be reached, each with what was found."""

import operator


# Memory is measured in MiB and asked in MB.
MB = 2**20 / 1e6


def targets(suite):
    """(what, asked, found, reached), `None` for what was not measured."""
    rounds, facts = suite.rounds, suite.facts
    rows = []

    def demand(what, found, compare, limit, form="{:.2f}"):
        sign = "≤" if compare is operator.le else "≥"
        reached = None if found is None else compare(found, limit)
        told = "not measured" if found is None else form.format(found)
        rows.append((what, f"{sign} {form.format(limit)}", told, reached))

    def of_floor(load, name, key):
        return rounds.ratio(load, name, "floor", key)

    most, least = operator.le, operator.ge
    for connections in (32, 256):
        load, where = f"user at {connections}", f"Current user by token, {connections} connections"
        demand(f"{where}: CPU of the floor's", of_floor(load, "adyton", "cpu"), most, 1.25)
        demand(f"{where}: requests/s of the floor's", of_floor(load, "adyton", "rate"), least, 0.85)
        demand(f"{where}: p99 of the floor's", of_floor(load, "adyton", "p99"), most, 1.5)
        demand(f"Current user by cookie, {connections} connections: CPU of the floor's",
               of_floor(load, "cookie", "cpu"), most, 1.4)
    demand("Cold cache, 1 M tokens: CPU of the floor's", of_floor("cold at 1000000", "adyton", "cpu"), most, 3)
    small, large = (rounds.median(f"cold at {size}", "adyton", "cpu") for size in (100_000, 10_000_000))
    demand("Cold cache, 10 M tokens: CPU of that at 100 k", large / small if small and large else None, most, 1.3)
    peers = [("axum-login", 10), ("better-auth", 75), ("knox", 150), ("fastapi-users", 150)]
    for name, times in peers:
        found = rounds.ratio("user at 32", name, "adyton", "cpu")
        demand(f"CPU a request of {name} over Adyton's", found, least, times, "{:.0f}")
    demand("Sign-ins/s of raw argon2id's", rounds.ratio("login", "adyton", "argon2", "rate"), least, 0.95)
    demand("Memory in a flood, MB", megabytes(facts.get("in a flood")), most, 120, "{:.0f}")
    demand("Refreshes/s at 64 connections of one commit each's",
           rounds.ratio("refresh at 64", "adyton", "commits", "rate"), least, 10, "{:.1f}")
    demand("Current user in a flood of sign-ins: of its quiet rate",
           rounds.median("flood", "adyton", "kept"), least, 0.5)
    demand("Memory a minute after the last sign-in, MB", megabytes(facts.get("a minute later")), most, 30, "{:.0f}")
    cached = facts.get("cached", {})
    demand("Memory that 100 k cached tokens add, MB",
           megabytes(cached.get("MiB")) if cached.get("tokens") == 100_000 else None, most, 40, "{:.0f}")
    demand("Start to first answer, ms", facts["start"] * 1e3 if "start" in facts else None, most, 50, "{:.0f}")
    demand("The binary, MB", megabytes(facts.get("binary")), most, 18, "{:.1f}")
    return rows


def megabytes(mebibytes):
    return None if mebibytes is None else mebibytes * MB
