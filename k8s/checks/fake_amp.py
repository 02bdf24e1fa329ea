"""A stand-in for Amazon Managed Prometheus: takes remote write if its signature is right.

Owns the secret that both sides know. The signature is computed again over the headers that the client says it
signed; a request without one, or with another, is refused as AWS refuses it.
"""

import http.server
import re
import threading

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1"
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/(\w+)/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})")


def verified(method, url, headers, body):
    """Whether the request is signed with our secret, for AMP; else why not."""
    headers = {name.lower(): value for name, value in headers.items()}
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        return "MissingAuthenticationToken"
    key, _, region, service, signed, signature = found.groups()
    if (key, region, service) != (KEY, REGION, "aps"):
        return f"wrong scope: {key} {region} {service}"
    names = signed.split(";")
    if not {"host", "x-amz-date"} <= set(names):
        return f"not all is signed: {signed}"
    request = AWSRequest(method, url, data=body, headers={name: headers[name] for name in names})
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(KEY, SECRET), service, region)
    canonical = signer.canonical_request(request)
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    return None if expected == signature else "SignatureDoesNotMatch"


class Handler(http.server.BaseHTTPRequestHandler):
    """POST /workspaces/ID/api/v1/remote_write."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = verified("POST", f"http://{self.headers['Host']}{self.path}", self.headers, body)
        if fault is None and not re.fullmatch(r"/workspaces/ws-[\w-]+/api/v1/remote_write", self.path):
            fault = f"no such path: {self.path}"
        self.server.calls.append((fault, self.headers.get("Content-Encoding"), self.headers.get("X-Prometheus-Remote-Write-Version"), body))
        self.send_response(403 if fault else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def serve():
    """Starts it on a free port; `calls` is what came."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.calls = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def unpacked(body):
    """Snappy's block format, as far as literals and copies go: enough to read names of metrics."""
    size, shift, place = 0, 0, 0
    while True:
        byte = body[place]
        size |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    out = bytearray()
    while place < len(body):
        tag = body[place]
        place += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(body[place : place + extra], "little")
                place += extra
            out += body[place : place + length + 1]
            place += length + 1
            continue
        if kind == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | body[place]
            place += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(body[place : place + width], "little")
            place += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size, "a body that is not snappy"
    return bytes(out)
