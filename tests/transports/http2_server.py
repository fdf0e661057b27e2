#!/usr/bin/env python3
"""An HTTP/2 server on free ports of 127.0.0.1 that does what a request's path says.

http2_server.py CERTIFICATE KEY [--streams N] [--leave-every N] [--leave-first] [--no-settings]
                [--garbage]

Prints two ports: that of HTTP/2 over TLS, and that of its counters (plain HTTP, one word each: see
Counters.tell). The paths are the methods of Connection that begin with do_; what follows the second
slash is their argument. "Processed" are the requests that it acted upon.
"""
import argparse
import asyncio
import collections
import json
import ssl

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame

GARBAGE = b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"\xff" * 64
HUGE = 10_000_000


def goaway(last):
    """By hand: h2 would take no more frames behind its own."""
    return hyperframe.frame.GoAwayFrame(0, last_stream_id=last).serialize()


class Counters:
    def __init__(self):
        self.connections = 0
        self.open = 0
        self.all_closed = asyncio.Event()
        self.all_closed.set()
        self.requests = collections.Counter()  # by path: all that came
        self.processed = collections.Counter()  # by path
        self.resets = collections.Counter()  # by code: the client's
        self.errors = []  # what the client did against the protocol, or this server against itself

    async def tell(self, what):
        name, _, path = what.partition("/")
        if name == "connections":
            return str(self.connections)
        if name in ("requests", "processed"):
            counted = getattr(self, name)
            return str(counted["/" + path] if path else sum(counted.values()))
        if name == "repeated":
            return str(sum(1 for times in self.processed.values() if times > 1))
        if name == "resets":
            return " ".join(f"{code}:{times}" for code, times in sorted(self.resets.items()))
        if name == "errors":  # behind all that the client has to say
            await self.all_closed.wait()
            return "; ".join(self.errors) or "none"
        return f"there is no counter {name}"

    async def serve(self, reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        answer = (await self.tell(request.split(b" ")[1].decode()[1:])).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                     % len(answer) + answer)
        writer.close()


class Stream:
    def __init__(self, headers):
        self.headers = dict(headers)
        self.path = self.headers[":path"]
        self.body = b""
        self.acknowledges = not self.path.startswith("/early")


