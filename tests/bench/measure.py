"""One sample: a subject is started for a scenario, loaded, watched, ended."""
import dataclasses
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import time
import urllib.request

import rig
from rig import Failure

IDLE_SETTLE_S = 3  # until what the arrival needed has been given back
IDLE_MOST = 9000
CAPACITY = ("-c", "256")
LEAST_EVENT_S = 4
RELOAD_MOST_S = 60


@dataclasses.dataclass
class Stage:
    """What peers.py writes configurations for."""
    directory: str
    certificates: str
    servers: list
    port: int
    admin: int
    generation: str = "one"


class Bench:
    """The origin of a group of scenarios, and samples before it."""

    def __init__(self, programs, fairlead, certificates, seconds, warm,
                 takes):
        self.programs, self.fairlead = programs, fairlead
        self.certificates = certificates
        self.seconds, self.warm, self.takes = seconds, warm, takes
        self.capacity = {}      # requests a second, by subject
        self.origin = None

    def open(self, servers):
        self.origin = rig.Process(
            [self.programs + "/origin", str(servers)], {rig.RIG_CORE},
            self.certificates, talks=True)
        line = self.origin.child.stdout.readline()
        self.ports = [int(port) for port in line.split()]
        if len(self.ports) != servers:
            raise Failure("the origin: " + self.origin.words())

    def close(self):
        if self.origin is not None:
            self.origin.stop()
        self.origin = None

    def sample(self, subject, s):
        """Once more if others were busy on our cores meanwhile."""
        for _ in range(self.takes):
            with Proxy(self, subject, s) as proxy:
                found = proxy.idle() if s.idle else proxy.loaded()
            if found.get("stray_share", 0) < 0.1:
                break
        return found

    def trace(self, subject, s):
        with Proxy(self, subject, s) as proxy:
            return {"calls": proxy.traced()}

    def by_h2load(self, subject, s):
        with Proxy(self, subject, s) as proxy:
            return {"h2load": proxy.by_h2load()}

    def rate_for(self, subject, s):
        """The relay goes at fairlead's."""
        if s.rate:
            return s.rate
        if subject.name == "relay":
            subject = self.fairlead
        if subject.name not in self.capacity:
            plain = dataclasses.replace(
                s, share=0, event=None, load=CAPACITY, routes=1, servers=1)
            with Proxy(self, subject, plain) as proxy:
                self.capacity[subject.name] = proxy.loaded()["rate"]
        return int(self.capacity[subject.name] * s.share)


