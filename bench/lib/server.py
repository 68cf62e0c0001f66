"""A server under load: how it is started, asked, weighed and stopped."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from pathlib import Path

from lib.machine import CORES, ROOT, TICK, busy_seconds

WRK = ROOT / "bench" / "wrk"


class LoadFailed(Exception):
    """Requests of a load were not answered as they should be."""


class Server:
    """A running server: on `port`, or on one of its own choice that it prints."""

    def __init__(self, name, command, environment, folder, port=None):
        self.name, self.begun, self.told = name, time.perf_counter(), deque(maxlen=40)
        # A group of its own, so that its workers end with it; a session would have a share of the processor
        # of its own on Linux, and change what is measured.
        self.process = subprocess.Popen(
            command, env=environment, cwd=folder, text=True, process_group=0,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.address = f"127.0.0.1:{port}" if port else self.printed_address()
        # Whatever it says later must not fill the pipe.
        threading.Thread(target=self.told.extend, args=(self.process.stdout,), daemon=True).start()

    def printed_address(self):
        for line in self.process.stdout:
            self.told.append(line)
            if found := re.search(r"127\.0\.0\.1:\d+", line):
                return found[0]
        self.give_up()

    def give_up(self, why="did not start"):
        self.stop()
        raise LoadFailed(f"{self.name} {why}\n{''.join(self.told)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it, and returns the CPU seconds of its whole life."""
        if self.process.poll() is not None:
            return None
        self.process.terminate()
        waiting = threading.Timer(15, self.process.kill)
        waiting.start()
        _, status, usage = os.wait4(self.process.pid, 0)
        waiting.cancel()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return usage.ru_utime + usage.ru_stime

    def first_answer(self, path, headers, patience=60):
        """Waits for the first 200 and returns its body. `headers` is a file of header lines."""
        with headers.open() as lines:
            name, value = lines.readline().strip().split(": ", 1)
        while True:
            try:
                connection = http.client.HTTPConnection(self.address, timeout=10)
                connection.request("GET", path, headers={name: value})
                answer = connection.getresponse()
                body = answer.read()
                break
            except OSError:
                if self.process.poll() is not None or time.perf_counter() - self.begun > patience:
                    self.give_up()
                time.sleep(0.002)
            finally:
                connection.close()
        self.started_in = time.perf_counter() - self.begun
        if answer.status != 200 or b"email" not in body:
            self.give_up(f"answered {answer.status} {body[:300]!r}")
        return body

    def last_words(self):
        return re.sub(r"\x1b\[\d*m", "", "".join(self.told)).strip()[-120:]

    def tree(self):
        """The ids of its processes."""
        found, waiting = [], [self.process.pid]
        while waiting:
            found.append(waiting.pop())
            try:
                for task in Path(f"/proc/{found[-1]}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
            except OSError:
                pass
        return found

    def cpu(self):
        """CPU seconds so far, of all its processes."""
        return sum(spent(pid) for pid in self.tree())

    def rss(self, key="VmRSS"):
        """Resident memory in MiB, added up over its processes."""
        return sum(memory(pid, key) for pid in self.tree())

    def load(self, path, script, connections, seconds, *args, headers=(), timeout=10, lenient=False):
        """Runs wrk. It gets half the cores, so that it is not what is measured."""
        threads = min(connections, max(1, CORES // 2))
        before, others = self.cpu(), busy_seconds()
        begun = time.monotonic()
        process = start_wrk(f"http://{self.address}{path}", script, threads, connections, seconds,
                            args, headers, timeout)
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        spent_here = self.cpu() - before
        if process.returncode or "@@" not in told:
            raise LoadFailed(f"{self.name}: wrk failed\n{told}")
        result = json.loads(told[told.index("@@") + 2:])
        if not result["requests"] and not lenient:
            raise LoadFailed(f"{self.name}: no request to {path} was answered within {seconds} s")
        if result["bad"] and not lenient:
            raise LoadFailed(f"{self.name}: {result['bad']} of {result['requests']} requests to"
                             f" {path} failed\n{told}{''.join(self.told)}")
        others = busy_seconds() - others - spent_here - usage.ru_utime - usage.ru_stime
        good = max(0, result["requests"] - result["bad"])
        return {"rate": good / result["us"] * 1e6, "p99": result["p99"] / 1e3,
                "cpu": spent_here / max(1, result["requests"]) * 1e6, "requests": result["requests"],
                "bad": result["bad"],
                "others": max(0, others) / (time.monotonic() - begun) / (os.cpu_count() or 1)}


def start_wrk(url, script, threads, connections, seconds, args, headers=(), timeout=10):
    lines = [word for line in headers for word in ("-H", line)]
    return subprocess.Popen(
        ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s",
         "--timeout", f"{timeout}s", *lines, "-s", f"bench/wrk/{script}", url, "--", *map(str, args)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def spent(pid):
    """CPU seconds of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / TICK


def memory(pid, key):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"{key}:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def environment(**settings):
    """The environment without what concerns Adyton, and these settings of it."""
    foreign = {key: value for key, value in os.environ.items() if not key.startswith("ADYTON_")}
    return foreign | settings


def adyton_settings(database, **more):
    """The defaults but for where things are."""
    return environment(ADYTON_CONNECTOR__URL=f"sqlite://{database}",
                       ADYTON_SERVER__LISTEN="127.0.0.1:0", **more)


def adyton(name, binary, database, **more):
    return Server(name, [binary, "serve"], adyton_settings(database, **more), database.parent)
