#!/usr/bin/env python3
"""A real SMTP server (aiosmtpd) that keeps what it gets and misbehaves on request.

    smtp_server.py --port 0 --control-port 0      prints "<smtp port> <control port>", then serves
        --tls starttls|smtps --certificates DIR   with a certificate made in DIR (cert.pem)
        --user NAME --password WORD               AUTH required (PLAIN and LOGIN)
        --maildir DIR                             also keep every message as a file

  GET  /received   {"messages": [{"from", "to", "message_id", "subject", "text", "headers": {...},
                    "content_type", "encoding", "raw", "tls", "user"}], "connections": n}
                   `text` is the body as a mail reader decodes it, `html` its HTML version.
  POST /control    {"at": "mail"|"rcpt"|"data", "reply": "450 4.2.0 later", "times": 2}
                   {"at": "data", "drop": true}                   the message is lost, no answer
                   {"at": "data", "drop": true, "after": true}    it is kept, yet no answer
                   {"at": "data", "delay_ms": 500}                slow
                   {"reset": true}
"""

import argparse
import asyncio
import collections
import email
import email.policy
import http.server
import json
import logging
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from aiosmtpd.smtp import SMTP, AuthResult  # noqa: E402

import certificate  # noqa: E402

logging.getLogger("mail.log").setLevel(logging.ERROR)  # it warns of its own deprecated fields


def describe(raw, envelope_from, envelope_to):
    """What a mail reader makes of the bytes, by Python's email package."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [type(defect).__name__ for defect in message.defects]
    for _, header in message.items():
        defects += [type(defect).__name__ for defect in getattr(header, "defects", [])]
    text, html = message.get_body(("plain", "html")), message.get_body(("html",))
    return {"from": envelope_from, "to": envelope_to, "message_id": str(message["message-id"]),
            "subject": str(message["subject"]), "text": text.get_content().replace("\r\n", "\n"),
            "html": html.get_content().replace("\r\n", "\n") if html else "",
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "content_type": message.get_content_type(),
            "encoding": str(message["content-transfer-encoding"]), "defects": defects,
            "raw": raw.decode("utf-8", "replace")}


class Judge:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.forget()

    def forget(self):
        self.messages = []
        self.connections = 0
        self.faults = collections.defaultdict(collections.deque)

    def next_fault(self, place):
        with self.lock:
            queue = self.faults[place]
            if not queue:
                return {}
            fault = queue[0]
            if fault["times"] > 0:
                fault["times"] -= 1
                if fault["times"] == 0:
                    queue.popleft()
            return fault

    async def _fault(self, place, server):
        fault = self.next_fault(place)
        if "delay_ms" in fault:
            await asyncio.sleep(fault["delay_ms"] / 1000)
        if fault.get("drop") and not fault.get("after"):
            server.transport.abort()
        return fault

    async def handle_MAIL(self, server, _session, envelope, address, options):
        fault = await self._fault("mail", server)
        if "reply" in fault:
            return fault["reply"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, _session, envelope, address, _options):
        fault = await self._fault("rcpt", server)
        if "reply" in fault:
            return fault["reply"]
        if address.endswith("@invalid"):
            return "550 5.1.2 no such domain"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        fault = await self._fault("data", server)
        if "reply" in fault or (fault.get("drop") and not fault.get("after")):
            return fault.get("reply", "451 4.3.0 dropped")
        raw = envelope.original_content
        kept = describe(raw, envelope.mail_from, envelope.rcpt_tos)
        kept["tls"] = session.ssl is not None or self.options.tls == "smtps"
        kept["user"] = session.auth_data.decode() if session.auth_data else ""
        with self.lock:
            self.messages.append(kept)
            number = len(self.messages)
        if self.options.maildir:
            os.makedirs(self.options.maildir, exist_ok=True)
            with open(os.path.join(self.options.maildir, f"{number:06d}.eml"), "wb") as file:
                file.write(raw)
        if fault.get("drop"):
            server.transport.abort()
        return f"250 2.0.0 queued as {number}"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        good = (data.login.decode(), data.password.decode()) == (self.options.user,
                                                                 self.options.password)
        return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


class Control(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def write_json(self, value):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response_only(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        judge = self.server.judge
        with judge.lock:
            self.write_json({"messages": judge.messages, "connections": judge.connections})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))
        judge = self.server.judge
        with judge.lock:
            if order.get("reset"):
                judge.forget()
            if "at" in order:
                judge.faults[order["at"]].append({"times": 1, **order})
        self.write_json({})

    def log_message(self, *_args):
        pass


async def serve(options):
    judge = Judge(options)
    context = certificate.server_context(options.certificates) if options.tls else None
    auth = {"authenticator": judge.authenticate, "auth_required": True,
            "auth_require_tls": options.tls == "starttls"} if options.user else {}

    def session():
        judge.connections += 1
        return SMTP(judge, hostname="judge.example.com", enable_SMTPUTF8=True,
                    data_size_limit=50_000_000, timeout=options.timeout_seconds,
                    tls_context=context if options.tls == "starttls" else None,
                    require_starttls=options.tls == "starttls", **auth)

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", options.port, ssl=context if options.tls == "smtps" else None)
    control = http.server.ThreadingHTTPServer(("127.0.0.1", options.control_port), Control)
    control.judge = judge
    control.daemon_threads = True
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print(server.sockets[0].getsockname()[1], control.server_address[1], flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--tls", choices=["starttls", "smtps"])
    parser.add_argument("--certificates", default="/tmp/huitou-judge-certificates")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    parser.add_argument("--maildir")
    parser.add_argument("--timeout-seconds", type=float, default=300)
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
