"""What the tests of the whole daemon share: a house to run it in, and the servers beside it.

    with House(binary, campaigns={"hello": "..."}, config={...}) as house:
        house.start()
        house.post({"id": "e1", ...})
        house.get("/v1/customers/c1")

Only Python's standard library. Every process that is started here is ended here, by its own pid.
"""

import contextlib
import datetime
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
JUDGES = os.path.join(ROOT, "tests", "judges")
SKIPPED = 77
# A machine that builds and tests at the same time is slow.
PATIENCE_S = float(os.environ.get("PATIENCE_S", "60"))


def binary_of(arguments):
    """The daemon to test: the first argument, HUITOU, or that of the build directory."""
    build = os.environ.get("HUITOU_BUILD_DIR", os.path.join(ROOT, "build", "release"))
    path = arguments.pop(1) if len(arguments) > 1 and not arguments[1].startswith("-") else \
        os.environ.get("HUITOU", os.path.join(build, "huitou"))
    if not os.access(path, os.X_OK):
        print(f"no daemon at {path}: make build")
        sys.exit(3)
    return os.path.abspath(path)


def small_config(channels=""):
    """Events over HTTP, messages into a file; `channels` are the lines of others."""
    return """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources:
  - http: {name: api}
channels:
  outbox: {provider: file, path: outbox.jsonl}
""" + channels + """http: {listen: "127.0.0.1:{port}"}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rfc3339(seconds):
    """With microseconds, as UTC."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wait_for(what, condition, patience_s=PATIENCE_S, every_s=0.05):
    """The first true answer of `condition`; AssertionError with `what` when there is none."""
    end = time.monotonic() + patience_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s} s for {what}; last answer: {answer!r}")
        time.sleep(every_s)


@contextlib.contextmanager
def judge(script, *arguments):
    """A server of tests/judges; yields its ports."""
    process = subprocess.Popen([sys.executable, os.path.join(JUDGES, script), *arguments],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield [int(port) for port in process.stdout.readline().split()]
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def ask(port, method, path, body=None, headers=None, timeout_s=30):
    """One request on a connection of its own: status and body (JSON where it is)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        try:
            connection.request(method, path, data, {"content-type": "application/json",
                                                    **(headers or {})})
        except BrokenPipeError:
            pass  # too large a body is answered before it has come
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, text


def control(port, **order):
    ask(port, "POST", "/control", order)


def received(port):
    return ask(port, "GET", "/received")[1]


SHOP = """
shop: {name: 回头小店, currency: CNY, timezone: Asia/Shanghai, locale: zh-CN,
       order_counts_on: order.paid}
consent: {default: opt_out}
"""


class House:
    """A folder with a configuration and a state directory, and the daemon that runs on them.

    `config` is the config file as text, with {port} for the daemon's own port. `campaigns` and
    `templates` are texts by name."""

    def __init__(self, binary, config, campaigns, templates, shop=SHOP, env=None):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix="huitou-house-")
        self.port = free_port()
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.headers = {}
        for folder in ("campaigns", "templates"):
            os.mkdir(os.path.join(self.folder, folder))
        self.write("huitou.yaml", config.replace("{port}", str(self.port)))
        self.write("shop.yaml", shop)
        for name, text in campaigns.items():
            self.write(f"campaigns/{name}.yaml", text)
        for name, text in templates.items():
            self.write(f"templates/{name}.mustache", text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.kill()
        if kind is None or not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"kept: {self.folder}", file=sys.stderr)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self):
        """Standard output and standard error of all runs."""
        return self.read("log")

    # --- the process ---

    def spawn(self, output=None):
        """`output`: a descriptor for standard output and standard error instead of the log."""
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "run", "--config", self.path("huitou.yaml")], env=self.env,
                stdin=subprocess.DEVNULL, stdout=output or log, stderr=output or log)

    def start(self, output=None):
        self.spawn(output)
        wait_for("readiness", self.ready_or_ended)
        assert self.process.poll() is None, self.log()[-2000:]

    def ready_or_ended(self):
        return self.process.poll() is not None or self.readiness()[0] == 200

    def readiness(self):
        try:
            return self.get("/readyz")
        except OSError:
            return 0, "no answer"

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """By SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def command(self, *arguments):
        """Another huitou command in this folder: exit code, standard output, standard error."""
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, env=self.env,
                              capture_output=True, text=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr

    # --- its doors ---

    def ask(self, method, path, body=None, headers=None):
        return ask(self.port, method, path, body, {**self.headers, **(headers or {})})

    def get(self, path):
        return self.ask("GET", path)

    def post(self, *events):
        status, answer = self.ask("POST", "/v1/events", list(events))
        assert status == 202, (status, answer)
        return answer

    def decisions(self, customer):
        """In the order of (time, episode, seq), without what providers made of them; none where
        the customer is not known."""
        status, answer = self.get(f"/v1/customers/{customer}/timeline?max=10000")
        assert status in (200, 404), (status, answer)
        found = answer["decisions"] if status == 200 else []
        found = [one for one in found if "seq" in one]
        return sorted(found, key=lambda one: (one["time"].rstrip("Z"), one["episode"], one["seq"]))

    def outcomes(self, customer):
        return [decision["outcome"] for decision in self.decisions(customer)]

    def metrics(self):
        """Samples by their text, as 'huitou_outbox_depth{channel="sms"}'."""
        samples = {}
        for line in self.get("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples


def order(number, customer, when, total="100.00", items=("cosmetics",), **more):
    """An order.paid event; `when` in seconds."""
    return {"id": f"order-{number}", "type": "order.paid", "time": rfc3339(when),
            "customer": {"id": customer, **more},
            "order": {"id": f"o{number}", "currency": "CNY", "total": total,
                      "items": [{"sku": "s1", "category": category, "quantity": 1, "price": total}
                                for category in items]}}


def review(number, customer, when, rating=5, **more):
    return {"id": f"review-{number}", "type": "review.posted", "time": rfc3339(when),
            "customer": {"id": customer, **more},
            "review": {"id": f"r{number}", "order_id": "o1", "sku": "s1", "rating": rating}}
