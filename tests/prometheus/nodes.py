"""Nodes and other processes that a check starts, waits for and ends."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCKSTEP = os.environ.get("LOCKSTEP", str(ROOT / "target/release/lockstep"))
# A node refuses variables that it does not know.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP")}
# Nobody waits longer, for an alert or for its end.
PATIENCE_SECONDS = 45
BEGUN = time.monotonic()


def step(text):
    passed = int(time.monotonic() - BEGUN)
    print(f"[{passed // 60:02}:{passed % 60:02}] {text}", flush=True)


class Fault(Exception):
    """What is wrong, for people."""


def check(holds, text):
    if not holds:
        raise Fault(text)


def installed(program, package):
    """Whether the program is there, installed if need be."""
    if shutil.which(program):
        return True
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not all(shutil.which(needed) for needed in ["apt-get", *root[:1]]):
        return False
    step(f"no {program}: installing {package}")
    quiet = root + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    subprocess.run(quiet + ["update", "-qq"], check=False, stdout=subprocess.DEVNULL)
    install = quiet + ["install", "-y", "-qq", "--no-install-recommends", package]
    subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
    return shutil.which(program) is not None


def promtool(*arguments):
    ran = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    check(ran.returncode == 0, f"promtool {' '.join(arguments)}:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def ask(url, body=None, timeout=10):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Fault(f"{url}: {error.code} {error.read().decode(errors='replace')}") from error


def until(what, look, seconds=PATIENCE_SECONDS):
    """What `look` finds, once it finds something. `what` says what has not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.25)
    raise Fault(f"within {seconds} s: {what() if callable(what) else what}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Running:
    """Processes that this script has started, all ended at its end, and a directory for what they write."""

    def __init__(self, scratch):
        self.scratch, self.processes, self.count = scratch, [], 0

    def start(self, *command, name, variables=(), **how):
        self.count += 1
        log = self.scratch / f"{name}-{self.count}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       env=ENVIRONMENT | dict(variables), **how)
        self.processes.append(process)
        return process, log

    def end(self, process, how=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
        if process.poll() is None:
            process.kill()
        process.wait()

    def tell(self):
        """The end of each log."""
        for log in sorted(self.scratch.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()
            print(f"--- {log.name}", *lines[-8:], sep="\n", file=sys.stderr)

    def end_all(self):
        for process in reversed(self.processes):
            self.end(process)


def devnet(running, name, validators, binary=LOCKSTEP, wrapper=(), pace="500ms", **how):
    """The process, and the URLs of its nodes."""
    command = [*wrapper, binary, "devnet", "--validators", str(validators), "--block-time", pace, "--rpc-port", "0"]
    process, log = running.start(*command, name=name, **how)

    def urls():
        check(process.poll() is None, f"{name} has ended: {log.read_text()}")
        found = re.findall(r"^ *node \d+ .*?(http://127\.0\.0\.1:\d+)", log.read_text(), flags=re.MULTILINE)
        return found if len(found) == validators else None

    return process, until(f"{name} has not begun", urls)


class Testnet:
    """Four homes, each node a process of its own."""

    def __init__(self, running):
        self.running, self.net = running, running.scratch / "net"
        made = [LOCKSTEP, "testnet", "--validators", "4", "--output", str(self.net)]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        self.homes = [self.net / f"node{i}" for i in range(4)]
        self.processes = [self.start(home) for home in self.homes]
        self.urls = [f"http://127.0.0.1:{self.port(home)}" for home in self.homes]

    def port(self, home):
        settings = (home / "lockstep.toml").read_text()
        return int(re.search(r'^rpc_listen = "127\.0\.0\.1:(\d+)"', settings, flags=re.MULTILINE)[1])

    def start(self, home, **how):
        return self.running.start(LOCKSTEP, "start", "--home", str(home), name=home.name, **how)[0]

    def stop(self, node):
        self.running.end(self.processes[node])

    def begin(self, node, **how):
        self.processes[node] = self.start(self.homes[node], **how)

    def twin(self, node):
        """A second node with the same key, record and data, at other ports; the first one is stopped."""
        home = self.net / "twin"
        shutil.copytree(self.homes[node], home)
        settings = (home / "lockstep.toml").read_text()
        for listens in ["rpc_listen", "peer_listen"]:
            place = f'{listens} = "127.0.0.1:{free_port()}"'
            settings = re.sub(f"^{listens} = .*$", place, settings, flags=re.MULTILINE)
        (home / "lockstep.toml").write_text(settings)
        self.start(home)
        self.urls.append(f"http://127.0.0.1:{self.port(home)}")
