"""The providers of tests/judges/provider_server.py under faults that a seed decides.

    with FaultServer(seed=7, sends=40) as server:
        server.port, server.taken("/webhook"), server.release()

The n-th request on a path meets the same fault whenever the seed is the same, however the requests
of the paths fall between each other. What a path does:

  paths of providers, /webhook, /keyed    begin with a burst of 503; then as the seed says, of every
                                          kind in FAULTS, for as many requests as there are sends;
                                          then now and then busy, and well in the end
  /healthy    never a fault
  /stuck      no answer until `release`
  /huge       each answer has 10 MB
  /moved      each answer leads elsewhere
"""

import os
import random
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "judges"))
import certificate  # noqa: E402
import provider_server  # noqa: E402

TWILIO = provider_server.TWILIO_MESSAGES
WECHAT = "/cgi-bin/message/template/send"
FAULTY = ("/webhook", "/keyed", "/", TWILIO, WECHAT)

# Answers overtake each other: with eight sends in flight the five failures in a row that open a
# circuit come for certain only where no success is among the first twelve.
BURST = [{"fault": "status", "status": 503}] * 12
# What may come of one request; the number is its weight. `after`: the message is out all the same.
FAULTS = [
    (60, None),
    (4, {"fault": "slow", "delay_ms": 200}),
    (2, {"fault": "trickle", "delay_ms": 2}),
    (3, {"fault": "hang"}),
    (3, {"fault": "hang", "after": True}),
    (3, {"fault": "reset"}),
    (3, {"fault": "reset", "after": True}),
    (2, {"fault": "close"}),
    (3, {"fault": "cut", "after": True}),
    (3, {"fault": "garbage", "after": True}),
    (2, {"fault": "empty", "after": True}),
    (2, {"fault": "huge", "after": True}),
    (3, {"fault": "status", "status": 500, "body": "{\"errcode\": -1"}),
    (3, {"fault": "status", "status": 502, "after": True}),
    (4, {"fault": "status", "status": 429, "headers": {"retry-after": "1"}}),
    (4, {"fault": "status", "status": 429}),
    (4, {"fault": "echo", "status": 400}),
    (2, {"fault": "echo", "status": 500}),
]
BUSY = [(9, None), (1, {"fault": "status", "status": 503, "headers": {"retry-after": "1"}})]
ALWAYS = {"/huge": {"fault": "huge", "after": True}, "/moved": {"fault": "redirect"},
          "/stuck": {"fault": "stuck"}}


class State(provider_server.State):
    def __init__(self, options, seed, sends):
        super().__init__(options)
        self.seed = seed
        self.sends = sends
        self.asked = {}
        self.released = threading.Event()

    def next_fault(self, path):
        with self.lock:
            number = self.asked.get(path, 0)
            self.asked[path] = number + 1
        if path not in FAULTY:
            return ALWAYS.get(path)
        if number < len(BURST):
            return BURST[number]
        if number >= 2 * self.sends:
            return None
        weights, faults = zip(*(FAULTS if number < self.sends else BUSY))
        draw = random.Random(f"{self.seed} {path} {number}")
        return draw.choices(faults, weights)[0]


class Handler(provider_server.Handler):
    def webhook(self, url, headers, body):
        answer = super().webhook(url, headers, body)
        if answer[0] == 204:
            self.server.state.messages[-1]["path"] = url.path
        return answer

    PROVIDERS = {**provider_server.Handler.PROVIDERS,
                 **dict.fromkeys(("/webhook", "/keyed", "/healthy", "/stuck", "/huge", "/moved"),
                                 webhook)}

    def misbehave(self, fault, answer):
        if fault["fault"] != "stuck":
            return super().misbehave(fault, answer)
        self.server.state.released.wait()
        return answer()


class FaultServer:
    """On a free port; with `tls` under a certificate that nobody vouches for."""

    PROVIDER_OF = {"/": "aliyun", TWILIO: "twilio", WECHAT: "wechat_template"}

    def __init__(self, seed=0, sends=0, tls=False):
        options = provider_server.options_of([])
        self.server = provider_server.Server(("127.0.0.1", 0), Handler)
        self.server.state = self.state = State(options, seed, sends)
        self.port = self.server.server_address[1]
        if tls:
            with tempfile.TemporaryDirectory() as folder:
                context = certificate.server_context(folder)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release()
        self.server.shutdown()
        self.server.server_close()

    def release(self):
        self.state.released.set()

    def taken(self, path):
        """The messages that customers got by this path: the ledger, outside of the daemon."""
        provider = self.PROVIDER_OF.get(path, "webhook")
        with self.state.lock:
            return [dict(message) for message in self.state.messages
                    if message["provider"] == provider and message.get("path", path) == path]

    def requests(self, path):
        with self.state.lock:
            return self.state.requests[path]

    def redirects_followed(self):
        with self.state.lock:
            return self.state.redirects_followed

    def let_tokens_die(self, sends):
        """Each token is refused after so many sends."""
        with self.state.lock:
            self.state.sends_per_token = sends
