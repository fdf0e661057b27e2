#!/usr/bin/env python3
"""All HTTP providers in one local server that verifies for real and misbehaves on request.

    provider_server.py --port 0          prints its port on the first line, then serves

  POST /?...                                Alibaba Cloud SendSms, SendBatchSms, QuerySendDetails
                                            (V3 signature, nonces, date)
  POST /                                    Tencent Cloud SendSms, PullSmsSendStatus (TC3 signature)
  POST /2010-04-01/Accounts/AC.../Messages.json    Twilio, of the account below; GET lists
  POST /webhook                             Standard Webhooks
  POST /cgi-bin/stable_token                WeChat's access token
  POST /cgi-bin/message/template/send       WeChat template message
  POST /cgi-bin/message/subscribe/bizsend   WeChat subscription message
  POST /coupons                             the shop's coupon API, idempotent by key

  GET  /received   {"messages": [...], "refused": [...], "coupons": {key: code}, "requests": {path: n},
                    "open": n, "open_max": n, "redirects_followed": n}
                   `messages` has one entry per message a customer would get, in order.
  POST /control    {"path": "/webhook", "fault": "hang", "times": 2}    see FAULTS; times < 0: always
                   {"expire_tokens": true}      every token given out so far is dead
                   {"sends_per_token": 3}       a token dies after so many sends
                   {"reset": true}              forget faults and messages
                   {"receipts": {...}}          see receipts.py
                   {"fates": {"aliyun": 3, "tencent": "SUCCESS"}}    what who asks is told of messages
"""

import argparse
import base64
import collections
import datetime
import email.utils
import http.server
import json
import os
import secrets
import select
import socket
import struct
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import receipts  # noqa: E402
import verify  # noqa: E402

FAULTS = """
  hang       no answer until the caller goes away (or `delay_ms`)
  reset      the connection is reset without an answer
  close      the connection is closed without an answer
  slow       the right answer, after `delay_ms`
  trickle    the right answer, a byte every `delay_ms`
  status     `status` with `headers` and `body`
  garbage    200 and bytes that are no answer
  empty      200 and nothing
  huge       200 and 10 MB
  redirect   302 to /elsewhere
  cut        half of an answer, then the end
  echo       `status` and, as the body, the request itself: its headers with all secrets, its text
With "after": true the request is taken first, so that the message is out though the answer is lost.
"""


TWILIO_ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TWILIO_MESSAGES = f"/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json"


