"""The report of a run in Markdown, with its plots."""

import statistics
from pathlib import Path

from lib import plots
from lib.growth import EXPIRED, MOST_SECONDS, SHOWN
from lib.machine import ROOT
from lib.suite import FLOODERS
from lib.targets import targets

PLOTS = "performance-{}.svg"


def write(suite, output, images):
    """Writes `output` and the plots into `images`, a folder beside it."""
    images.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, svg in draw(suite).items():
        if svg:
            (images / PLOTS.format(name)).write_text(svg)
            drawn[name] = f"{images.name}/{PLOTS.format(name)}"
    parts = [head(suite), reached(suite), users(suite, drawn), sign_ins(suite, drawn), flood(suite, drawn),
             refreshes(suite), growth(suite, drawn), weight(suite), set_up(suite), troubles(suite)]
    output.write_text("\n\n".join(part for part in parts if part) + "\n")


# -- words ------------------------------------------------------------------------------------------


def head(suite):
    machine, options = suite.facts["machine"], suite.options
    others = suite.rounds.others or [0]
    about = "\n".join(f"- {what}: {told}" for what, told in machine.items())
    busy = ("" if not suite.options.anyway else
            "\n\n**The machine was busy: trust the ratios and the CPU time, not the rates.**")
    return f"""# Performance

Written by `bench/run --peers` on {suite.facts["date"]}, in {suite.facts.get("minutes", 0):.0f} minutes; `bench/README.md` in the repository says how.
All servers run at once and take turns under the same requests, {options.seconds} s each, for {options.rounds} rounds (the peers 2); given
are medians. A ratio is the median of the ratios within a round. CPU time is that of all the processes of a server. The load
generator shares the machine with them and has half of the cores.

{about}
- in use before the run: {suite.facts["busy"]:.0%}; by others than server and load generator during it: {statistics.median(others):.0%} at the median, {max(others):.0%} at most{busy}"""


def reached(suite):
    rows = targets(suite)
    said = {True: "reached", False: "**missed**", None: "not measured"}
    table = [[what, asked, found, said[verdict]] for what, asked, found, verdict in rows]
    count = sum(verdict is True for *_, verdict in rows)
    return section(f"Asked and reached: {count} of {len(rows)}",
                   markdown(["", "asked", "found", ""], table, "lrrl"))


def users(suite, drawn):
    rounds, parts = suite.rounds, []
    for connections in (1, 32, 256):
        load = f"user at {connections}"
        table = []
        for name in by_cpu(suite, load):
            rate, cpu, p99 = (rounds.median(load, name, key) for key in ("rate", "cpu", "p99"))
            of_floor = rounds.ratio(load, name, "floor", "rate")
            times = rounds.ratio(load, name, "floor", "cpu")
            table.append([label(suite, name), f"{rate:,.0f}", number(of_floor, "{:.3f}"), f"{cpu:,.1f}",
                          number(times, "{:,.2f}"), f"{p99:,.2f}"])
        if table:
            parts += [f"{connections} connection{'s' * (connections > 1)}:",
                      markdown(["", "requests/s", "of the floor", "CPU µs a request", "of the floor",
                                "p99 ms"], table, "lrrrrr")]
    if not parts:
        return ""
    words = (f"Who is calling, answered with the user as JSON; {suite.options.tokens:,} credentials of"
             f" {suite.options.count:,} in turn, so that Adyton answers from its cache.")
    return section("The current user", words, picture(drawn, "cpu", "CPU time a request"), *parts)


def sign_ins(suite, drawn):
    parts = [picture(drawn, "logins", "Sign-ins a second")]
    for load, title in [("login", "Sign-ins"), ("register", "Sign-ups")]:
        table = []
        for name in sorted(suite.rounds.names(load), key=lambda name: -suite.rounds.median(load, name, "rate")):
            rate, cpu, p99 = (suite.rounds.median(load, name, key) for key in ("rate", "cpu", "p99"))
            table.append([label(suite, name), f"{rate:,.1f}", f"{cpu / 1e3:,.1f}", f"{p99:,.0f}" if p99 else "–"])
        if table:
            parts += [f"{title} at 16 connections:",
                      markdown(["", "a second", "CPU ms each", "p99 ms"], table, "lrrr")]
    words = ("What counts here is the hash of the password, which each has as its documentation"
             " recommends; more sign-ins a second are not better where the hash is weaker. Adyton's is argon2id,"
             " m=19456, t=2, p=1; `argon2id alone` hashes with these on all cores and does nothing else.")
    return section("Signing in and up", words, *parts) if len(parts) > 1 else ""


