"""An object store that speaks S3, for checks: moto's, behind a door that counts, slows down and fails on demand.

    objects.py HOST BUCKET

It listens on a port that is free and says which: `ready PORT`.

Writing requests go through one at a time, so that "put this only where nothing is" holds between two writers, as it does in S3. `POST /-/faults` with JSON
`{"every": 3, "status": 503, "delay_ms": 50, "lose": 0}` has every third request answered with 503, delays all others, and has the answer of every `lose`th
write lost after it was done; `{"hold": "worker"}` keeps requests of clients whose names begin so waiting until faults are set again, and
`{"deny": "stranger", "status": 403, "code": "InvalidAccessKeyId"}` takes no credentials of such clients. `GET /-/counts` gives for each client how many
requests there were, and how many of them wrote, were refused, slowed and lost, the bytes that it was sent, for how many seconds one of its requests at
least was being delayed, and how many of them at a time at most. A client is told by its access key, which tells processes of one address apart.
"""

import json
import re
import socket
import sys
import threading
import time

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


COUNTED = ("requests", "written", "refused", "slowed", "lost", "bytes", "delayed_seconds", "most_delayed")


class Door:
    """Stands before the application."""

    def __init__(self, application):
        self.application = application
        self.writing = threading.Lock()
        self.counting = threading.Lock()
        # The event is set when there are other faults: who was kept waiting goes on.
        self.faults = ({}, threading.Event())
        self.number = self.written = 0
        self.counts = {}
        # By client: requests that are being delayed, and since when there are any.
        self.delayed = {}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/-/"):
            return self.control(path, environ, start_response)
        name = client(environ)
        faults, released = self.faults
        is_write = environ["REQUEST_METHOD"] in ("PUT", "POST", "DELETE")
        with self.counting:
            self.number += 1
            self.written += is_write
            number, written = self.number, self.written
            of = self.counts.setdefault(name, dict.fromkeys(COUNTED, 0))
            of["requests"] += 1
            of["written"] += is_write
            of["slowed"] += bool(faults.get("delay_ms"))
        if faults.get("hold") and name.startswith(faults["hold"]):
            released.wait()
        if faults.get("deny") and name.startswith(faults["deny"]):
            return self.refused(of, environ, start_response, faults)
        if faults.get("delay_ms"):
            self.delays(name, of, 1)
            time.sleep(faults["delay_ms"] / 1000)
            self.delays(name, of, -1)
        if faults.get("every") and number % faults["every"] == 0:
            return self.refused(of, environ, start_response, faults)
        if not is_write:
            return self.counted(of, self.application(environ, start_response))
        with self.writing:
            answer = list(self.application(environ, start_response if not self.loses(faults, written) else quiet))
        if self.loses(faults, written):
            with self.counting:
                of["lost"] += 1
            return self.refuse(start_response, 500)
        return answer

    def refused(self, of, environ, start_response, faults):
        with self.counting:
            of["refused"] += 1
        # What was sent has to be read, or the connection cannot be used again.
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return self.refuse(start_response, faults.get("status", 503), faults.get("code", "SlowDown"))

    def delays(self, name, of, more):
        with self.counting:
            count, since = self.delayed.get(name, (0, 0))
            now = time.monotonic()
            if count + more == 0:
                of["delayed_seconds"] += now - since
            of["most_delayed"] = max(of["most_delayed"], count + more)
            self.delayed[name] = (count + more, since if count else now)

    @staticmethod
    def loses(faults, written):
        return bool(faults.get("lose")) and written % faults["lose"] == 0

    def counted(self, of, answer):
        for part in answer:
            with self.counting:
                of["bytes"] += len(part)
            yield part

    @staticmethod
    def refuse(start_response, status, code="SlowDown"):
        text = f"<Error><Code>{code}</Code><Message>as the check asked for</Message></Error>".encode()
        start_response(f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
        return [text]

    def control(self, path, environ, start_response):
        if environ["REQUEST_METHOD"] == "POST":
            faults = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            _, released = self.faults
            self.faults = (faults, threading.Event())
            released.set()
        with self.counting:
            text = json.dumps(self.counts).encode()
            if path == "/-/reset":
                self.counts.clear()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]


def client(environ):
    """The access key that a request is signed with; empty where it is not signed."""
    signed = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return signed[1] if signed else ""


def quiet(status, headers, exc_info=None):
    return lambda data: None


def main(host, bucket):
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.log_request = lambda *_, **__: None
    door = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server(host, 0, door, threaded=True)
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    store = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}", region_name="us-east-1",
                         aws_access_key_id="setup", aws_secret_access_key="setup")
    store.create_bucket(Bucket=bucket)
    print(f"ready {server.server_port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
