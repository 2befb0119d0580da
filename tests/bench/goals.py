"""What was set as a goal, and how far it was met."""
import dataclasses

from results import LIMIT, OURS

# Its TLS is not OpenSSL.
OTHER_TLS = ("caddy",)

# Processor time: the scenario, at most so many times the relay's and the best
# peer's, and peers that do not count.
COSTS = [
    ("S1", 1.20, 0.75, ()),
    ("S1log", 1.35, 0.85, ()),
    ("S2", 1.25, 0.85, ()),
    ("S9", 0.95, 0.90, ()),
    ("S3", 1.05, 0.92, OTHER_TLS),
    ("S4", 1.20, 0.95, ()),
    ("S5", 1.00, 1.00, ()),
    ("S10", 1.08, 0.93, ()),
]
IDLE = [("S8", 0.75, ()), ("S8t", 0.92, OTHER_TLS)]
OPEN = [("S11.20k", 2.0, 0.6), ("S11.35k", 2.0, 0.6)]
TAILS = ["S11.half", "S11.most"]
EVENTS = ["E.reload", "E.scrape", "E.probes"]
TAIL_LIMIT = 1.5
EVENT_LIMIT_MS = 10


@dataclasses.dataclass
class Goal:
    scenario: str
    text: str
    value: float            # None: not measured
    limit: float
    form: str = "%.2f"

    @property
    def verdict(self):
        if self.value is None:
            return "not measured"
        return "met" if self.value <= self.limit else "NOT MET"


def goals(r):
    found = []
    for scenario, limit, peer, but in COSTS:
        found += costs(r, scenario, limit, peer, but)
    for scenario, peer, but in IDLE:
        found.append(against_best(r, scenario, "idle_kib", peer, but))
    for scenario, own_us, peer in OPEN:
        found += open_loop(r, scenario, own_us, peer)
    found += growths(r)
    for scenario in TAILS:
        found.append(Goal(
            scenario, "p99.9, × the relay's at the same rate",
            divide(r.median(scenario, OURS, "p999_us"),
                   r.median(scenario, LIMIT, "p999_us")), TAIL_LIMIT))
        found.append(against_best(r, scenario, "p999_us", 1.0))
    for scenario in EVENTS:
        over = subtract(r.median(scenario, OURS, "worst_us"),
                        r.median(scenario, LIMIT, "worst_us"))
        found.append(Goal(scenario, "worst, ms above the relay's",
                          divide(over, 1000), EVENT_LIMIT_MS))
        found.append(against_best(r, scenario, "worst_us", 1.0))
    return found


def divide(a, b):
    return None if a is None or not b else a / b


def subtract(a, b):
    return None if a is None or b is None else a - b


NAMES = {"cpu_us": "CPU", "idle_kib": "KiB", "p99_us": "p99",
         "p999_us": "p99.9", "worst_us": "worst"}


def against_best(r, scenario, field, limit, but=()):
    who, least = r.best(scenario, field, but)
    return Goal(scenario, "%s, × the best peer's (%s)" % (
        NAMES[field], who or "none"),
        divide(r.median(scenario, OURS, field), least), limit)


def costs(r, scenario, limit, peer, but):
    ours = r.median(scenario, OURS, "cpu_us")
    return [
        Goal(scenario, "CPU, × the relay's",
             divide(ours, r.median(scenario, LIMIT, "cpu_us")), limit),
        against_best(r, scenario, "cpu_us", peer, but)]


def open_loop(r, scenario, own_us, peer):
    """Own cost is what is above the relay's."""
    relay = r.median(scenario, LIMIT, "cpu_us")
    own = subtract(r.median(scenario, OURS, "cpu_us"), relay)
    who, least = r.best(scenario, "cpu_us")
    p99 = r.median(scenario, who, "p99_us")
    return [
        Goal(scenario, "own cost, us", own, own_us),
        Goal(scenario, "own cost, × the best peer's (%s)" % who,
             divide(own, subtract(least, relay)), peer),
        Goal(scenario, "p99, × that peer's",
             divide(r.median(scenario, OURS, "p99_us"), p99), 1.0)]


def growths(r):
    found = []
    for scenario in r.titles:
        if scenario.startswith("S12.") and scenario != "S12.1":
            found.append(Goal(
                scenario, "user time, growth in % beyond the relay's",
                balancer_growth(r, scenario), 10, "%.1f"))
    for text, scenario, base, limit in (
            ("CPU, growth in % with 1000 hosts", "S12r.1000", "S12r.1", 5),
            ("CPU, growth in % with two workers", "W.2", "W.1", 5)):
        found.append(Goal(scenario, text, growth(
            r.median(scenario, OURS, "cpu_us"),
            r.median(base, OURS, "cpu_us")), limit, "%.1f"))
    return found


def growth(now, before):
    ratio = divide(now, before)
    return None if ratio is None else (ratio - 1) * 100


def balancer_growth(r, scenario):
    """Cold connections cost the relay too; that is nobody's balancer."""
    cold = subtract(r.median(scenario, LIMIT, "user_us"),
                    r.median("S12.1", LIMIT, "user_us"))
    now = subtract(r.median(scenario, OURS, "user_us"), cold)
    return growth(now, r.median("S12.1", OURS, "user_us"))