class Connection(asyncio.Protocol):
    waiting = collections.defaultdict(list)  # those that do_gather keeps, of all connections

    def __init__(self, options, counters):
        self.options = options
        self.counters = counters
        self.streams = {}
        self.out = {}  # what is left to send, by stream: body and trailers
        self.pings = {}  # the streams to answer, by what the ping said
        self.processed = 0
        self.last = None  # the last stream that it takes, once it has said so
        self.sent_garbage = False
        self.transport = None
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport):
        self.transport = transport
        self.counters.connections += 1
        self.counters.open += 1
        self.counters.all_closed.clear()
        if self.options.garbage:
            transport.write(GARBAGE)
        if self.options.no_settings or self.options.garbage:
            return
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
            h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.options.streams})
        self.h2.initiate_connection()
        if self.options.leave_first:
            self.last = 0
            transport.write(self.h2.data_to_send() + goaway(0))  # so that they come together
        self.flush()

    def connection_lost(self, error):
        self.counters.open -= 1
        if self.counters.open == 0:
            self.counters.all_closed.set()

    def eof_received(self):
        return False

    def data_received(self, data):
        if self.options.no_settings or self.options.garbage:
            return
        try:
            for event in self.h2.receive_data(data):
                self.on_event(event)
            self.pump()
        except h2.exceptions.ProtocolError as error:
            self.counters.errors.append(repr(error))
            self.transport.close()
        except Exception as error:
            self.counters.errors.append("of the server itself: " + repr(error))
            raise

    def on_event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = Stream(event.headers)
            self.counters.requests[stream.path] += 1
            if not stream.acknowledges:
                self.act(event.stream_id)
        elif isinstance(event, h2.events.DataReceived):
            stream = self.streams.get(event.stream_id)
            if stream is not None:
                stream.body += event.data
            if stream is not None and stream.acknowledges:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif event.flow_controlled_length > 0:
                self.h2.increment_flow_control_window(event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            if event.stream_id in self.streams and self.streams[event.stream_id].acknowledges:
                self.act(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.counters.resets[h2.errors.ErrorCodes(event.error_code).name] += 1
            self.streams.pop(event.stream_id, None)
            self.out.pop(event.stream_id, None)
        elif isinstance(event, h2.events.PingAckReceived):
            self.answer(self.pings.pop(event.ping_data), 200, b"ok")
        elif isinstance(event, h2.events.ConnectionTerminated):
            if event.error_code != h2.errors.ErrorCodes.NO_ERROR and not self.sent_garbage:
                self.counters.errors.append(f"the client left: {event.error_code!r}")

    def act(self, stream_id):
        if self.last is not None and stream_id > self.last:
            return
        stream = self.streams[stream_id]
        _, action, *arguments = stream.path.partition("?")[0].split("/")
        do = getattr(self, "do_" + action.replace("-", "_"))
        if do(stream_id, *arguments) is False:
            return
        self.counters.processed[stream.path] += 1
        self.processed += 1
        if self.options.leave_every and self.processed == self.options.leave_every:
            self.go_away(stream_id)

    # What goes out.

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def pump(self):
        for stream_id, (body, trailers) in list(self.out.items()):
            while True:
                size = max(0, min(self.h2.local_flow_control_window(stream_id),
                                  self.h2.max_outbound_frame_size))
                piece, body = body[:size], body[size:]
                whole = not body
                if piece or whole:
                    self.h2.send_data(stream_id, piece, end_stream=whole and not trailers)
                if whole and trailers:
                    self.h2.send_headers(stream_id, trailers, end_stream=True)
                if whole or size == 0:
                    break
            self.out[stream_id] = (body, trailers)
            if whole:
                del self.out[stream_id]
        self.flush()

    def answer(self, stream_id, status, body, headers=(), trailers=()):
        self.h2.send_headers(stream_id, [(":status", str(status)), *headers])
        self.out[stream_id] = (body, trailers)
        self.pump()

    def reset(self, stream_id, code):
        self.h2.reset_stream(stream_id, h2.errors.ErrorCodes[code])
        del self.streams[stream_id]

    def go_away(self, last):
        self.flush()
        self.last = last
        self.transport.write(goaway(last))

    def has_come(self, stream_id, times):
        """Whether requests of this path have come more often than so."""
        return self.counters.requests[self.streams[stream_id].path] > int(times)

    # What it does with a request. False: it has not acted upon it.

    def do_ok(self, stream_id, *_):
        self.answer(stream_id, 200, b"ok")

    def do_echo(self, stream_id):
        stream = self.streams[stream_id]
        said = {"headers": stream.headers, "body": stream.body.decode()}
        self.answer(stream_id, 200, json.dumps(said, sort_keys=True, ensure_ascii=False).encode())

    def do_status(self, stream_id, status):
        self.answer(stream_id, int(status), b"", [("location", "/ok"), ("retry-after", "7")])

    def do_session(self, stream_id):
        session = self.transport.get_extra_info("ssl_object")
        self.answer(stream_id, 200, b"resumed" if session.session_reused else b"new")

    def do_hang(self, stream_id):
        pass

    def do_gather(self, stream_id, number):
        """Answers when so many are there."""
        waiting = Connection.waiting[number]
        waiting.append((self, stream_id))
        if len(waiting) == int(number):
            for connection, each in Connection.waiting.pop(number):
                connection.answer(each, 200, b"ok")

    def do_refuse(self, stream_id, times="1000000"):
        if self.has_come(stream_id, times):
            return self.do_ok(stream_id)
        self.reset(stream_id, "REFUSED_STREAM")
        return False

    def do_leave(self, stream_id, times="1000000"):
        if self.has_come(stream_id, times):
            return self.do_ok(stream_id)
        self.go_away(stream_id - 2 if stream_id > 2 else 0)
        self.transport.close()
        return False

    def do_goaway_after(self, stream_id):
        """And serves those below."""
        self.answer(stream_id, 200, b"ok")
        self.go_away(stream_id)

    def do_lower(self, stream_id, streams):
        """Takes only so many at a time from now on."""
        self.h2.update_settings(
            {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: int(streams)})
        self.answer(stream_id, 200, b"ok")

    def do_ping(self, stream_id):
        said = stream_id.to_bytes(8, "big")
        self.pings[said] = stream_id
        self.h2.ping(said)

    def do_reset(self, stream_id, code):
        self.reset(stream_id, code)

    def do_break(self, stream_id):
        self.transport.abort()

    def do_close(self, stream_id):
        self.transport.close()

    def do_garbage(self, stream_id):
        self.flush()
        self.sent_garbage = True
        self.transport.write(GARBAGE)

    def do_half(self, stream_id):
        """Half an answer, and no more."""
        self.h2.send_headers(stream_id, [(":status", "200"), ("content-length", "100")])
        self.h2.send_data(stream_id, b"half")
        self.flush()
        self.transport.close()

    def do_short(self, stream_id):
        """Ends before its own length."""
        self.answer(stream_id, 200, b"short", [("content-length", "100")])

    def do_huge(self, stream_id):
        self.answer(stream_id, 200, b"x" * HUGE)

    def do_many_headers(self, stream_id, kilobytes):
        self.answer(stream_id, 200, b"", [(f"x-{i}", "x" * 1000) for i in range(int(kilobytes))])

    def do_early_hints(self, stream_id):
        self.h2.send_headers(stream_id, [(":status", "103"), ("x-early", "1")])
        self.answer(stream_id, 429, b"later", [("retry-after", "30")])

    def do_trailers(self, stream_id):
        self.answer(stream_id, 200, b"ok", [("x-first", "1")], [("x-last", "1")])

    def do_early(self, stream_id):
        """Before the body is whole: its window is never opened again."""
        self.answer(stream_id, 413, b"too large")


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate")
    parser.add_argument("key")
    parser.add_argument("--streams", type=int, default=100, help="at a time on a connection")
    parser.add_argument("--leave-every", type=int, default=0, help="GOAWAY behind so many")
    parser.add_argument("--leave-first", action="store_true", help="GOAWAY at once")
    parser.add_argument("--no-settings", action="store_true", help="says nothing at all")
    parser.add_argument("--garbage", action="store_true", help="says only what is no frame")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["h2"])
    counters = Counters()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(options, counters), "127.0.0.1", 0,
                                      ssl=context, backlog=1024)
    teller = await asyncio.start_server(counters.serve, "127.0.0.1", 0)
    for each in (server, teller):
        print(each.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
