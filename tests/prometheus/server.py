"""A real Prometheus with the files of deploy/prometheus, in shorter times."""
import contextlib
import json
import re
import signal
import urllib.parse
import urllib.request

from nodes import ROOT, ask, check, free_port, until

DEPLOY = ROOT / "deploy"
# Times of deploy/ as they are here. A window has to hold some blocks, and `for` some evaluations. A fall is
# looked for after all else, so it is told for longer.
SHORTER = {
    "alerts.yml": [(r"\bfor: \w+", "for: 3s"), (r"\[1h\]", "[20s]"), (r"\[5m\]", "[12s]"), (r"\[15m\]", "[5m]")],
    "prometheus.yml": [(r"_interval: \w+", "_interval: 1s")],
}


class Prometheus:
    def __init__(self, running):
        self.home, self.jobs, self.process = running.scratch / "prometheus", {}, None
        self.home.mkdir()
        self.running = running
        self.write("alerts.yml", self.shorter("alerts.yml"))

    def write(self, name, text):
        (self.home / name).write_text(text)

    def shorter(self, name):
        text = (DEPLOY / "prometheus" / name).read_text()
        for pattern, instead in SHORTER[name]:
            text, count = re.subn(pattern, instead, text)
            check(count > 0, f"{name} has no {pattern} any more: look at SHORTER")
        return text

    def watch(self, job, urls):
        """Scrapes these as well, in the way of deploy/prometheus/prometheus.yml."""
        self.jobs[job] = [url.removeprefix("http://") for url in urls]
        head, mark, chain = self.shorter("prometheus.yml").partition("scrape_configs:\n")
        check(mark, "prometheus.yml has no scrape_configs")
        copies = []
        for name, targets in self.jobs.items():
            copy, renamed = re.subn(r"job_name: lockstep\n", f"job_name: {name}\n", chain)
            copy, placed = re.subn(r"targets:\n( +- 127\.0\.0\.1:\d+\n)+", f"targets: {json.dumps(targets)}\n", copy)
            check(renamed == placed == 1, "prometheus.yml has another form: look at Prometheus.watch")
            copies.append(copy)
        self.write("prometheus.yml", head + mark + "".join(copies))
        if self.process:
            self.process.send_signal(signal.SIGHUP)
        else:
            self.start()

    def start(self):
        place = f"127.0.0.1:{free_port()}"
        self.url = f"http://{place}"
        self.process, log = self.running.start(
            "prometheus", f"--config.file={self.home}/prometheus.yml", f"--storage.tsdb.path={self.home}/data",
            f"--web.listen-address={place}", "--log.level=warn", name="prometheus")

        def ready():
            check(self.process.poll() is None, f"prometheus has ended: {log.read_text()}")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                return True

        until("prometheus is not ready", ready)

    def query(self, expression):
        answer = ask(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        return answer["data"]["result"]

    def rules(self):
        groups = ask(f"{self.url}/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self, job):
        rows = self.query(f'ALERTS{{alertstate="firing", job="{job}"}}')
        return {row["metric"]["alertname"] for row in rows}
