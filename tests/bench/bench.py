#!/usr/bin/env python3
"""tests/bench/bench.py: fairlead against its peers and against the limit.

Every subject has one worker on core 0 and everything else on core 1; subjects
take turns, so that whatever else the machine does befalls all of them.  What
counts is the processor time of the proxy's processes for each request, and its
ratio to the relay's and to the best peer's in the same run."""
import argparse
import datetime
import json
import os
import shutil
import sys

import measure
import peers
import report
import rig
import scenarios


def main():
    options = read_options()
    rig.enter()
    rig.on_end(give_up)
    os.sched_setaffinity(0, {rig.RIG_CORE})
    if not options.report:
        if rig.PROXY_CORE == rig.RIG_CORE:
            print("bench: one core is not enough: figures say little")
        os.makedirs(os.path.dirname(options.samples), exist_ok=True)
        with open(options.samples, "w") as f, \
                rig.Directory() as certificates:
            rig.make_certificate(certificates)
            run(options, certificates, f)
    with open(options.samples) as f:
        report.write([json.loads(line) for line in f], options.into)


def give_up(_):
    """By the way of an exception, so that everything is ended."""
    rig.on_end(lambda _: None)
    sys.exit(130)


def read_options():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--fairlead", default="./fairlead")
    p.add_argument("--programs", default="build/tests/bench",
                   help="where origin, relay and load are")
    p.add_argument("--quick", action="store_true",
                   help="fewer scenarios, peers and rounds")
    p.add_argument("--only", help="scenarios or groups, commas between")
    p.add_argument("--peers", help="commas between")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=float)
    p.add_argument("--takes", type=int,
                   help="of a sample that others have disturbed")
    p.add_argument("--samples", default="build/bench/samples.jsonl",
                   help="every sample as it comes")
    p.add_argument("--into", default="build/bench",
                   help="a directory for the tables and the plot")
    p.add_argument("--report", action="store_true",
                   help="of the samples that are there, nothing else")
    o = p.parse_args()
    for path in "fairlead", "programs", "samples", "into":
        setattr(o, path, os.path.abspath(getattr(o, path)))
    o.rounds = o.rounds or (3 if o.quick else 5)
    o.seconds = o.seconds or (0.8 if o.quick else 2)
    o.takes = o.takes or (1 if o.quick else 3)
    if o.quick and o.peers is None:
        o.peers = "haproxy,nginx"
    return o


def run(o, certificates, samples):
    who = subjects(o)
    samples.write(json.dumps({"about": about(o, who)}) + "\n")
    bench = measure.Bench(
        o.programs, peers.Fairlead(o.fairlead), certificates, o.seconds,
        min(0.5, o.seconds), o.takes)
    wanted = [s for s in scenarios.scenarios(o.fairlead) if is_wanted(o, s)]
    for group in dict.fromkeys(s.group for s in wanted):
        members = [s for s in wanted if s.group == group]
        turns = [(p, s) for s in members for p in who if p.does(s)]
        bench.open(max(s.servers for s in members))
        try:
            for n in range(o.rounds):
                for p, s in turns:
                    if n < (s.rounds or o.rounds):
                        note(samples, p, s, n, bench.sample)
            for p, s in turns:
                if s.traced and not o.quick and shutil.which("strace"):
                    note(samples, p, s, "calls", bench.trace)
                if s.h2load and not o.quick and shutil.which("h2load"):
                    note(samples, p, s, "h2load", bench.by_h2load)
        finally:
            bench.close()


def subjects(o):
    who = [p for p in peers.subjects(o.fairlead, o.programs)
           if o.peers is None or not p.is_peer or
           p.name in o.peers.split(",")]
    for p in who:
        if not p.is_there():
            print("bench: %s is not installed: left out" % p.name)
    return [p for p in who if p.is_there()]


def about(o, who):
    """What a reader of the figures wants to know."""
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f
                      if line.startswith("model name")), "?")
    found = {
        "date": datetime.date.today().isoformat(),
        "machine": "%d × %s, Linux %s" % (
            os.cpu_count(), model, os.uname().release),
        "method": "medians of %d rounds of %g s, the proxy on core 0, all "
                  "else on core 1" % (o.rounds, o.seconds)}
    return found | {p.name: p.version() for p in who if p.version()}


def is_wanted(o, s):
    if o.only:
        return s.name in o.only.split(",") or s.group in o.only.split(",")
    return s.quick or not o.quick


def note(samples, subject, s, turn, measure):
    sample = {"scenario": s.name, "title": s.title, "subject": subject.name,
              "turn": turn}
    try:
        sample |= measure(subject, s)
    except rig.Failure as e:
        sample["failure"] = str(e)
    samples.write(json.dumps(sample) + "\n")
    samples.flush()
    print(report.line(sample), flush=True)


if __name__ == "__main__":
    try:
        main()
    except rig.Failure as e:
        sys.exit("bench: %s" % e)
