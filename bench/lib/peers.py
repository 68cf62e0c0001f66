"""The servers that are compared: how each is installed, filled, started and asked. A peer is set up as its
documentation says for production; what it needs is in its folder in `bench/peers`."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import seed
from lib.machine import CORES, ROOT, target
from lib.server import Server, adyton_settings, environment, free_port

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
EMAIL = "user{}@example.com"
FOLDER = ROOT / "bench" / "peers"


def built():
    """Where this benchmark keeps what it has built and installed."""
    return target() / "bench"


@dataclass
class Contender:
    """One server. `login` and `register` are a path, a media type and a body."""

    name: str
    label: str
    how: str
    user: str
    login: tuple = None
    register: tuple = None
    # Measured as often as the floor, since the ratio to it counts.
    close: bool = False
    versions: dict = field(default_factory=dict)

    def install(self):
        """Raises, with what a tool has said, where it cannot be installed."""

    def seed(self, database, count, headers):
        """Users and a credential for each, whose header lines are written to a file."""

    def start(self, database):
        raise NotImplementedError


def ours(**more):
    return {"login": ("/api/auth/login", JSON, body("email")), "close": True,
            "register": ("/api/auth/register", JSON, body("email", new=True, name="New")), **more}


def body(field_of_email, new=False, **more):
    email = EMAIL.format("NEW" if new else "USER").replace("user", "new" if new else "user")
    return json.dumps({field_of_email: email, "password": seed.PASSWORD, **more})


class Floor(Contender):
    def seed(self, database, count, headers):
        headers.write_text("Accept: application/json\n")

    def start(self, database):
        binary = target() / "release" / "adyton-bench-floor"
        return Server(self.name, [binary, "serve"], environment(), database.parent)


class Adyton(Contender):
    def seed(self, database, count, headers):
        fill_adyton(database, count, headers)

    def start(self, database, **more):
        return start_adyton(self.name, database, **more)


class Embedded(Adyton):
    def start(self, database):
        binary, port = target() / "release" / "adyton-bench-embedded", free_port()
        return Server(self.name, [binary, "serve", database, str(port)], environment(),
                      database.parent, port)


class NodeAddon(Adyton):
    def install(self):
        if not (ROOT / "node_modules").is_dir():
            say("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=ROOT)
        say("npm", "run", "build", "-w", "@adyton/node", cwd=ROOT,
            env=os.environ | {"ADYTON_NODE_PROFILE": "release"})
        self.versions = {"Node": say("node", "--version").strip()}

    def start(self, database):
        return node(self, "node-addon/server.mjs", database)


class AxumLogin(Contender):
    def install(self):
        say("cargo", "build", "--release", "--locked", cwd=FOLDER / "axum-login",
            env=os.environ | {"CARGO_TARGET_DIR": str(built())})
        lock = (FOLDER / "axum-login" / "Cargo.lock").read_text()
        wanted = ["axum-login", "tower-sessions", "tower-sessions-sqlx-store"]
        self.versions = {name: lock.split(f'name = "{name}"\nversion = "')[1].split('"')[0]
                         for name in wanted}

    def run(self, *words):
        return [built() / "release" / "peer-axum-login", *words]

    def seed(self, database, count, headers):
        say(*self.run("seed", database, str(count), headers))

    def start(self, database):
        port = free_port()
        return Server(self.name, self.run("serve", database, str(port)), environment(),
                      database.parent, port)


class BetterAuth(Contender):
    def install(self):
        folder = FOLDER / "better-auth"
        lock = (folder / "package-lock.json").read_bytes()
        installed = folder / "node_modules" / ".package-lock.of-bench"
        if not installed.is_file() or installed.read_bytes() != lock:
            say("npm", "ci", "--no-audit", "--no-fund", cwd=folder)
            installed.write_bytes(lock)
        self.node = self.node_that_loads(folder)
        packages = json.loads(lock)["packages"]
        self.versions = {name: packages[f"node_modules/{name}"]["version"]
                         for name in ["better-auth", "better-sqlite3"]}
        self.versions["Node"] = say(self.node, "--version").strip()

    @staticmethod
    def node_that_loads(folder):
        """better-sqlite3 is compiled for one version of Node, which need not be the first in PATH."""
        places = [Path(place) / "node" for place in os.get_exec_path()]
        found = [str(place) for place in places if os.access(place, os.X_OK)] or ["node"]
        for number, place in enumerate(found, 1):
            try:
                say(place, "--input-type=module", "-e",
                    "import Database from 'better-sqlite3'; new Database(':memory:')", cwd=folder)
                return place
            except RuntimeError:
                if number == len(found):
                    raise

    def seed(self, database, count, headers):
        say(self.node, FOLDER / "better-auth" / "seed.js", str(count), headers,
            env=environment(DATABASE=str(database), NODE_ENV="production"))

    def start(self, database):
        return node(self, "better-auth/server.js", database, self.node)


class Python(Contender):
    """Installed into a virtual environment from pinned, hashed requirements."""

    @property
    def folder(self):
        return FOLDER / self.name

    @property
    def programs(self):
        return built() / f"venv-{self.name}" / "bin"

    def install(self):
        requirements = (self.folder / "requirements.txt").read_text()
        installed = self.programs.parent / "requirements.txt"
        if not installed.is_file() or installed.read_text() != requirements:
            shutil.rmtree(self.programs.parent, ignore_errors=True)
            say(sys.executable, "-m", "venv", self.programs.parent)
            say(self.programs / "pip", "install", "--disable-pip-version-check", "--quiet",
                "--require-hashes", "-r", self.folder / "requirements.txt")
            installed.write_text(requirements)
        pinned = dict(line.removesuffix(" \\").split("==") for line in requirements.splitlines()
                      if "==" in line and not line.startswith("#"))
        wanted = (line.split("==")[0].split("[")[0]
                  for line in (self.folder / "requirements.in").read_text().split())
        self.versions = {name: pinned[name] for name in wanted}

    def seed(self, database, count, headers):
        say(self.programs / "python", "seed.py", str(count), headers, cwd=self.folder,
            env=self.environment(database))

    def start(self, database):
        port = free_port()
        return Server(self.name, [str(word) for word in self.command(port)],
                      self.environment(database), self.folder, port)

    @staticmethod
    def environment(database):
        return environment(DATABASE=str(database), PYTHONDONTWRITEBYTECODE="1")


class Knox(Python):
    def command(self, port):
        return [self.programs / "gunicorn", "--workers", CORES, "--worker-class", "gthread",
                "--threads", 4, "--bind", f"127.0.0.1:{port}", "--no-control-socket",
                "app.wsgi:application"]


class FastapiUsers(Python):
    def command(self, port):
        return [self.programs / "uvicorn", "main:app", "--workers", CORES, "--host", "127.0.0.1",
                "--port", port, "--no-access-log", "--log-level", "warning"]


def contenders():
    """All of them, the floor first."""
    return [
        Floor("floor", "bare axum", "one route that gives the same JSON and looks at no credential",
              "/api/auth/user", close=True),
        Adyton("adyton", "Adyton, server", "`adyton serve`", **ours(user="/api/auth/user")),
        Embedded("embedded", "Adyton in axum", "the crate `adyton` in an axum app, a route of the app",
                 **ours(user="/user")),
        NodeAddon("node", "Adyton in Node", f"`@adyton/node` under `node:http`, {CORES} processes, a"
                  " route of the app", **ours(user="/user")),
        AxumLogin("axum-login", "axum-login", "with tower-sessions in SQLite through sqlx, as its"
                  " example; cookies; argon2id as password-auth has it", "/user",
                  ("/login", JSON, body("email")), ("/register", JSON, body("email", new=True))),
        BetterAuth("better-auth", "better-auth", f"under `node:http` with better-sqlite3, {CORES}"
                   " processes; plugin `bearer`, sessions looked up in the database; scrypt",
                   "/api/auth/get-session", ("/api/auth/sign-in/email", JSON, body("email")),
                   ("/api/auth/sign-up/email", JSON, body("email", new=True, name="New"))),
        Knox("knox", "django-rest-knox", f"under gunicorn, {CORES} workers of 4 threads;"
             " PBKDF2, Django's default", "/user", ("/login", JSON, body("username")),
             ("/register", JSON, body("username", new=True))),
        FastapiUsers("fastapi-users", "fastapi-users", f"under uvicorn, {CORES} workers; tokens in the"
                     " database through SQLAlchemy and aiosqlite; argon2id as pwdlib has it",
                     "/users/me", ("/auth/login", FORM, "username=userUSER%40example.com&password="
                                   + seed.PASSWORD.replace(" ", "+")),
                     ("/auth/register", JSON, body("email", new=True))),
    ]


def fill_adyton(database, count, headers):
    binary = target() / "release" / "adyton"
    password_hash = seed.migrate(binary, database, adyton_settings(database))
    tokens = seed.fill(database, count, password_hash)
    headers.write_text("".join(f"Authorization: Bearer {token}\n" for token in tokens))


def start_adyton(name, database, **more):
    """The defaults, but that no server of the benchmark limits attempts."""
    settings = {"ADYTON_RATE_LIMITING__ENABLED": "false"} | more
    return Server(name, [target() / "release" / "adyton", "serve"],
                  adyton_settings(database, **settings), database.parent)


def node(contender, program, database, binary="node"):
    port = free_port()
    settings = environment(DATABASE=str(database), PORT=str(port), WORKERS=str(CORES),
                           NODE_ENV="production")
    return Server(contender.name, [binary, FOLDER / program], settings, database.parent, port)


def say(*command, **more):
    """Runs a tool and returns what it says; where it fails, that is the error."""
    told = subprocess.run(list(map(str, command)), text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if told.returncode:
        words = " ".join(map(str, command[:3]))
        raise RuntimeError(f"`{words}` failed: {told.stdout.strip()[-2000:]}")
    return told.stdout

