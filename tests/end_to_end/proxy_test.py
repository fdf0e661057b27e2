#!/usr/bin/env python3
"""The whole daemon where providers are reached only by a proxy: a real one (proxy.py), which wants a
name and a password and alone knows where provider.test is.

    proxy_test.py [build/release/huitou] [unittest arguments]
"""

import contextlib
import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from house import House, binary_of, review, wait_for, JUDGES  # noqa: E402

sys.path.insert(0, JUDGES)
import cache  # noqa: E402

BINARY = None
PROXY = None
CONFIG = """
state: {dir: state}
shop: shop.yaml
campaigns: [campaigns]
templates: templates
sources: [{http: {name: api}}]
channels:
  hook: {provider: webhook, url: "SCHEME://provider.test:PORT/webhook", secret: env:WEBHOOK}
http: {listen: "127.0.0.1:{port}"}
"""
CAMPAIGN = """
campaign: thanks
trigger: {event: review.posted}
reentry: {key: event.review.id}
steps:
  - {id: message, send: {template: thanks, via: [hook]}}
"""
USER, PASSWORD = "shop", "p@ss w+rd"
IN_URL = "shop:p%40ss%20w+rd"


class Provider(http.server.ThreadingHTTPServer):
    """Takes webhooks on 127.0.0.1 and remembers their headers; https with `context`."""

    daemon_threads = True

    def __init__(self, context=None):
        self.messages = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.server.messages.append(dict(self.headers))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def text_of(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


@contextlib.contextmanager
def real_proxy(folder):
    """Yields its port and the file it writes a line into for each request."""
    port_file, log = os.path.join(folder, "port"), os.path.join(folder, "proxy.log")
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", "--port-file",
         port_file, "--num-acceptors", "1", "--num-workers", "1", "--log-file", log, "--data-dir",
         folder, "--basic-auth", f"{USER}:{PASSWORD}", "--plugins", "proxy_names.Names"],
        env={**os.environ, "PYTHONPATH": PROXY + os.pathsep + HERE})
    try:
        yield int(wait_for("the proxy", lambda: text_of(port_file).strip())), log
    finally:
        process.terminate()
        process.wait()


class ThroughAProxy(unittest.TestCase):
    def setUp(self):
        self.enter = contextlib.ExitStack()
        self.addCleanup(self.enter.close)
        self.folder = self.enter.enter_context(tempfile.TemporaryDirectory())
        certificate, key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=provider.test", "-addext", "subjectAltName=DNS:provider.test", "-keyout",
                        key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.environment = {"WEBHOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                            "SSL_CERT_FILE": certificate}
        self.secure = self.enter.enter_context(Provider(context))
        self.plain = self.enter.enter_context(Provider())
        self.proxy, self.proxy_log = self.enter.enter_context(real_proxy(self.folder))

    def house(self, provider, **environment):
        config = CONFIG.replace("SCHEME", "https" if provider is self.secure else "http") \
            .replace("PORT", str(provider.server_port))
        return self.enter.enter_context(
            House(BINARY, config, {"thanks": CAMPAIGN}, {"thanks": "谢谢"},
                  env={**self.environment, **environment}))

    def url(self, user=IN_URL + "@"):
        return f"http://{user}127.0.0.1:{self.proxy}"

    def test_an_https_provider_is_reached_by_a_tunnel(self):
        house = self.house(self.secure, HTTPS_PROXY=self.url())
        house.start()
        house.post(review(1, "c1", time.time()), review(2, "c2", time.time()))
        wait_for("both messages", lambda: len(self.secure.messages) == 2)
        house.stop()  # the proxy writes its line when the tunnel ends
        line = f"CONNECT provider.test:{self.secure.server_port}"
        wait_for("the proxy's line", lambda: line in text_of(self.proxy_log))

    def test_an_http_provider_gets_what_the_proxy_carries_on(self):
        house = self.house(self.plain, http_proxy=self.url())
        house.start()
        house.post(review(1, "c1", time.time()))
        wait_for("the message", lambda: len(self.plain.messages) == 1)
        headers = {name.lower(): value for name, value in self.plain.messages[0].items()}
        self.assertIn("proxy.py", headers["via"])
        self.assertNotIn("proxy-authorization", headers)
        self.assertEqual(headers["host"], f"provider.test:{self.plain.server_port}")

    def test_a_proxy_that_refuses_is_named_and_its_password_is_not(self):
        for provider, name, expected in (
                (self.secure, "https_proxy", "the proxy refused the connection with 407"),
                (self.plain, "http_proxy", "the proxy refused the request with 407")):
            house = self.house(provider, **{name: self.url("shop:geheim@")})
            house.start()
            house.post(review(1, "c1", time.time()))
            wait_for("the refusal", lambda: expected in house.log())
            self.assertNotIn("geheim", house.log())
            self.assertEqual(provider.messages, [])

    def test_who_is_excepted_is_not_reached_by_it(self):
        house = self.house(self.secure, https_proxy=self.url(), no_proxy="example.com,.test")
        house.start()
        house.post(review(1, "c1", time.time()))
        wait_for("the failure", lambda: "no such host" in house.log())
        self.assertNotIn("CONNECT", text_of(self.proxy_log))

    def test_a_variable_that_is_no_proxy_ends_the_start(self):
        house = self.house(self.secure, https_proxy="socks5://shop:geheim@proxy.lan:1080")
        house.spawn()
        self.assertEqual(house.process.wait(60), 3)
        self.assertIn("the environment variable https_proxy is not http://HOST:PORT", house.log())
        self.assertNotIn("geheim", house.log())


if __name__ == "__main__":
    BINARY = binary_of(sys.argv)
    PROXY = cache.of_python("proxy", os.path.join(JUDGES, "proxy.txt"), "a proxy")
    unittest.main(verbosity=2)
