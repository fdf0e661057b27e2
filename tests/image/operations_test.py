#!/usr/bin/env python3
"""What docker/ ships for operators is right: Prometheus' configuration and alerts by promtool, and
no alert or dashboard asks for a metric, label or label's word that huitou does not have, and huitou
itself takes the configurations of the image and of the compose stack."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PROMETHEUS = os.path.join(ROOT, "docker", "prometheus")
GRAFANA = os.path.join(ROOT, "docker", "grafana", "dashboards")
ADDED_BY_PROMETHEUS = {"instance", "job", "le"}


def known_metrics():
    """Name -> labels, from docs/reference/metrics.md, which the code writes."""
    metrics = {}
    with open(os.path.join(ROOT, "docs", "reference", "metrics.md"), encoding="utf-8") as file:
        for line in file:
            row = [cell.strip() for cell in line.split("|")]
            name = re.fullmatch(r"`(huitou_\w+)`", row[1]) if len(row) > 3 else None
            if name:
                labels = set(re.findall(r"`(\w+)`", row[3]))
                metrics[name.group(1)] = labels
                if row[2] == "histogram":
                    for suffix in ("_bucket", "_sum", "_count"):
                        metrics[name.group(1) + suffix] = labels
    return metrics


def words_in(path, pattern):
    """Every word in quotes of what matches in a source file."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        words = {word for found in re.findall(pattern, file.read(), re.S)
                 for word in re.findall(r'"(\w+)"', found)}
    assert words, f"{path}: no words; has {pattern} been renamed?"
    return words


def known_values():
    """(metric, label) -> the words that the code puts there."""
    outcomes = words_in("channels/words.cc", r"ToWord\(Outcome::Kind.*?\n}")
    for path in ("daemon/shard/shard_outbox.cc", "daemon/shard/shard_receipts.cc"):
        outcomes |= words_in(path, r"OnDispatch\([^;]*;")
    return {
        ("huitou_dispatches_total", "outcome"): outcomes,
        ("huitou_decisions_total", "outcome"): words_in("triggers/decision.cc",
                                                        r"kOutcomeWords = .*?;"),
        ("huitou_sink_records_total", "outcome"): words_in("daemon/sinks/sinks.cc",
                                                           r"Count\([^;]*;"),
        ("huitou_receipts_total", "known"): {"yes", "no"},
    }


def wrong_values(name, selector, known):
    for label, text in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', selector):
        if label in ADDED_BY_PROMETHEUS or "$" in text:
            continue
        if (name, label) not in known:
            yield f'{name}: which words may stand in {label}="{text}"?'
        else:
            for word in sorted(set(text.split("|")) - known[name, label]):
                yield f"{name}: {label} is never {word}"


def expressions():
    """(where, PromQL) of every alert, panel and variable."""
    with open(os.path.join(PROMETHEUS, "alerts.yml"), encoding="utf-8") as file:
        yield "alerts.yml", "\n".join(
            line for line in file if not re.match(r"\s*(#|summary:|description:|- alert:)", line))
    for name in sorted(os.listdir(GRAFANA)):
        with open(os.path.join(GRAFANA, name), encoding="utf-8") as file:
            dashboard = json.load(file)
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield f"{name}, panel '{panel['title']}'", target["expr"]
        for variable in dashboard["templating"]["list"]:
            yield f"{name}, variable '{variable['name']}'", variable["query"]["query"]


def mistakes(metrics):
    used = set()
    known = known_values()
    for where, text in expressions():
        for name, selector in re.findall(r"\b(huitou_\w+)(?:\{([^}]*)\})?", text):
            used.add(name)
            if name not in metrics:
                yield f"{where}: no metric {name}"
                continue
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", selector):
                if label not in metrics[name] | ADDED_BY_PROMETHEUS:
                    yield f"{where}: {name} has no label {label}"
            for wrong in wrong_values(name, selector, known):
                yield f"{where}: {wrong}"
        names = {name for name in re.findall(r"\bhuitou_\w+", text) if name in metrics}
        labels = set().union(*(metrics[name] for name in names)) | ADDED_BY_PROMETHEUS
        for group in re.findall(r"\bby \(([^)]*)\)", text):
            for label in re.split(r",\s*", group):
                if label not in labels:
                    yield f"{where}: by ({group}): no label {label}"
    for name in metrics:
        whole = re.sub(r"_(bucket|sum|count)$", "", name)
        if whole == name and not any(other.startswith(name) for other in used):
            yield f"{name} is in no alert and on no dashboard"


def check_configurations(binary):
    """Exit code of `huitou check` on each, laid out as docker/Dockerfile does."""
    failed = 0
    for name in ("docker/huitou.yaml", "docker/compose/huitou.yaml"):
        with tempfile.TemporaryDirectory() as folder:
            for part in ("campaigns", "templates"):
                shutil.copytree(os.path.join(ROOT, "config", part), os.path.join(folder, part))
            shutil.copy(os.path.join(ROOT, "config", "shop.yaml"), folder)
            shutil.copy(os.path.join(ROOT, name), folder)
            print(f"huitou check {name}", flush=True)
            done = subprocess.run([binary, "check", os.path.join(folder, "huitou.yaml")],
                                  check=False)
            failed |= done.returncode != 0
    return failed


def main():
    failed = 0
    binary = os.path.join(os.environ.get("HUITOU_BUILD_DIR", os.path.join(ROOT, "build/release")),
                          "huitou")
    if os.path.exists(binary):
        failed |= check_configurations(binary)
    else:
        print(f"no {binary}: the configurations are not tried")
    for mistake in mistakes(known_metrics()):
        print(f"error: {mistake}")
        failed = 1
    promtool = subprocess.run([os.path.join(ROOT, "docker", "prometheus.sh"), "promtool"], check=True,
                              capture_output=True, text=True).stdout.strip()
    for words in (["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"],
                  ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *words], cwd=PROMETHEUS, check=False)
        failed |= done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
