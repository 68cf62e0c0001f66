"""The machine, what is built on it, and whether it is quiet enough to measure."""

import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CORES = len(os.sched_getaffinity(0))
TICK = os.sysconf("SC_CLK_TCK")
# Of the machine's time, by others than the benchmark.
MOST_BUSY = 0.1


def target():
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def need_wrk():
    if not shutil.which("wrk"):
        sys.exit("bench: wrk is missing; Debian and Ubuntu have it as `apt install wrk`")


def build(*packages):
    # One after another: built together, each would have the features that another asks for.
    for name in packages:
        subprocess.run(["cargo", "build", "--release", "--locked", "-p", name], cwd=ROOT, check=True)
    return target() / "release"


def refuse_debug(path):
    """Profiles without optimisation keep line tables; `release` strips them."""
    if not path.is_file():
        sys.exit(f"bench: there is no {path}")
    if b"\0.debug_line\0" in section_names(path.read_bytes()):
        sys.exit(f"bench: {path} is a debug build, whose figures say nothing")


def section_names(elf):
    """The names of the sections of a 64-bit ELF file, each between zeros."""
    (sections,) = struct.unpack_from("<Q", elf, 0x28)
    size, _, names = struct.unpack_from("<HHH", elf, 0x3A)
    begin, length = struct.unpack_from("<QQ", elf, sections + size * names + 0x18)
    return elf[begin:begin + length]


def print_machine():
    load = os.getloadavg()[0]
    print(f"{CORES} cores, load average {load:.2f}")
    if load > 0.25 * CORES:
        print("WARNING: the machine is busy. Trust the ratios and the CPU time, not the rates.")


def busy_seconds():
    """CPU seconds that the whole machine has spent on anything so far."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:])
    return (user + nice + system + sum(rest[:3])) / TICK


def busy_share(seconds=2):
    """The share of the machine that is in use now; the load average still tells of the last build."""
    before, begun = busy_seconds(), time.monotonic()
    time.sleep(seconds)
    return (busy_seconds() - before) / (time.monotonic() - begun) / os.cpu_count()


def wait_until_quiet(patience, anyway):
    """Gives up after `patience` seconds unless told to go on `anyway`. Returns the share in use."""
    end = time.monotonic() + patience
    while (share := busy_share()) > MOST_BUSY and not anyway and time.monotonic() < end:
        print(f"waiting: others use {share:.0%} of the machine", flush=True)
        time.sleep(5)
    load = ", ".join(f"{load:.2f}" for load in os.getloadavg())
    print(f"{CORES} cores, load averages {load}, {share:.0%} in use")
    if share > MOST_BUSY and not anyway:
        sys.exit(f"bench: the machine is busy: {share:.0%} of it is in use, {MOST_BUSY:.0%} are"
                 " allowed (--anyway measures all the same, and the report says so)")
    return share


def describe():
    """What a reader has to know of the machine."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text())
    return {
        "processor": f"{cpu[1] if cpu else platform.machine()}, {CORES} cores",
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB",
        "system": f"{system[1] if system else 'Linux'}, kernel {platform.release()}",
        "compiler": first_line("rustc", "--version"),
        "Python": platform.python_version(),
        "load generator": first_line("wrk", "-v").split("[")[0].strip(),
        "commit": first_line("git", "-C", ROOT, "describe", "--always", "--dirty=, with changes"),
    }


def first_line(*command):
    try:
        # wrk tells its version together with an error.
        told = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except OSError:
        return "none"
    return ((told.stdout or told.stderr).splitlines() or ["unknown"])[0]
