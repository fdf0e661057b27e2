"""A daemon that runs in a folder of its own for as long as a measurement takes.

    with Daemon(binary, channels="out: {...}", template="thanks", via="out") as daemon:
        daemon.post(reviews(0, 1000))
        daemon.cpu_seconds(), daemon.resident_mb()

Every review.posted becomes one message over `via`. Only Python's standard library."""
import http.client
import json
import os
import socket
import subprocess
import tempfile
import time

CONFIG = """
state: {dir: state}
campaigns: [campaigns]
sources: [{http: {name: api, allowed_lateness: 1m}}]
channels: {%s}
http: {listen: "127.0.0.1:%d"}
log: {level: warning, format: text}
templates: templates
"""
CAMPAIGN = """
campaign: thanks
class: transactional
trigger: {event: review.posted}
steps:
  - send: {template: thanks, via: [%s]}
"""


def reviews(first, count):
    """Bodies for `post`: as many events, each of a customer of its own."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lines = [json.dumps({"id": f"e{n}", "type": "review.posted", "time": now,
                         "customer": {"id": f"c{n}", "email": f"c{n}@example.com"},
                         "review": {"id": f"r{n}", "rating": 5}})
             for n in range(first, first + count)]
    return "\n".join(lines).encode()


def cpu_seconds(pid):
    """User and kernel time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Daemon:
    """`channels`: the channels of the config file, with {folder} for its folder; `env` more of the
    environment."""

    def __init__(self, binary, channels, template, via, env=None):
        self.binary = os.path.abspath(binary)
        self.directory = tempfile.TemporaryDirectory()
        self.folder = self.directory.name
        self.env = {**os.environ, **(env or {})}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        channels = channels.replace("{folder}", self.folder)
        self.write("c.yaml", CONFIG % (channels, self.port))
        self.write("campaigns/thanks.yaml", CAMPAIGN % via)
        self.write("templates/thanks.mustache", template)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        self.process = subprocess.Popen([self.binary, "run", "--config", "c.yaml"],
                                        cwd=self.folder, env=self.env)
        for _ in range(600):
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        self.__exit__()
        raise SystemExit("the daemon did not become ready within a minute")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"content-type": "application/x-ndjson"})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text.decode()

    def post(self, body):
        while (status := self.ask("POST", "/v1/events", body)[0]) in (429, 503):
            time.sleep(0.05)
        if status != 202:
            raise SystemExit(f"events were answered with {status}")

    def metric(self, sample):
        """A sample of /metrics by its text, as 'huitou_outbox_depth{channel="out"}'."""
        for line in self.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def resident_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) // 1024
        return 0
