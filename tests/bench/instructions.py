#!/usr/bin/env python3
"""tests/bench/instructions.py check|record: instructions in user space for a
request, counted by valgrind, which says the same on any machine and in any
load.  `check' fails when one has grown by more than 2 % over what
tests/bench/instructions.txt says, `record' writes that file anew.

What two runs have between them, one with a few requests and one with many, is
the cost of requests alone.  One client does one thing at a time and waits
until every thread of the program sleeps before it does the next, so that no
event comes together with another by chance.  Libraries are told to use the
instructions that every machine has."""
import argparse
import dataclasses
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import time

import rig
from rig import Failure

RECORD = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "instructions.txt")
MOST_GROWTH = 1.02
FEW = 50
QUIET_S = 60
PLAIN = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX_Fast_Unaligned_Load,"
                      "-BMI2,-ERMS,-FMA",
    "OPENSSL_ia32cap": "~0x1000000000000000:0",
}


@dataclasses.dataclass
class Scenario:
    title: str
    more: int               # requests
    tls: bool = False
    fresh: bool = False     # a connection for each
    servers: int = 1
    policy: str = "round_robin"
    hosts: int = 1

    @property
    def few(self):
        """Until each server has its connection and each host its counters;
        servers that are drawn by chance come later than by turns."""
        if self.policy == "round_robin":
            return FEW + max(self.servers, self.hosts)
        return 10 * self.servers


SCENARIOS = {
    "S1": Scenario("keep-alive, 1 KiB", 4000),
    "S2": Scenario("keep-alive, 1 KiB, TLS 1.3", 2000, tls=True),
    "S9": Scenario("a new connection for each request, 1 KiB", 2000,
                   fresh=True),
    "S12": Scenario("1000 servers by round_robin", 1000, servers=1000),
    "S12l": Scenario("100 servers by least_connections", 1000, servers=100,
                     policy="least_connections"),
    "S12r": Scenario("1000 hosts", 1000, hosts=1000),
}
REQUEST = b"GET /b/1024 HTTP/1.1\r\nHost: v%d.test\r\n" \
    b"User-Agent: load/1\r\nAccept: */*\r\n"
CLOSE = b"Connection: close\r\n"
BODY = 1024
MADE_WITH = "# Counted with "


class Counted:
    """The program under callgrind before an origin, and one client."""

    def __init__(self, o, scenario, directory):
        self.s, self.directory = SCENARIOS[scenario], directory
        self.counts = directory + "/callgrind"
        self.origin = rig.Process(
            [o.programs + "/origin", str(self.s.servers)], None, directory,
            talks=True)
        self.write_config(self.origin.child.stdout.readline().split())
        self.program = rig.Process(
            ["valgrind", "--tool=callgrind", "-q",
             "--callgrind-out-file=" + self.counts,
             o.fairlead, "-c", directory + "/fairlead.yaml"],
            None, directory, PLAIN)

    def write_config(self, ports):
        tls = ", tls: { certificates: [ { cert: cert.pem, key: key.pem } ], " \
            "ciphersuites: TLS_AES_128_GCM_SHA256 }" if self.s.tls else ""
        servers = ", ".join('"127.0.0.1:%s"' % port for port in ports)
        hosts = ["  - { name: v%d, host: v%d.test, to: main }" % (i, i)
                 for i in range(self.s.hosts)] if self.s.hosts > 1 else []
        with open(self.directory + "/fairlead.yaml", "w") as f:
            f.write("\n".join([
                "workers: 1", "admin: off", "access_log: off",
                'listeners: { bench: { address: "127.0.0.1:0"%s } }' % tls,
                "upstreams:",
                "  main: { balance: { policy: %s }, servers: [%s] }" % (
                    self.s.policy, servers),
                "routes:"] + hosts + ["  - { to: main }", ""]))

    def count(self, requests):
        """Of the whole run, from its beginning to its end."""
        try:
            self.port = int(self.program.said(r"listening on \S+:(\d+)"))
            self.be_quiet()
            self.ask(requests)
            self.be_quiet()
            self.program.child.terminate()
            self.program.child.wait(QUIET_S)
        finally:
            self.program.stop()
            self.origin.stop()
        with open(self.counts) as f:
            return next(int(line.split()[1]) for line in f
                        if line.startswith("totals:"))

    def ask(self, requests):
        fresh = self.s.fresh
        request = REQUEST + (CLOSE if fresh else b"") + b"\r\n"
        c = None
        for i in range(requests):
            if c is None:
                c = self.connect()
                self.be_quiet()
            c.sendall(request % (i % self.s.hosts))
            self.hear(c)
            self.be_quiet()
            if fresh:
                c.close()
                c = None
                self.be_quiet()
        if c is not None:
            c.close()

    def connect(self):
        c = socket.create_connection(("127.0.0.1", self.port), QUIET_S)
        if not self.s.tls:
            return c
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        return tls.wrap_socket(c, server_hostname="v0.test")

    @staticmethod
    def hear(c):
        answer = b""
        while len(answer.partition(b"\r\n\r\n")[2]) < BODY:
            piece = c.recv(65536)
            if not piece:
                raise Failure("an answer broke off")
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise Failure("an answer was not good")

    def be_quiet(self):
        """Until all threads of the program sleep."""
        end = time.monotonic() + QUIET_S
        tasks = "/proc/%d/task/" % self.program.pid
        while not all(sleeps(tasks + t) for t in os.listdir(tasks)):
            if time.monotonic() > end:
                raise Failure("it never rests: " + self.program.words())
            time.sleep(0)


