"""What is measured.  The scenarios of one group are measured by turns, since
they are compared with each other."""
import dataclasses
import json
import subprocess


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    load: tuple             # arguments of the load
    group: str = ""         # its name's part before the dot
    tls: bool = False
    fresh: bool = False     # a connection for each request
    log: bool = False
    bulk: bool = False      # responses of a MiB
    idle: bool = False      # hold connections, and look at the memory
    servers: int = 1
    policy: str = "round_robin"
    routes: int = 1         # hosts, on one upstream
    workers: int = 1
    rate: int = 0           # an open loop; 0: as fast as it goes
    share: float = 0        # the same at this share of one's own capacity
    event: str = None       # reload, scrape or probes, in the midst of it
    traced: int = 0         # requests to count the system calls of
    rounds: int = 0         # that do, where less than of others; 0: as many
    h2load: bool = False    # also asked for its opinion
    quick: bool = False     # part of the quick run

    def __post_init__(self):
        self.group = self.group or self.name.split(".")[0]
        if self.tls:
            self.load += ("-t",)
        if self.fresh:
            self.load += ("-f",)

    @property
    def is_open(self):
        return self.rate > 0 or self.share > 0


KIB = ("-c", "64")
MIB = ("-c", "16", "-u", "/b/1048576")
UPLOAD = ("-c", "32", "-u", "/up", "-b", "65536")
MANY = ("-c", "256")
IDLE = ("-i",)


def scenarios(fairlead):
    return [
        Scenario("S1", "keep-alive, 1 KiB", KIB, traced=8000, quick=True,
                 h2load=True),
        Scenario("S1log", "keep-alive, 1 KiB, with a JSON access log, "
                 "request ids and metrics", KIB, log=True, traced=8000,
                 quick=True),
        Scenario("S2", "keep-alive, 1 KiB, TLS 1.3", KIB, tls=True,
                 traced=8000, quick=True, h2load=True),
        Scenario("S9", "a new connection for each request, 1 KiB", KIB,
                 fresh=True, traced=2000, quick=True),
        Scenario("S3", "a full TLS 1.3 handshake for each request, 1 KiB, "
                 "one ticket", ("-c", "32"), tls=True, fresh=True,
                 traced=500, quick=True),
        Scenario("S3r", "a resumed TLS 1.3 handshake for each request, "
                 "1 KiB, one ticket", ("-c", "32", "-s"), tls=True,
                 fresh=True, traced=500),
        Scenario("S4", "responses of 1 MiB", MIB, bulk=True, traced=200,
                 quick=True),
        Scenario("S5", "responses of 1 MiB, TLS 1.3", MIB, bulk=True,
                 tls=True, traced=200),
        Scenario("S10", "uploads of 64 KiB", UPLOAD, traced=1000,
                 quick=True),
        Scenario("S8", "idle connections", IDLE, idle=True, rounds=2),
        Scenario("S8t", "idle connections, TLS 1.3", IDLE, idle=True,
                 tls=True, rounds=2),
        Scenario("S12.1", "one server", KIB),
    ] + [
        Scenario("S12.%s" % policy, "1000 servers by %s" % policy, KIB,
                 servers=1000, policy=policy)
        for policy in policies(fairlead)
    ] + [
        Scenario("S12r.1", "one route", KIB),
        Scenario("S12r.1000", "1000 hosts", KIB + ("-v", "1000"),
                 routes=1000),
        Scenario("S11.20k", "open loop, 20,000 requests/s", MANY,
                 rate=20000),
        Scenario("S11.35k", "open loop, 35,000 requests/s", MANY,
                 rate=35000),
        Scenario("S11.half", "open loop at 50 % of one's capacity", MANY,
                 share=0.5),
        Scenario("S11.most", "open loop at 80 % of one's capacity", MANY,
                 share=0.8),
        Scenario("W.1", "one worker, open loop, 20,000 requests/s", MANY,
                 rate=20000),
        Scenario("W.2", "two workers, open loop, 20,000 requests/s", MANY,
                 rate=20000, workers=2),
        Scenario("E.reload", "open loop at 50 %, reload of 10,000 routes",
                 MANY, share=0.5, routes=10000, event="reload"),
        Scenario("E.scrape", "open loop at 50 %, metrics of 1000 servers "
                 "scraped", MANY, share=0.5, servers=1000, event="scrape"),
        Scenario("E.probes", "open loop at 50 %, 1000 servers probed at "
                 "once", MANY, share=0.5, servers=1000, event="probes"),
    ]


def policies(fairlead):
    """All balancers that the program knows."""
    at = json.loads(subprocess.run(
        [fairlead, "schema"], check=True, capture_output=True).stdout)
    for step in ("properties", "upstreams", "additionalProperties", "anyOf",
                 0, "properties", "balance", "properties", "policy", "anyOf",
                 0, "enum"):
        at = at[step]
    return at
