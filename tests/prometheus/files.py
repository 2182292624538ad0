"""The files of deploy/ as they stand, and whether what they ask for has data."""
import json
import math
import re

from nodes import ROOT, check, promtool, step
from server import DEPLOY

ALERTS = DEPLOY / "prometheus/alerts.yml"
ROWS = ["Lockstep", "Rounds", "Validators", "Actors", "Store", "HTTP", "Process"]
# The window that Grafana would fill in.
RATE_INTERVAL = "12s"


def anchors(page):
    titles = re.findall(r"^#+ +(.*?)\s*$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def files():
    step("promtool: configuration, rules, the cases of alerts.test.yml")
    promtool("check", "config", str(DEPLOY / "prometheus/prometheus.yml"))
    promtool("check", "rules", str(ALERTS))
    promtool("test", "rules", str(DEPLOY / "prometheus/alerts.test.yml"))
    cases = (DEPLOY / "prometheus/alerts.test.yml").read_text()
    for alert in re.findall(r"- alert: (\w+)", ALERTS.read_text()):
        check(f'alertname="{alert}"' in cases, f"alerts.test.yml has no case in which {alert} fires")


def annotations(rules):
    for rule in rules:
        name, notes = rule["name"], rule["annotations"]
        check(notes.keys() >= {"summary", "description", "page"}, f"{name} lacks an annotation: {notes}")
        path, _, anchor = notes["page"].partition("#")
        check(path.startswith("docs/operate/") and (ROOT / path).is_file(), f"{name}: there is no page {path}")
        check(not anchor or anchor in anchors(ROOT / path), f"{name}: {path} has no heading {anchor}")
        check(rule["labels"].get("severity") in ("critical", "warning"), f"{name} has no severity")


def overlap(panels):
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        check(place["x"] + place["w"] <= 24, f"{panel['title']} is wider than the dashboard")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                check((x, y) not in taken, f"{panel['title']} lies on another panel")
                taken.add((x, y))


def dashboard():
    """Its form, and (panel, expression) of all that it shows."""
    board = json.loads((DEPLOY / "grafana/lockstep.json").read_text())
    panels = board["panels"]
    check(len({panel["id"] for panel in panels}) == len(panels), "two panels of the dashboard have one id")
    rows = [panel["title"] for panel in panels if panel["type"] == "row"]
    check(rows == ROWS, f"rows of the dashboard: {rows}")
    overlap(panels)
    shown = []
    for panel in panels:
        if panel["type"] != "row":
            check(panel["title"] and panel["description"] and panel["fieldConfig"]["defaults"]["unit"],
                  f"panel {panel['id']} lacks title, description or unit")
            check(panel["targets"], f"{panel['title']} shows nothing")
            shown += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return shown


def filled(expression):
    for name, value in [("$job", "lockstep"), ("$instance", ".*"), ("$__rate_interval", RATE_INTERVAL)]:
        expression = expression.replace(name, value)
    check("$" not in expression, f"a variable that this test does not know: {expression}")
    return expression


def data_of(prometheus, rules, shown):
    wrong = []
    for title, expression in shown:
        rows = prometheus.query(filled(expression))
        if not any(math.isfinite(float(row["value"][1])) for row in rows):
            wrong.append(f"dashboard, {title}: no data: {expression}")
    families = {(rule["name"], family) for rule in rules
                for family in re.findall(r"\b(?:lockstep_\w+|process_\w+|up\b)", rule["query"])}
    for name, family in sorted(families):
        if not prometheus.query(f'count({family}{{job="lockstep"}})'):
            wrong.append(f"{name}: nobody has {family}")
    check(not wrong, "\n".join(wrong))
    step(f"{len(shown)} expressions of the dashboard and {len(families)} families of {len(rules)} alerts have data")
