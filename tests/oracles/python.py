"""python.py PORT: says of each request what Python's http.server understood,
one JSON a line.  The server reads heads; bodies are read here."""
import http.client
import http.server
import json
import os
import sys

http.client._MAXHEADERS = 1000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.record
        raise AttributeError(name)

    def record(self):
        body = self.body()
        if body is None:
            self.close_connection = True
            return
        line = json.dumps({
            "method": self.command,
            "target": self.path,
            "host": self.headers.get("host"),
            "fields": self.headers.items(),
            "body": body.hex(),
        })
        os.write(1, line.encode() + b"\n")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self):
        """None when it does not come whole."""
        if self.headers.get("transfer-encoding") is not None:
            return self.chunks()
        size = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(size)
        return body if len(body) == size else None

    def chunks(self):
        body = b""
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                return None
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            piece = self.rfile.read(size)
            if len(piece) < size or self.rfile.readline() == b"":
                return None
            body += piece
        while True:
            line = self.rfile.readline()
            if line in (b"\r\n", b"\n"):
                return body
            if line == b"":
                return None

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])),
                                         Handler)
server.serve_forever()