def sleeps(task):
    try:
        with open(task + "/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "S"
    except OSError:
        return True


def count(o, scenario):
    """For a request; the last run's counts are kept for callgrind_annotate."""
    s = SCENARIOS[scenario]
    totals = []
    for more in 0, s.more:
        with rig.Directory() as directory:
            rig.make_certificate(directory)
            run = Counted(o, scenario, directory)
            totals.append(run.count(s.few + more))
            os.makedirs(o.into, exist_ok=True)
            shutil.copy(run.counts, kept(o, scenario))
    return (totals[1] - totals[0]) // s.more


def kept(o, scenario):
    return os.path.join(o.into, scenario + ".callgrind")


def toolchain():
    """What else the counts depend on."""
    def first_line(*command):
        return subprocess.run(command, capture_output=True, check=True,
                              text=True).stdout.partition("\n")[0]

    return "; ".join([first_line("cc", "--version"),
                      os.confstr("CS_GNU_LIBC_VERSION"),
                      first_line("openssl", "version").partition(" (")[0],
                      first_line("valgrind", "--version")])


def read_record():
    with open(RECORD) as f:
        lines = f.read().splitlines()
    made_with = next(line[len(MADE_WITH):] for line in lines
                     if line.startswith(MADE_WITH))
    return made_with, {line.split()[0]: int(line.split()[1])
                       for line in lines if not line.startswith("#")}


def record(o):
    lines = ["# Instructions in user space for a request; "
             "`make instructions' writes them.", MADE_WITH + toolchain()]
    for scenario, s in SCENARIOS.items():
        counts = [count(o, scenario) for _ in range(3)]
        print(scenario, counts, flush=True)
        lines.append("%s %d\t%s" % (
            scenario, statistics.median(counts), s.title))
    with open(RECORD, "w") as f:
        f.write("\n".join(lines + [""]))


def check(o):
    """The status to exit with."""
    made_with, recorded = read_record()
    grown = [s for s in SCENARIOS if not is_within(o, s, recorded[s])]
    if not grown:
        return 0
    print("If that is the price of something worth it, `make instructions' "
          "records it anew.\nWhere they are: callgrind_annotate " +
          kept(o, grown[0]))
    if made_with != toolchain():
        print("But those were counted with %s,\nand these with %s." % (
            made_with, toolchain()))
    return 1


def is_within(o, scenario, before):
    """Counted once more before it is believed that it is not."""
    for _ in range(2):
        now = count(o, scenario)
        print("%s takes %d instructions a request, %+.1f %% of the %d that "
              "are recorded" % (scenario, now, (now / before - 1) * 100,
                                before), flush=True)
        if now <= before * MOST_GROWTH:
            return True
    return False


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("what", choices=["check", "record"])
    p.add_argument("--fairlead", default="./fairlead")
    p.add_argument("--programs", default="build/tests/bench",
                   help="where the origin is")
    p.add_argument("--into", default="build/bench",
                   help="a directory for what callgrind says")
    o = p.parse_args()
    for path in "fairlead", "programs", "into":
        setattr(o, path, os.path.abspath(getattr(o, path)))
    rig.on_end(lambda _: sys.exit(130))
    if o.what == "check":
        sys.exit(check(o))
    record(o)


if __name__ == "__main__":
    try:
        main()
    except Failure as e:
        sys.exit("instructions: %s" % e)
