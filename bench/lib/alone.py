"""What a server of Adyton weighs, measured on one that nothing else has touched."""

import statistics
import time
from contextlib import contextmanager

import seed
from lib.machine import CORES, target
from lib.peers import JSON, body, start_adyton
from lib.server import LoadFailed

SECONDS_AFTER = 60
FLOODERS = 256
STARTS = 7


@contextmanager
def flooded(suite):
    """Sign-ins and a flood of them; what is yielded waits for a minute after the last and looks."""
    suite.telling("memory in a flood")
    database = suite.folder / "flooded.sqlite3"
    seed.copy(suite.database("adyton"), database)
    path, wrong = "/api/auth/login", body("email").replace(seed.PASSWORD, "wrong one")
    options, facts = suite.options, suite.facts
    with start_adyton("flooded", database) as server:
        server.first_answer("/api/auth/user", suite.headers["adyton"])
        facts["after start"] = server.rss()
        try:
            server.load(path, "post.lua", 16, options.seconds, JSON, body("email"), options.count)
            facts["after sign-ins"] = server.rss("VmHWM")
            server.load(path, "post.lua", FLOODERS, options.seconds, JSON, wrong, options.count, 100,
                        lenient=True, timeout=60)
            facts["in a flood"] = server.rss("VmHWM")
        except LoadFailed as failure:
            suite.rounds.failures.append(f"memory in a flood: {failure}")
        last = time.monotonic()

        def look():
            rest = last + SECONDS_AFTER - time.monotonic()
            if rest > 0:
                print(f"  {rest:.0f} s until a minute after the last sign-in", flush=True)
                time.sleep(rest)
            facts["a minute later"] = server.rss()

        yield look


def start_and_cache(suite):
    """From the start to the first answer, and what the cache of all tokens adds."""
    suite.telling("start, and memory of the cache")
    database, headers = suite.database("adyton"), suite.headers["adyton"]
    starts = []
    for _ in range(STARTS):
        with start_adyton("adyton", database) as server:
            server.first_answer("/api/auth/user", headers)
            starts.append(server.started_in)
    suite.facts["start"] = statistics.median(starts)
    suite.facts["binary"] = (target() / "release" / "adyton").stat().st_size / 2**20
    with start_adyton("adyton", database) as server:
        server.first_answer("/api/auth/user", headers)
        try:
            ask = lambda seconds, *count: server.load(
                "/api/auth/user", "user.lua", 32, seconds, headers, *count)
            # What connections and threads need is there after this.
            ask(2, 100)
            before = server.rss()
            for _ in range(2):
                ask(suite.options.seconds + 4, suite.options.count, "once", max(1, CORES // 2))
            suite.facts["cached"] = {"tokens": suite.options.count, "MiB": server.rss() - before}
        except LoadFailed as failure:
            suite.rounds.failures.append(f"memory of the cache: {failure}")
