"""A proxy in front of a real MLflow server that knows no logged models, as MLflow 2 and some hosted servers."""

import http.client
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

MISSING = tuple(
    f"/api/2.0/mlflow/{name}" for name in ("logged-models", "runs/outputs", "experiments/delete-experiment")
)
"""What the paths begin with that came with MLflow 3: logged models, and the removal of an experiment's tag."""

HTML = (404, "text/html", b"<!doctype html><title>404 Not Found</title><h1>Not Found</h1>")
"""The answer of MLflow 2 itself."""

JSON = (404, "application/json", b'{"detail": "Not Found"}')
CODED = (400, "application/json", b'{"error_code": "BAD_REQUEST", "message": "unsupported"}')
METHOD = (405, "text/html", b"<h1>Method Not Allowed</h1>")


@contextmanager
def without_logged_models(address: str, answer: tuple[int, str, bytes]) -> Iterator[str]:
    """The address of a proxy that gives ``answer`` to what is missing, and passes all else on to ``address``."""
    target = urlsplit(address).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path.startswith(MISSING):
                return self._send(*answer)
            connection = http.client.HTTPConnection(target, timeout=60)
            headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection")}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            content = response.read()
            connection.close()
            return self._send(response.status, response.headers.get("Content-Type", "text/plain"), content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