def flood(suite, drawn):
    rounds, table = suite.rounds, []
    for name in rounds.names("flood"):
        quiet, rate, kept, p99 = (rounds.median("flood", name, key) for key in ("quiet", "rate", "kept", "p99"))
        table.append([label(suite, name), f"{quiet:,.0f}", f"{rate:,.0f}", f"{kept:.2f}", f"{p99:,.1f}"])
    if not table:
        return ""
    words = (f"The current user at 32 connections while {FLOODERS} others send wrong passwords, each ten times a"
             " second or as fast as it is answered. The load generators share the cores with the server.")
    return section("During a flood of sign-ins", words, picture(drawn, "flood", "What is left of the rate"),
                   markdown(["", "quiet, requests/s", "in the flood", "of it", "p99 ms"], table, "lrrrr"))


def refreshes(suite):
    rounds, table = suite.rounds, []
    for connections in (32, 64):
        load = f"refresh at {connections}"
        found = [rounds.median(load, name, "rate") for name in ("adyton", "commits")]
        if all(found):
            ratio = rounds.ratio(load, "adyton", "commits", "rate")
            table.append([str(connections), *(f"{rate:,.0f}" for rate in found), f"{ratio:.1f}",
                          f"{rounds.median(load, 'adyton', 'cpu'):,.0f}"])
    if not table:
        return ""
    words = ("Rotations of refresh tokens on SQLite with `synchronous = FULL`, each token once. Adyton's writer"
             " groups commits; the other writes the same rows and commits each refresh alone. How much that is worth"
             " depends on how long the disk takes to sync.")
    return section("Refreshing", words, markdown(
        ["connections", "Adyton, refreshes/s", "one commit each", "ratio", "Adyton, CPU µs"], table, "rrrrr"))


def growth(suite, drawn):
    rounds, table = suite.rounds, []
    for point in suite.facts.get("growth", []):
        load = point["load"]
        cpu, notes = (rounds.median(load, "adyton", key) for key in ("cpu", "cpu and notes"))
        table.append([f"{point['tokens']:,}", number(cpu, "{:.1f}"),
                      number(rounds.ratio(load, "adyton", "floor", "cpu"), "{:.2f}"), number(notes, "{:.1f}"),
                      f"{point['prune']:.0f}", number(point["idle prune"], "{:.0f}"),
                      f"{point['bytes']:.0f}"])
    if not table:
        return ""
    words = (f"SQLite. At most {SHOWN:,} tokens of all are presented, each once, to a server that has just started,"
             " so that each is looked up. `With notes of use` adds what is written at its end: when each was last"
             f" used. Pruned are {EXPIRED:,} expired tokens among the others, within {MOST_SECONDS} s or as many as"
             " that are; a tenth as many users as tokens.")
    head = ["tokens", "look-up, CPU µs", "of the floor", "with notes of use", "a pruned row, CPU µs",
            "nothing to prune, CPU ms", "bytes a token"]
    return section("Growth", words, picture(drawn, "growth", "Cost against the number of tokens"),
                   markdown(head, table, "rrrrrrr"))


def weight(suite):
    memory, facts = suite.facts.get("memory", {}), suite.facts
    table = [[label(suite, name), *(number(memory.get(when, {}).get(name), "{:,.0f}")
                                    for when in ("after start", "peak", "peak in all"))]
             for name in memory.get("after start", {})]
    words = ("MiB of resident memory, added up over a server's processes (what they share counts in each): warm,"
             " at its highest under the current user's load, and at its highest in all.")
    alone = [f"{what}: {facts[key]:.0f} MiB" for what, key in [
        ("after the first answer", "after start"), ("highest while 16 signed in", "after sign-ins"),
        ("highest in a flood of 256", "in a flood"), ("a minute after it", "a minute later")] if key in facts]
    if "cached" in facts:
        alone.append(f"{facts['cached']['tokens']:,} cached tokens add {facts['cached']['MiB']:.0f} MiB")
    if "start" in facts:
        alone.append(f"start to first answer: {facts['start'] * 1e3:.0f} ms; the binary, profile `release`:"
                     f" {facts['binary']:.1f} MiB")
    of_one = "A server of Adyton by itself: " + "; ".join(alone) + "." if alone else ""
    return section("Memory, start, size", words,
                   markdown(["", "warm", "highest, current user", "highest"], table, "lrrr"), of_one)