class State:
    """All that the server knows; one lock for it."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.forget()

    def forget(self):
        self.faults = collections.defaultdict(collections.deque)
        self.messages = []
        self.refused = []
        self.requests = collections.Counter()
        self.nonces = set()
        self.coupons = {}
        self.coupon_bodies = {}
        self.tokens = {}  # value -> sends left
        self.sends_per_token = -1
        self.client_messages = {}
        self.fates = {}
        self.pulled = 0  # of the messages, how many statuses were given
        self.open = 0
        self.open_max = 0
        self.redirects_followed = 0

    def next_fault(self, path):
        with self.lock:
            queue = self.faults[path]
            if not queue:
                return None
            fault = queue[0]
            if fault["times"] > 0:
                fault["times"] -= 1
                if fault["times"] == 0:
                    queue.popleft()
            return fault

    def take(self, message):
        message["time"] = time.time()
        self.messages.append(message)
        if self.options.ledger:
            with open(self.options.ledger, "a", encoding="utf-8") as ledger:
                ledger.write(json.dumps(message, ensure_ascii=False) + "\n")

    def report(self):
        return {"messages": self.messages, "refused": self.refused, "coupons": self.coupons,
                "requests": self.requests, "open": self.open, "open_max": self.open_max,
                "redirects_followed": self.redirects_followed}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    # --- the providers: each returns status and body --------------------------------------------

    def aliyun(self, url, headers, body):
        if "x-tc-action" in headers:
            return self.tencent(headers, body)
        options, state = self.server.state.options, self.server.state
        try:
            keys = {options.access_key_id: options.access_key_secret}
            parameters = verify.acs3("POST", url.path, url.query, headers, body, keys, time.time(),
                                     state.nonces)
            names = options.sign_names.split(",")
            if headers.get("x-acs-action") == "QuerySendDetails":
                return self.aliyun_details(parameters)
            if headers.get("x-acs-action") == "SendBatchSms":
                messages = verify.send_batch_sms(headers, parameters, body, names)
            else:
                messages = [verify.send_sms(headers, parameters, names)]
        except verify.Refused as refused:
            self.refuse("aliyun", refused)
            return refused.status, {"Code": refused.code, "Message": refused.why,
                                    "RequestId": secrets.token_hex(8)}
        receipt_id = str(9_000_000_000_000_000_000 + len(state.messages))  # one for all of a batch
        for message in messages:
            state.take({**message, "receipt_id": receipt_id})
        return 200, {"Code": "OK", "Message": "OK", "BizId": receipt_id,
                     "RequestId": secrets.token_hex(8)}

    def aliyun_details(self, asked):
        state = self.server.state
        details = [{"OutId": message["id"], "PhoneNum": asked["PhoneNumber"],
                    "SendStatus": state.fates.get("aliyun", 1), "ErrCode": "MK:0001"}
                   for message in state.messages if message["provider"] == "aliyun"
                   and message["address"] == "86" + asked["PhoneNumber"]]
        return 200, {"Code": "OK", "Message": "OK", "RequestId": secrets.token_hex(8),
                     "TotalCount": len(details), "SmsSendDetailDTOs": {"SmsSendDetailDTO": details}}

    def tencent_statuses(self, headers):
        """What became of messages, each once; replies: none."""
        state = self.server.state
        answer = {"RequestId": secrets.token_hex(8)}
        if headers["x-tc-action"] == "PullSmsReplyStatus":
            return 200, {"Response": {**answer, "PullSmsReplyStatusSet": []}}
        new = [message for message in state.messages[state.pulled:]
               if message["provider"] == "tencent" and "tencent" in state.fates]
        state.pulled = len(state.messages) if "tencent" in state.fates else 0
        statuses = [{"SerialNo": message["receipt_id"], "PhoneNumber": message["address"],
                     "ReportStatus": state.fates["tencent"], "Description": "DELIVRD",
                     "UserReceiveTime": int(time.time())} for message in new]
        return 200, {"Response": {**answer, "PullSmsSendStatusSet": statuses}}

    def tencent(self, headers, body):
        options, state = self.server.state.options, self.server.state
        try:
            verify.tc3(headers, body, {options.secret_id: options.secret_key}, time.time())
            if headers.get("x-tc-action", "").startswith("Pull"):
                return self.tencent_statuses(headers)
            messages = verify.send_sms_tencent(headers, body, options.sign_names.split(","))
        except (verify.Refused, ValueError, KeyError) as refused:
            self.refuse("tencent", refused)
            error = {"Code": getattr(refused, "code", "InvalidParameter"), "Message": ""}
            return 200, {"Response": {"Error": error, "RequestId": secrets.token_hex(8)}}
        statuses = []
        for message in messages:
            code, taken = message.pop("code"), f"2019:{len(state.messages)}"
            statuses.append({"SerialNo": taken if code == "Ok" else "", "Fee": 1, "Code": code,
                             "PhoneNumber": message["address"], "SessionContext": message["id"],
                             "Message": "", "IsoCode": "CN"})
            if code == "Ok":
                state.take({**message, "receipt_id": taken})
        statuses.reverse()  # no order is promised
        return 200, {"Response": {"SendStatusSet": statuses, "RequestId": secrets.token_hex(8)}}

    def twilio(self, _url, headers, body):
        options, state = self.server.state.options, self.server.state
        try:
            message = verify.twilio(headers, body, TWILIO_ACCOUNT, options.auth_token)
        except (verify.Refused, ValueError) as refused:
            self.refuse("twilio", refused)
            status = getattr(refused, "status", 400)
            return status, {"code": getattr(refused, "code", 20001), "message": str(refused),
                            "status": status}
        message["receipt_id"] = f"SM{len(state.messages):032x}"
        state.take(message)
        return 201, {"sid": message["receipt_id"], "status": "queued", "error_code": None,
                     "to": message["address"]}

    def twilio_list(self, url, headers):
        """A number's messages, the newest first."""
        state = self.server.state
        sent = headers.get("authorization", "").removeprefix("Basic ")
        if base64.b64decode(sent).decode() != f"{TWILIO_ACCOUNT}:{state.options.auth_token}":
            return 401, {"code": 20003}
        to = dict(urllib.parse.parse_qsl(url.query))["To"]
        return 200, {"messages": [
            {"sid": message["receipt_id"], "to": to, "body": message["text"],
             "direction": "outbound-api", "status": state.fates.get("twilio", "sent"),
             "error_code": None, "date_created": email.utils.format_datetime(
                 datetime.datetime.fromtimestamp(message["time"], datetime.timezone.utc))}
            for message in reversed(state.messages)
            if message["provider"] == "twilio" and message["address"] == to]}

    def webhook(self, _url, headers, body):
        state = self.server.state
        try:
            message = verify.webhook(headers, body, state.options.webhook_secret, time.time())
        except (verify.Refused, ValueError, KeyError) as refused:
            self.refuse("webhook", refused)
            return getattr(refused, "status", 422), {}
        state.take(message)
        return 204, None

    def wechat_token(self, _url, _headers, body):
        state, options = self.server.state, self.server.state.options
        asked = json.loads(body)
        if (asked.get("grant_type"), asked.get("appid")) != ("client_credential", options.app_id):
            return 200, {"errcode": 40013, "errmsg": "invalid appid"}
        if asked.get("secret") != options.app_secret:
            return 200, {"errcode": 40125, "errmsg": "invalid appsecret"}
        alive = [value for value, left in state.tokens.items() if left != 0]
        token = alive[-1] if alive else secrets.token_hex(64)
        state.tokens.setdefault(token, state.sends_per_token)
        return 200, {"access_token": token, "expires_in": options.token_seconds}

    def wechat_send(self, url, _headers, body):
        state = self.server.state
        token = dict(urllib.parse.parse_qsl(url.query)).get("access_token", "")
        if state.tokens.get(token, 0) == 0:
            known = token in state.tokens
            return 200, {"errcode": 42001 if known else 40001, "errmsg": "access_token"}
        state.tokens[token] -= 1 if state.tokens[token] > 0 else 0
        try:
            message = verify.template_send(body)
        except verify.Refused as refused:
            self.refuse("wechat_template", refused)
            return 200, {"errcode": refused.code, "errmsg": refused.why}
        key = (message["address"], message["id"])
        if message["id"] and time.time() - state.client_messages.get(key, 0) < 600:
            return 200, {"errcode": 40241, "errmsg": "The message is duplicate in 60 seconds"}
        state.client_messages[key] = time.time()
        message["receipt_id"] = str(200_000_000 + len(state.messages))
        state.take(message)
        return 200, {"errcode": 0, "errmsg": "ok", "msgid": int(message["receipt_id"])}

    def coupon(self, _url, headers, body):
        state = self.server.state
        try:
            key, asked = verify.coupon(headers, body, state.options.coupon_token)
        except (verify.Refused, ValueError) as refused:
            self.refuse("coupons", refused)
            return getattr(refused, "status", 400), {"error": str(refused)}
        if key in state.coupons:
            same = state.coupon_bodies[key] == asked
            return (409, {"code": state.coupons[key]}) if same else (422, {"error": "other body"})
        state.coupons[key] = f"SHOP-{len(state.coupons) + 1:06d}"
        state.coupon_bodies[key] = asked
        return 201, {"code": state.coupons[key]}

    PROVIDERS = {"/": aliyun, TWILIO_MESSAGES: twilio,
                 "/webhook": webhook, "/cgi-bin/stable_token": wechat_token,
                 "/cgi-bin/message/template/send": wechat_send,
                 "/cgi-bin/message/subscribe/bizsend": wechat_send, "/coupons": coupon}

    def refuse(self, provider, refused):
        self.server.state.refused.append({"provider": provider, "why": str(refused)})

    # --- faults ----------------------------------------------------------------------------------

    def misbehave(self, fault, answer):
        """Returns the answer to give after all, or None when nothing more is to be said."""
        kind = fault["fault"]
        delay_s = fault.get("delay_ms", 0) / 1000
        if kind == "slow":
            self.wait(delay_s)
            return answer()
        if kind == "hang":
            self.wait(delay_s or 3600)
            self.end_connection(reset=False)
        elif kind in ("reset", "close"):
            self.end_connection(reset=kind == "reset")
        elif kind == "trickle":
            status, body = answer()
            self.trickle(status, b"" if body is None else json.dumps(body).encode(), delay_s)
        elif kind == "cut":
            self.write_head(200, {"content-type": "application/json"}, 1000)
            self.wfile.write(b'{"code":"')
            self.end_connection(reset=False)
        else:
            status, headers, body = {
                "status": (fault.get("status", 500), fault.get("headers", {}),
                           fault.get("body", "").encode()),
                "garbage": (200, {"content-type": "application/json"}, b"\x00\xff{]<html>" * 7),
                "empty": (200, {}, b""),
                "huge": (200, {"content-type": "application/json"}, b"[" * 10_000_000),
                "redirect": (302, {"location": "/elsewhere"}, b""),
                "echo": (fault.get("status", 400), {"content-type": "text/plain"}, self.request_text),
            }[kind]
            self.write(status, headers, body)
        return None

    def wait(self, seconds):
        """Until the time is over or the caller has gone."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            readable, _, _ = select.select([self.connection], [], [], min(0.05, seconds))
            if readable:
                try:
                    if not self.connection.recv(1, socket.MSG_PEEK):
                        return
                    time.sleep(0.05)
                except OSError:
                    return

    def end_connection(self, reset):
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
        self.close_connection = True
        try:
            self.wfile.flush()
            if not reset:
                self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
        except OSError:
            pass

    def trickle(self, status, body, delay_s):
        self.write_head(status, {"content-type": "application/json"}, len(body))
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(delay_s)

    # --- HTTP ------------------------------------------------------------------------------------

    def write_head(self, status, headers, length):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(length))
        self.end_headers()

    def write(self, status, headers, body):
        try:
            self.write_head(status, headers, len(body))
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def write_json(self, status, value):
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        self.write(status, {"content-type": "application/json"} if body else {}, body)

    def do_GET(self):
        state = self.server.state
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/received":
            with state.lock:
                report = json.loads(json.dumps(state.report()))
            self.write_json(200, report)
            return
        if url.path == TWILIO_MESSAGES:
            with state.lock:
                answer = self.twilio_list(url, self.headers)
            self.write_json(*answer)
            return
        if url.path == "/elsewhere":
            with state.lock:
                state.redirects_followed += 1
        self.write_json(404, {"error": "not found"})

    def do_POST(self):
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/control":
            self.control(json.loads(body))
            return
        provider = self.PROVIDERS.get(url.path)
        if provider is None:
            if url.path == "/elsewhere":
                state.redirects_followed += 1
            self.write_json(404, {"error": "not found"})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.request_text = f"{self.path}\n{self.headers}\n".encode() + body
        with state.lock:
            state.requests[url.path] += 1
            state.open += 1
            state.open_max = max(state.open_max, state.open)
        try:
            self.serve(lambda: provider(self, url, headers, body), state.next_fault(url.path))
        finally:
            with state.lock:
                state.open -= 1

    def serve(self, provider, fault):
        def answer():
            with self.server.state.lock:
                return provider()

        if fault is None:
            given = answer()
        elif fault.get("after"):
            taken = answer()
            given = self.misbehave(fault, lambda: taken)
        else:
            given = self.misbehave(fault, answer)
        if given is not None:
            self.write_json(*given)

    def control(self, order):
        state = self.server.state
        with state.lock:
            if order.get("reset"):
                state.forget()
            if order.get("expire_tokens"):
                state.tokens = {token: 0 for token in state.tokens}
            state.fates.update(order.get("fates", {}))
            if "sends_per_token" in order:
                state.sends_per_token = order["sends_per_token"]
            if "fault" in order:
                state.faults[order["path"]].append({"times": 1, **order})
            messages = list(state.messages)
        answer = {}
        if "receipts" in order:
            answer["pushed"] = receipts.push(messages, order["receipts"])
        self.write_json(200, answer)

    def log_message(self, *_args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (OSError, ValueError)):  # a caller that went away is no news
            super().handle_error(request, client_address)


def options_of(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__ + FAULTS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--access-key-id", default="judge-key-id")
    parser.add_argument("--access-key-secret", default="judge-key-secret")
    parser.add_argument("--secret-id", default="judge-secret-id")
    parser.add_argument("--secret-key", default="judge-secret-key")
    parser.add_argument("--auth-token", default="judge-auth-token")
    parser.add_argument("--sign-names", default="回头小店,阿里云")
    parser.add_argument("--webhook-secret", default="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    parser.add_argument("--app-id", default="wx5823bf96d3bd56c7")
    parser.add_argument("--app-secret", default="judge-app-secret")
    parser.add_argument("--token-seconds", type=int, default=7200)
    parser.add_argument("--coupon-token", default="judge-coupon-token")
    parser.add_argument("--ledger", help="append every message taken, as JSON lines")
    parser.add_argument("--tls", metavar="DIR", help="serve HTTPS with a certificate made in DIR")
    return parser.parse_args(arguments)


def main():
    options = options_of()
    server = Server(("127.0.0.1", options.port), Handler)
    server.state = State(options)
    if options.tls:
        import certificate
        server.socket = certificate.server_context(options.tls).wrap_socket(server.socket,
                                                                            server_side=True)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
