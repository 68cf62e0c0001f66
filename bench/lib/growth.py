"""What a look-up and a pruned row cost among ever more tokens: every token is presented once to a server
that has just started, so that none is in its cache."""

import os
import shutil
import subprocess
import threading
import time

import seed
from lib.machine import CORES, target
from lib.peers import start_adyton
from lib.server import Server, adyton_settings, environment

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
SHOWN, EXPIRED, ROUNDS = 100_000, 5_000, 3
MOST_SECONDS = 60
# Of free disk, for each token.
BYTES = 600


def measure(suite):
    points = suite.facts["growth"] = []
    for size in SIZES:
        if size > suite.options.most_tokens:
            continue
        free = shutil.disk_usage(suite.folder).free
        if free < max(size * BYTES, 2**30):
            suite.left_out[f"{size:,} tokens"] = f"needs {size * BYTES / 2**30:.1f} GiB of free disk"
            continue
        suite.telling(f"{size:,} tokens")
        points.append(one(suite, size))


def one(suite, size):
    database, headers = suite.folder / "growth.sqlite3", suite.folder / "growth.headers"
    adyton, begun = target() / "release" / "adyton", time.monotonic()
    seed.migrate(adyton, database, adyton_settings(database))
    shown = seed.crowd(database, size, min(size, SHOWN))
    headers.write_text("".join(f"Authorization: Bearer {token}\n" for token in shown))
    bytes_each = database.stat().st_size / size
    print(f"  filled in {time.monotonic() - begun:.0f} s, {bytes_each:.0f} bytes a token", flush=True)
    load = f"cold at {size}"
    floor = Server("floor", [target() / "release" / "adyton-bench-floor", "serve"], environment(),
                   suite.folder)

    def ask(server, seconds):
        return server.load("/api/auth/user", "user.lua", 32, seconds, headers, len(shown), "once",
                           max(1, CORES // 2))

    def turn(name):
        # Long enough for all of them on a slow machine; the rate says nothing, since wrk waits for the end.
        if name == "floor":
            return ask(floor, suite.options.seconds)
        server = start_adyton("adyton", database)
        try:
            server.first_answer("/api/auth/user", headers)
            result, before = ask(server, suite.options.seconds + 2), server.cpu()
        finally:
            spent = server.stop()
        # The rest is what it writes at its end: when the tokens were last used.
        result["cpu and notes"] = result["cpu"] + max(0, spent - before) / result["requests"] * 1e6
        return result

    with floor:
        suite.rounds.run(load, min(ROUNDS, suite.options.rounds), ["floor", "adyton"], turn)
    point = {"tokens": size, "bytes": bytes_each, "load": load} | prune(adyton, database)
    for file in suite.folder.glob("growth.*"):
        file.unlink()
    return point


def prune(adyton, database):
    """CPU of removing what has expired, a row, and of a second run, which finds nothing. It is ended
    where it takes too long, and the rows that it has removed count."""
    def run():
        command = [adyton, "prune", "--hours", "24", "--json"]
        process = subprocess.Popen(command, env=adyton_settings(database), cwd=database.parent,
                                   stdout=subprocess.DEVNULL)
        limit = threading.Timer(MOST_SECONDS, process.kill)
        limit.start()
        _, status, usage = os.wait4(process.pid, 0)
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    # Only now, since a server prunes when it starts.
    seed.expire(database, EXPIRED)
    before = seed.count_expired(database)
    cpu = run()
    left = seed.count_expired(database)
    idle = None if left else run()
    rows = before - left
    return {"pruned": rows, "prune": max(0, cpu - (idle or 0)) / max(1, rows) * 1e6,
            "idle prune": idle and idle * 1e3}
