"""What the samples say: a line for each as it comes; tables, goals and the
plot at the end."""
import os

import goals
import plot
from results import LIMIT, OURS, Results

# The columns of a table: head, field, form.
COLUMNS = [
    ("requests/s", "rate", "%.0f"),
    ("CPU us", "cpu_us", "%.2f"),
    ("user us", "user_us", "%.2f"),
    ("p50 us", "p50_us", "%.0f"),
    ("p99 us", "p99_us", "%.0f"),
    ("p99.9 us", "p999_us", "%.0f"),
    ("worst us", "worst_us", "%.0f"),
    ("event ms", "event_ms", "%.1f"),
    ("KiB each", "idle_kib", "%.2f"),
    ("failed", "failed", "%.0f"),
    ("tickets", "tickets", "%.2f"),
    ("resumed", "resumed", "%.2f"),
    ("RSS MiB", "rss_mib", "%.1f"),
    ("others", "stray_share", "%.2f"),
]


def line(sample):
    words = ["%-22s %-9s %5s" % (
        sample["scenario"], sample["subject"], sample["turn"])]
    if "failure" in sample:
        return words[0] + "  FAILED: " + sample["failure"]
    for field, form in (
            ("rate", "%8.0f/s"), ("cpu_us", "%8.2f us"),
            ("p50_us", "p50 %.0f us"), ("p99_us", "p99 %.0f us"),
            ("worst_us", "worst %.0f us"), ("idle_kib", "%.2f KiB each"),
            ("event_ms", "event %.1f ms")):
        if sample.get(field) is not None:
            words.append(form % sample[field])
    if "h2load" in sample:
        words.append(h2load_of(sample["h2load"]))
    if "calls" in sample:
        words.append(calls_of(sample["calls"]))
    return "  ".join(words)


def h2load_of(found):
    return "by h2load %.2f us, %.0f/s" % (found["cpu_us"], found["rate"])


def calls_of(calls):
    return "%.2f system calls: " % calls.get("total", 0) + ", ".join(
        "%s %.2f" % (name, n) for name, n in calls.items() if name != "total")


def write(samples, into):
    """Prints the goals last."""
    r = Results(samples)
    os.makedirs(into, exist_ok=True)
    picture = plot.plot(r)
    if picture is not None:
        with open(os.path.join(into, "plot.svg"), "w") as f:
            f.write(picture)
    goal_lines = goal_table(r)
    page = ["# fairlead and its peers", ""]
    page += ["- %s: %s" % pair for pair in r.about.items()] + [""]
    page += ["## Goals", ""] + goal_lines
    for scenario in r.titles:
        page += ["", "## %s: %s" % (scenario, r.titles[scenario]), ""]
        page += table(r, scenario)
    with open(os.path.join(into, "table.md"), "w") as f:
        f.write("\n".join(page + [""]))
    print("\n".join([""] + goal_lines + [
        "", "The tables are in %s/table.md." % os.path.relpath(into)]))


def goal_table(r):
    rows = [[g.scenario, g.text, "-" if g.value is None else g.form % g.value,
             g.form % g.limit, g.verdict] for g in goals.goals(r)
            if g.scenario in r.titles]
    return layout([["goal", "", "measured", "at most", ""]] + rows)


def table(r, scenario):
    who = sorted(r.subjects(scenario), key=lambda w: r.median(
        scenario, w, "cpu_us") or r.median(scenario, w, "idle_kib") or 0)
    columns = [c for c in COLUMNS
               if any(r.median(scenario, w, c[1]) for w in who)]
    if not scenario.startswith("S3"):
        columns = [c for c in columns if c[0] not in ("tickets", "resumed")]
    has_cpu = any(c[1] == "cpu_us" for c in columns)
    has_calls = any((scenario, w) in r.calls for w in who)
    head = [""] + [c[0] for c in columns]
    if has_cpu:
        head += ["× relay", "× best peer", "spread"]
    rows = [head + ["calls"] if has_calls else head]
    for w in who:
        row = [w] + [cell(r.median(scenario, w, field), form)
                     for _, field, form in columns]
        if has_cpu:
            row += ratios(r, scenario, w)
        if has_calls:
            row.append(cell(
                r.calls.get((scenario, w), {}).get("total"), "%.2f"))
        rows.append(row)
    lines = layout(rows) + [""]
    lines += ["- %s: %s" % (w, calls_of(r.calls[scenario, w]))
              for w in who if (scenario, w) in r.calls]
    lines += ["- %s: %s" % (w, h2load_of(r.h2load[scenario, w]))
              for w in who if (scenario, w) in r.h2load]
    return lines + ["- %s failed: %s" % (s["subject"], s["failure"].strip())
                    for s in r.failures if s["scenario"] == scenario]


def ratios(r, scenario, who):
    cost = r.median(scenario, who, "cpu_us")
    relay = r.median(scenario, LIMIT, "cpu_us")
    best = r.best(scenario, "cpu_us")[1]
    return [cell(goals.divide(cost, relay), "%.2f"),
            cell(goals.divide(cost, best), "%.2f"),
            "%.0f %%" % (r.spread(scenario, who, "cpu_us") * 100)]


def cell(value, form):
    return "-" if value is None else form % value


def layout(rows):
    """Markdown that can be read as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(
        word.ljust(w) for word, w in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return lines
