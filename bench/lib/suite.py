"""Everything that `bench/run --peers` measures with all servers up at once: the current user, signing in and
up, and the current user while others flood the sign-in."""

import os
import shutil
import subprocess
import time
import traceback
from contextlib import ExitStack
from datetime import date

import seed
from lib import alone, growth, refresh
from lib.machine import CORES, build, describe, refuse_debug, target, wait_until_quiet
from lib.peers import contenders
from lib.rounds import Rounds
from lib.server import LoadFailed, start_wrk

OURS = ("adyton", "adyton-bench-floor", "adyton-bench-embedded")
CONNECTIONS = {"login": 16, "register": 16}
FLOODERS, PAUSE = 64, 100


class Suite:
    """One run, with what it has found so far."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.rounds, self.facts, self.left_out = Rounds(), {}, {}
        self.contenders, self.headers, self.servers = [], {}, {}

    def run(self):
        self.prepare()
        self.facts |= {"machine": describe(), "date": str(date.today())}
        self.facts["busy"] = wait_until_quiet(120, self.options.anyway)
        begun = time.monotonic()
        with ExitStack() as stack:
            self.start(stack)
            self.attempt(self.users)
            self.weigh("peak")
            self.attempt(self.sign_ins, "login")
            self.attempt(self.sign_ins, "register")
            self.attempt(self.floods)
            self.weigh("peak in all")
        if "adyton" in self.headers:
            self.attempt(refresh.measure, self)
            self.attempt(self.by_itself)
        self.facts["minutes"] = (time.monotonic() - begun) / 60

    def by_itself(self):
        with alone.flooded(self) as last_look:
            self.attempt(growth.measure, self)
            self.attempt(alone.start_and_cache, self)
            last_look()

    def attempt(self, measure, *arguments):
        """A part that fails costs the report that part."""
        try:
            measure(*arguments)
        except Exception as failure:  # whatever it is, the report names it
            self.rounds.failures.append(f"{measure.__qualname__}: {failure!r}")
            traceback.print_exc()

    def as_json(self):
        return {"rounds": self.rounds.as_json(), "facts": self.facts, "left out": self.left_out,
                "versions": {contender.name: contender.versions for contender in self.contenders},
                "options": {name: getattr(self.options, name)
                            for name in ("rounds", "seconds", "tokens", "count", "anyway")}}

    def recall(self, told):
        """Takes what an earlier run has found."""
        self.rounds, self.facts = Rounds.of_json(told["rounds"]), told["facts"]
        self.left_out = told["left out"]
        vars(self.options).update(told["options"])
        for contender in contenders():
            if contender.name in told["versions"]:
                contender.versions = told["versions"][contender.name]
                self.contenders.append(contender)

    def telling(self, what):
        print(f"\n== {what}", flush=True)

    # -- before ------------------------------------------------------------------------------------

    def prepare(self):
        self.telling("building, installing and filling")
        if self.options.build:
            build("adyton-server", *OURS[1:])
        for binary in OURS:
            refuse_debug(target() / "release" / binary)
        for contender in contenders():
            if self.options.only and contender.name not in self.options.only:
                continue
            begun = time.monotonic()
            try:
                contender.install()
                self.seed(contender)
            except Exception as failure:  # a tool, a network, a disk: the others go on
                self.leave_out(contender, failure)
                continue
            self.contenders.append(contender)
            print(f"  {contender.name}: {time.monotonic() - begun:.0f} s", flush=True)

    def leave_out(self, contender, failure):
        print(f"  {contender.name}: LEFT OUT: {str(failure)[:300]}", flush=True)
        self.left_out[contender.label] = str(failure).strip()[-1500:]

    def seed(self, contender):
        """The three servers of Adyton have the same rows, and the floor is sent the same requests."""
        database, headers = self.database(contender.name), self.folder / f"{contender.name}.headers"
        adyton = self.headers.get("adyton")
        if adyton and contender.name in ("embedded", "node"):
            seed.copy(self.database("adyton"), database)
            shutil.copy(adyton, headers)
        else:
            contender.seed(database, self.options.count, headers)
        self.headers[contender.name] = headers
        if contender.name == "adyton":
            secrets = seed.sessions(database, "session", "ads_", self.options.tokens, self.options.count)
            self.headers["cookie"] = self.folder / "cookie.headers"
            self.headers["cookie"].write_text("\n".join(seed.browser_headers(secrets)) + "\n")
            shutil.copy(headers, self.headers["floor"])

    def database(self, name):
        return self.folder / f"{name}.sqlite3"

    def start(self, stack):
        self.telling("starting")
        for contender in list(self.contenders):
            name = contender.name
            try:
                server = stack.enter_context(contender.start(self.database(name)))
                server.first_answer(contender.user, self.headers[name])
                self.servers[name] = server
                self.load_user(name, 32, 2)
            except LoadFailed as failure:
                self.contenders.remove(contender)
                self.leave_out(contender, failure)
        self.weigh("after start")

    def weigh(self, when):
        key = "VmRSS" if when == "after start" else "VmHWM"
        self.facts.setdefault("memory", {})[when] = {
            name: server.rss(key) for name, server in self.servers.items()}

    # -- loads -------------------------------------------------------------------------------------

    def contender(self, name):
        wanted = "adyton" if name == "cookie" else name
        return next(contender for contender in self.contenders if contender.name == wanted)

    def load_user(self, name, connections, seconds, **more):
        contender = self.contender(name)
        browser = ["Sec-Fetch-Site: same-origin"] if name == "cookie" else []
        return self.servers[contender.name].load(
            contender.user, "user.lua", connections, seconds, self.headers[name],
            self.options.tokens, headers=browser, **more)

    def users(self):
        self.telling(f"the current user, {self.options.tokens:,} credentials in turn")
        names = [contender.name for contender in self.contenders]
        if "adyton" in names:
            names.insert(names.index("adyton") + 1, "cookie")
            self.load_user("cookie", 32, 2)
        few = {name: 2 for name in names if not self.contender(name).close}
        for connections, rounds in [(32, self.options.rounds), (256, self.options.rounds), (1, 3)]:
            self.rounds.run(
                f"user at {connections}", min(rounds, self.options.rounds), names,
                lambda name: self.load_user(name, connections, self.options.seconds), few)

    def signing_in(self):
        return [contender.name for contender in self.contenders
                if contender.login and contender.name != "embedded"]

    def sign_ins(self, which):
        self.telling({"login": "signing in", "register": "signing up"}[which])
        # The slowest hash takes seconds where sixteen wait for it.
        seconds = self.options.seconds + 4

        def measure(name):
            if name == "argon2":
                return raw_argon2(seconds)
            path, content, body = getattr(self.contender(name), which)
            result = self.servers[name].load(path, "post.lua", CONNECTIONS[which], seconds, content,
                                             body, self.options.count, timeout=60, lenient=True)
            self.settle(name)
            if result["bad"] or not result["requests"]:
                self.rounds.failures.append(f"{which}, {name}: {result['bad']} of {result['requests']}"
                                            f" requests failed; the last words: {self.servers[name].last_words()}")
            return result

        alone = ["argon2"] if which == "login" else []
        self.rounds.run(which, 2, alone + self.signing_in(), measure)

    def settle(self, name):
        """Waits until a server has worked off what nobody waits for any more."""
        server, end = self.servers[name], time.monotonic() + 40
        while time.monotonic() < end:
            before = server.cpu()
            time.sleep(0.3)
            if server.cpu() - before < 0.03:
                return

    def floods(self):
        self.telling(f"the current user at 32 while {FLOODERS} others send wrong passwords")
        seconds = self.options.seconds

        def measure(name):
            quiet = self.load_user(name, 32, seconds)
            path, content, body = self.contender(name).login
            address = self.servers[name].address
            wrong = body.replace(seed.PASSWORD, "wrong one").replace("correct+horse+1", "wrong+one")
            flood = start_wrk(f"http://{address}{path}", "post.lua", 1, FLOODERS, seconds + 2,
                              [content, wrong, self.options.count, PAUSE], timeout=60)
            time.sleep(1)
            result = self.load_user(name, 32, seconds, lenient=True)
            flood.communicate(timeout=120)
            self.settle(name)
            return result | {"quiet": quiet["rate"], "quiet p99": quiet["p99"],
                             "kept": result["rate"] / quiet["rate"], "others": 0}

        self.rounds.run("flood", 2, self.signing_in(), measure)


def raw_argon2(seconds):
    """Hashes a second on all cores, as a result of a load."""
    floor = target() / "release" / "adyton-bench-floor"
    process = subprocess.Popen([floor, "argon2", str(CORES), str(seconds)], stdout=subprocess.PIPE)
    rate = float(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    spent = usage.ru_utime + usage.ru_stime
    return {"rate": rate, "p99": 0, "cpu": spent / (rate * seconds) * 1e6}