def set_up(suite):
    rows = [f"- **{contender.label}**: {contender.how}"
            + "".join(f"; {name} {version}" for name, version in contender.versions.items())
            for contender in suite.contenders]
    words = ("Each has as many users and credentials as the others, its file in WAL mode with"
             " `synchronous = NORMAL` (Adyton: `FULL`), and no limit on attempts.")
    return section("How each is set up", words, "\n".join(rows))


def troubles(suite):
    rows = [f"- {what}: {one_line(why)}" for what, why in suite.left_out.items()]
    rows += [f"- {one_line(failure)}" for failure in suite.rounds.failures]
    return section("Left out, and what failed", "\n".join(rows)) if rows else ""


# -- pictures ---------------------------------------------------------------------------------------


def draw(suite):
    rounds = suite.rounds
    kinds = {"adyton": "ours", "cookie": "ours", "embedded": "ours", "node": "ours", "floor": "base",
             "argon2": "base"}

    def rows(load, key, names, scale=1):
        return [(label(suite, name), (rounds.median(load, name, key) or 0) * scale, kinds.get(name, "other"))
                for name in names]

    load = "user at 32"
    logins = sorted(rounds.names("login"), key=lambda name: -rounds.median("login", name, "rate"))
    points = suite.facts.get("growth", [])

    def curve(key):
        found = [(point["tokens"], rounds.median(point["load"], "adyton", key)) for point in points]
        return [(tokens, value) for tokens, value in found if value]

    floor = [(point["tokens"], rounds.median(point["load"], "floor", "cpu")) for point in points]
    return {
        "cpu": plots.bars("CPU time of a request for the current user, µs",
                          "32 connections; logarithmic: each line is ten times the one before",
                          rows(load, "cpu", by_cpu(suite, load)), "{:,.1f}", logarithmic=True),
        "logins": plots.bars("Sign-ins a second", "16 connections; each with its own recommended hash",
                             rows("login", "rate", logins), "{:,.1f}"),
        "flood": plots.bars("What a flood of sign-ins leaves of the current user's requests, %",
                            f"32 connections beside {FLOODERS} that send wrong passwords",
                            rows("flood", "kept", rounds.names("flood"), 100), "{:.0f} %"),
        "growth": plots.lines("CPU time against the number of tokens, µs",
                              "SQLite, each token once; the bottom axis is logarithmic",
                              [("look-up", "ours", curve("cpu")),
                               ("with notes of use", "more", curve("cpu and notes")),
                               ("a pruned row", "other", [(p["tokens"], p["prune"]) for p in points]),
                               ("bare axum", "base", [pair for pair in floor if pair[1]])]),
    }


# -- helpers ----------------------------------------------------------------------------------------


def label(suite, name):
    own = {"cookie": "Adyton, by cookie", "argon2": "argon2id alone"}
    return own.get(name) or next((c.label for c in suite.contenders if c.name == name), name)


def by_cpu(suite, load):
    return sorted(suite.rounds.names(load), key=lambda name: suite.rounds.median(load, name, "cpu"))


def number(value, form):
    return "–" if value is None else form.format(value)


def one_line(text):
    """Without the folders of this machine, which nobody else knows."""
    return " ".join(str(text).replace(f"{ROOT}/", "").replace(str(Path.home()), "~").split())[:400]


def section(title, *parts):
    return "\n\n".join([f"## {title}", *(part for part in parts if part)])


def picture(drawn, name, alternative):
    return f"![{alternative}]({drawn[name]})" if name in drawn else ""


def markdown(head, rows, sides):
    line = {"l": "---", "r": "---:"}
    table = [head, [line[side] for side in sides], *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in table)
