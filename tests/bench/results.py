"""Samples by scenario and subject, and what is asked of them."""
import statistics

OURS = "fairlead"
LIMIT = "relay"


class Results:
    def __init__(self, samples):
        self.about = {}
        self.titles = {}        # of the scenarios, in the order of the run
        self.samples = {}       # (scenario, subject): list
        self.failures = []
        self.calls = {}         # (scenario, subject): by name
        self.h2load = {}        # (scenario, subject): what it found
        for sample in samples:
            if "about" in sample:
                self.about = sample["about"]
                continue
            self.titles[sample["scenario"]] = sample["title"]
            key = sample["scenario"], sample["subject"]
            if "failure" in sample:
                self.failures.append(sample)
            elif "calls" in sample:
                self.calls[key] = sample["calls"]
            elif "h2load" in sample:
                self.h2load[key] = sample["h2load"]
            else:
                self.samples.setdefault(key, []).append(sample)

    def subjects(self, scenario):
        return [who for s, who in self.samples if s == scenario]

    def peers(self, scenario, but=()):
        return [who for who in self.subjects(scenario)
                if who not in (OURS, LIMIT) and who not in but]

    def median(self, scenario, subject, field):
        """None when there is none."""
        values = [s[field] for s in self.samples.get((scenario, subject), ())
                  if s.get(field) is not None]
        return statistics.median(values) if values else None

    def spread(self, scenario, subject, field):
        """From the least to the most, in shares of the median."""
        values = [s[field] for s in self.samples[scenario, subject]]
        return (max(values) - min(values)) / (statistics.median(values) or 1)

    def best(self, scenario, field, but=()):
        """The peer with the least, and how much."""
        found = [(self.median(scenario, who, field), who)
                 for who in self.peers(scenario, but)]
        found = [pair for pair in found if pair[0] is not None]
        return min(found)[::-1] if found else (None, None)
