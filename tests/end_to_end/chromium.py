"""A headless Chromium, driven by its DevTools protocol over a pipe: only Python's standard library.

    with Chromium(language="zh-CN", width=390) as browser:
        browser.open("http://127.0.0.1:8080/u/token")
        browser.evaluate("document.title")
        browser.click("button")
"""

import contextlib
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE_S = float(os.environ.get("PATIENCE_S", "120"))


def is_there():
    return shutil.which("chromium") is not None


class Chromium:
    """One page. `language` is what it asks servers for; `width` is that of its window."""

    def __init__(self, language="en-US", width=1024, height=800):
        self.profile = tempfile.mkdtemp(prefix="huitou-chromium-")
        self.number = 0
        self.buffer = b""
        self.requests = []  # of the page: their URLs
        self.complaints = []  # of the console: what a policy refused, scripts that failed
        command_out, self.commands = os.pipe()
        self.answers, answers_in = os.pipe()
        # The browser reads commands from 3 and writes answers to 4.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec chromium "$@" 3<&{command_out} 4>&{answers_in}', "sh",
             "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile}", f"--window-size={width},{height}",
             f"--accept-lang={language}", "about:blank"],
            pass_fds=(command_out, answers_in), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(command_out)
        os.close(answers_in)
        self.session = None
        target = next(one for one in self.call("Target.getTargets")["targetInfos"]
                      if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.call("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self, patience_s):
        """The next one of the browser."""
        end = time.monotonic() + patience_s
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"the browser said nothing for {patience_s} s")
            data = os.read(self.answers, 1 << 16)
            if not data:
                raise OSError("the browser ended")
            self.buffer += data
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def take(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])

    def call(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self.message(PATIENCE_S)
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.take(message)

    def follow(self, act):
        """Does what leads to another page, and waits for that."""
        self.evaluate("document.documentElement.dataset.old = 1")
        act()
        end = time.monotonic() + PATIENCE_S
        while not self.has_followed():
            assert time.monotonic() < end, "no page followed"
            time.sleep(0.05)

    def has_followed(self):
        try:
            return self.evaluate("document.readyState == 'complete' && "
                                 "!document.documentElement.dataset.old")
        except AssertionError:
            return False  # between two pages there is none to ask

    def open(self, url):
        self.requests, self.complaints = [], []
        self.follow(lambda: self.call("Page.navigate", url=url))

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def click(self, selector):
        """Where the element stands, by the mouse."""
        place = self.evaluate(f"(() => {{const e = document.querySelector({json.dumps(selector)});"
                              "e.scrollIntoView({block: 'center'});"
                              "const r = e.getBoundingClientRect();"
                              "return [r.x + r.width / 2, r.y + r.height / 2]})()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
                      clickCount=1)

    def submit(self, selector):
        self.follow(lambda: self.click(selector))

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"],
                               "scale": 1})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
