#!/usr/bin/env python3
"""A real Prometheus with docker/'s configuration and alerts beside a running daemon: it scrapes,
evaluates every alert, fires none but those that should, and answers every panel of the dashboard.

    prometheus_test.py [build/release/huitou]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
sys.path.insert(0, os.path.join(ROOT, "tests", "end_to_end"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import House, ask, binary_of, free_port, order, review, small_config, wait_for  # noqa: E402
import operations_test  # noqa: E402

THANKS = """
campaign: thanks
trigger: {event: review.posted}
where: event.review.rating == 5
reentry: once
steps:
  - {send: {template: thanks, via: [outbox]}}
"""
# Without these a panel or an alert has nothing to say in a shop without Kafka, budgets or pools.
ALWAYS = ("huitou_ready", "huitou_events_total", "huitou_decisions_total", "huitou_dispatches_total",
          "huitou_frontier_lag_seconds", "huitou_timers_pending", "huitou_outbox_depth")


def server():
    """The path of a Prometheus; None where it cannot be fetched."""
    found = subprocess.run([os.path.join(ROOT, "docker", "prometheus.sh"), "prometheus"],
                           check=False, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip() if found.returncode == 0 else None


class Prometheus:
    """docker/'s configuration, with the two addresses of this machine instead of the stack's."""

    def __init__(self, program, target):
        self.folder = tempfile.mkdtemp(prefix="huitou-prometheus-")
        self.port = free_port()
        shutil.copytree(operations_test.PROMETHEUS, self.folder, dirs_exist_ok=True)
        path = os.path.join(self.folder, "prometheus.yml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for stack, here in (("huitou:8080", target), ("localhost:9090", self.address())):
            assert stack in text, f"prometheus.yml does not scrape {stack}"
            text = text.replace(stack, here)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("_interval: 5s", "_interval: 1s").replace(
                "evaluation_interval: 15s", "evaluation_interval: 1s"))
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={path}", f"--web.listen-address={self.address()}",
                 f"--storage.tsdb.path={self.folder}/data"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self):
        return f"127.0.0.1:{self.port}"

    def get(self, path):
        try:
            status, answer = ask(self.port, "GET", "/api/v1/" + path)
        except OSError:
            return {}
        if status != 200 and isinstance(answer, dict) and "error" in answer:
            raise AssertionError(f"{path}: {answer['error']}")
        return answer["data"] if status == 200 else {}

    def query(self, text):
        return self.get("query?query=" + urllib.parse.quote(text)).get("result", [])


def check_scrape(prometheus):
    wait_for("both targets to be up", lambda: len(prometheus.query("up == 1")) == 2)
    for metric in ALWAYS:
        wait_for(metric, lambda name=metric: prometheus.query(name))
    wait_for("a second scrape", lambda: prometheus.query(
        'count_over_time(huitou_ready{job="huitou"}[5m]) > 2'))


def check_alerts(prometheus):
    def evaluated():
        rules = [rule for group in prometheus.get("rules").get("groups", [])
                 for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None
    rules = wait_for("every alert to be evaluated", evaluated)
    wrong = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
    assert not wrong, f"alerts that cannot be evaluated: {wrong}"
    firing = [rule["name"] for rule in rules if rule["state"] != "inactive"]
    assert not firing, f"a daemon that is well alerts: {firing}"
    return len(rules)


def check_dashboard(prometheus):
    """Every panel's query runs, and has an answer where the metrics that it names are there."""
    asked = 0
    for where, text in operations_test.expressions():
        if where == "alerts.yml":
            continue
        if "variable" in where:
            text = text.removeprefix("label_values(").split(",")[0]
        for variable, value in (("$__rate_interval", "1m"), ("$__range", "1m"),
                                ("$instance", ".*"), ("$campaign", ".*")):
            text = text.replace(variable, value)
        assert "$" not in text, f"{where}: what is put in for the variable? {text}"
        there = all(prometheus.query(name) for name in re.findall(r"\bhuitou_\w+", text))
        assert prometheus.query(text) or not there, f"{where}: nothing comes of {text}"
        asked += 1
    return asked


def main():
    binary = binary_of(sys.argv)
    program = server()
    if program is None:
        print("skipped: Prometheus cannot be fetched")
        return 77
    house = House(binary, small_config(), {"thanks": THANKS}, {"thanks": "谢谢"})
    with house, Prometheus(program, f"127.0.0.1:{house.port}") as prometheus:
        house.start()
        now = time.time()
        house.post(order(1, "c1", now), review(1, "c1", now),
                   review(2, "c2", now), review(3, "c2", now))  # the last is refused
        check_scrape(prometheus)
        alerts = check_alerts(prometheus)
        panels = check_dashboard(prometheus)
        print(f"{alerts} alerts evaluated, {panels} queries of the dashboard answered")
        house.kill()
        wait_for("HuitouDown to be pending", lambda: any(
            alert["labels"]["alertname"] == "HuitouDown"
            for alert in prometheus.get("alerts").get("alerts", [])))
        print("HuitouDown is on its way")
    return 0


if __name__ == "__main__":
    sys.exit(main())
