"""Refreshes on SQLite with `synchronous = FULL`: Adyton, which groups commits, against a server that
writes the same and commits each alone."""

from contextlib import ExitStack

import seed
from lib.machine import CORES, target
from lib.peers import start_adyton
from lib.server import Server, environment

MOST_A_SECOND = 15_000
CONNECTIONS = (32, 64)
ROUNDS = 3


def measure(suite):
    suite.telling("refreshing")
    folder, options = suite.folder, suite.options
    rounds = min(ROUNDS, options.rounds)
    each, turns = MOST_A_SECOND * options.seconds, rounds * len(CONNECTIONS)
    grouped, alone = folder / "refresh.sqlite3", folder / "commits.sqlite3"
    seed.copy(suite.database("adyton"), grouped)
    secrets = seed.sessions(grouped, "token", "adr_", each * turns, options.count)
    seed.copy(grouped, alone)
    files = [folder / f"refresh.{turn}" for turn in range(turns)]
    for turn, file in enumerate(files):
        file.write_text("\n".join(secrets[each * turn:each * (turn + 1)]) + "\n")
    with ExitStack() as stack:
        floor = target() / "release" / "adyton-bench-floor"
        servers = {
            "adyton": stack.enter_context(start_adyton("adyton", grouped)),
            "commits": stack.enter_context(
                Server("commits", [floor, "commits", alone], environment(), folder)),
        }
        servers["adyton"].first_answer("/api/auth/user", suite.headers["adyton"])
        for connections in CONNECTIONS:
            # Both have the same tokens, each in its own file.
            waiting = {name: [files.pop() for _ in range(rounds)] if name == "adyton" else None
                       for name in servers}
            waiting["commits"] = list(waiting["adyton"])

            def load(name):
                file = waiting[name].pop()
                return servers[name].load(
                    "/api/auth/refresh", "refresh.lua", connections, options.seconds, file, each,
                    "once", min(connections, max(1, CORES // 2)))

            suite.rounds.run(f"refresh at {connections}", rounds, list(servers), load)
    for file in folder.glob("refresh.*"):
        file.unlink()
    for file in folder.glob("commits.sqlite3*"):
        file.unlink()
