"""Bars of processor time for each request in units of the relay's, as SVG."""
from results import LIMIT, OURS

SCENARIOS = ["S1", "S1log", "S2", "S9", "S3", "S3r", "S4", "S5", "S10"]
WIDTH, LEFT, RIGHT = 760, 70, 110
BAR, GAP, TOP = 14, 10, 46
MOST = 4.0      # times the relay; longer bars are cut
COLOURS = {LIMIT: "#9a9a9a", OURS: "#c4401c"}
OTHERS = "#7f9db9"


def plot(r):
    """None when there is nothing to show."""
    scenarios = [s for s in SCENARIOS
                 if all(r.median(s, w, "cpu_us") for w in (LIMIT, OURS))]
    parts, y = [], TOP
    for scenario in scenarios:
        relay = r.median(scenario, LIMIT, "cpu_us")
        parts.append(text(8, y + 10, "%s: %s" % (
            scenario, r.titles[scenario]), "bold"))
        y += BAR
        costs = sorted((r.median(scenario, who, "cpu_us"), who)
                       for who in r.subjects(scenario))
        for cost, who in costs:
            parts += bar(y, who, cost, cost / relay)
            y += BAR
        y += GAP
    if not scenarios:
        return None
    one = x_of(1)
    parts.append('<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#555" '
                 'stroke-dasharray="3 3"/>' % (one, TOP - 6, one, y - GAP))
    head = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'font-family="sans-serif" font-size="11">' % (WIDTH, y),
        '<rect width="100%" height="100%" fill="#fff"/>',
        text(8, 18, "Processor time for each request, by the bare relay's "
             "(= 1); less is better", "bold"),
        text(one - 14, TOP - 10, "relay")]
    return "\n".join(head + parts + ["</svg>", ""])


def x_of(ratio):
    return LEFT + (WIDTH - LEFT - RIGHT) * min(ratio, MOST) / MOST


def bar(y, who, cost, ratio):
    end = x_of(ratio)
    label = "%.2f (%.1f us)%s" % (ratio, cost, " →" if ratio > MOST else "")
    return [
        text(14, y + 11, who, "bold" if who == OURS else "normal"),
        '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
            LEFT, y + 1, end - LEFT, BAR - 2, COLOURS.get(who, OTHERS)),
        text(min(end + 4, WIDTH - RIGHT + 4), y + 11, label)]


def text(x, y, words, weight="normal"):
    for plain, safe in ("&", "&amp;"), ("<", "&lt;"):
        words = words.replace(plain, safe)
    return '<text x="%d" y="%d" font-weight="%s">%s</text>' % (
        x, y, weight, words)