class Proxy:
    """A subject at work, from `with' to its end."""

    def __init__(self, bench, subject, s):
        self.bench, self.subject, self.s = bench, subject, s
        self.home = rig.Directory()
        self.rate = bench.rate_for(subject, s) if s.is_open else 0

    def __enter__(self):
        self.stage = Stage(
            self.home.__enter__(), self.bench.certificates,
            self.bench.ports[:self.s.servers], rig.free_port(),
            rig.free_port())
        self.process = None
        try:
            self.write_files()
            self.process = rig.Process(
                self.subject.command(self.s, self.stage),
                rig.cores_for(self.s.workers), self.stage.directory,
                dict(self.subject.env, OPENSSL_CONF=os.path.join(
                    self.bench.certificates, "openssl.cnf")))
            self.process.listens(self.stage.port)
            self.ask()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.stop()
        self.home.__exit__()

    def write_files(self):
        for name, text in self.subject.files(self.s, self.stage).items():
            with open(os.path.join(self.stage.directory, name), "w") as f:
                f.write(text)

    def ask(self):
        """Once: then its workers are there, and its answers are good."""
        self.result(self.start_load(
            "-n", "1", "-c", "1", *(["-t"] if self.s.tls else [])))

    def load(self, *more):
        return self.start_load(*self.s.load, *more)

    def start_load(self, *arguments):
        return rig.Process(
            [self.bench.programs + "/load", str(self.stage.port), *arguments],
            {rig.RIG_CORE}, self.stage.directory, talks=True)

    def result(self, load):
        line = load.child.stdout.readline()
        load.child.wait()
        if not line:
            raise Failure("the load: " + load.words())
        found = json.loads(line)
        for count in "tickets", "resumed":
            found[count] /= found["ended"] or 1
        bad = found["failed"] + found["refused"]
        if not found["requests"] or (bad and self.s.event is None):
            raise Failure("not all went well: " + line + self.process.words())
        return found

    def pids(self):
        return rig.tree(self.process.pid)

    def loaded(self):
        seconds = self.bench.seconds
        if self.s.event is not None:
            seconds = max(seconds, LEAST_EVENT_S)
        more = ["-d", str(seconds), "-w", str(self.bench.warm),
                "-P", ",".join(map(str, self.pids())),
                "-O", str(self.bench.origin.pid)]
        if self.rate:
            more += ["-r", str(self.rate)]
        load = self.load(*more)
        try:
            happened = self.disturbed(seconds)
            found = self.result(load)
        finally:
            load.stop()
        found["rss_mib"] = rig.memory_kib(self.pids(), "VmHWM") / 1024
        return found | happened

    def disturbed(self, seconds):
        """What the event came to; who has it for his work is not told by the
        cost of a request any more."""
        if self.s.event is None:
            return {}
        if self.subject.name != "relay":
            time.sleep(self.bench.warm + seconds / 4)
            found = getattr(self, self.s.event)(seconds / 2)
        else:
            found = {}
        return found | dict.fromkeys(("cpu_us", "user_us", "cpu_share"))

    def idle(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = min(IDLE_MOST, (most - 1000) // 2)
        before = rig.memory_kib(self.pids(), "VmRSS")
        load = self.load("-c", str(count))
        try:
            found = json.loads(load.child.stdout.readline() or "{}")
            if found.get("failed", 1):
                raise Failure("not all are held: " + self.process.words())
            time.sleep(IDLE_SETTLE_S)
            held = rig.memory_kib(self.pids(), "VmRSS")
        finally:
            load.stop()
        return {"held": count, "rss_mib": held / 1024,
                "idle_kib": (held - before) / count}

    # ---- a second opinion

    def by_h2load(self):
        """Cost and rate under another's load."""
        seconds = max(1, round(self.bench.seconds))
        before = rig.busy_us(self.pids())
        h2load = rig.Process(
            ["h2load", "--h1", "-c", "64", "-D", str(seconds),
             "--connect-to", "127.0.0.1:%d" % self.stage.port,
             "http%s://v0.test/b/1024" % ("s" if self.s.tls else "")],
            {rig.RIG_CORE}, self.stage.directory, talks=True)
        try:
            said = h2load.child.stdout.read()
        finally:
            h2load.stop()
        found = re.search(r", ([\d.]+) req/s.*?(\d+) succeeded", said, re.S)
        if not found or found[2] == "0":
            raise Failure("h2load: " + said[-500:])
        busy = rig.busy_us(self.pids()) - before
        return {"rate": float(found[1]), "cpu_us": busy / int(found[2])}

    # ---- events

    def reload(self, _):
        """From the signal until the new configuration answers."""
        self.stage.generation = "two"
        self.write_files()
        began = time.monotonic()
        self.subject.reload(self.process)
        while time.monotonic() - began < RELOAD_MOST_S:
            if self.generation() == "two":
                return {"event_ms": (time.monotonic() - began) * 1000}
            time.sleep(0.002)
        raise Failure("no reload: " + self.process.words())

    def generation(self):
        request = b"GET /generation HTTP/1.1\r\n" \
            b"Host: generation.test\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection(
                    ("127.0.0.1", self.stage.port), 5) as c:
                c.sendall(request)
                answer = b""
                while piece := c.recv(4096):
                    answer += piece
        except OSError:
            return None
        return answer.split(b"\r\n\r\n")[-1].decode()

    def scrape(self, seconds):
        url = "http://127.0.0.1:%d/metrics" % self.stage.admin
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            began = time.monotonic()
            with urllib.request.urlopen(url, timeout=30) as answer:
                size = len(answer.read())
            times.append((time.monotonic() - began) * 1000)
            time.sleep(0.2)
        return {"event_ms": statistics.median(times), "event_bytes": size}

    def probes(self, _):
        return {}

    # ---- system calls

    def traced(self):
        """Of each kind for each request: a run of its own, as strace slows it
        down."""
        path = os.path.join(self.stage.directory, "strace")
        self.result(self.load("-n", "64"))
        command = ["strace", "-f", "-c", "-U", "calls,name", "-o", path]
        for pid in self.pids():
            command += ["-p", str(pid)]
        strace = rig.Process(command, {rig.RIG_CORE}, self.stage.directory)
        try:
            self.await_attached(strace)
            self.result(self.load("-n", str(self.s.traced)))
            strace.child.send_signal(signal.SIGINT)
            strace.child.wait(rig.START_S)
        finally:
            strace.stop()
        with open(path) as f:
            calls = re.findall(r"^\s*(\d+)\s+(\w+)$", f.read(), re.M)
        return {name: int(n) / self.s.traced for n, name in calls
                if int(n) > self.s.traced / 200}

    @staticmethod
    def await_attached(strace):
        end = time.monotonic() + rig.START_S
        while "attached" not in strace.words():
            if strace.child.poll() is not None or time.monotonic() > end:
                raise Failure("strace: " + strace.words())
            time.sleep(0.02)
