"""A model hub on this machine that answers as the real one does, with a repository for each way of refusing."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves ``folder`` as ``lab/good``, branch ``main``, until its block ends; refuses other names as they suggest."""

    def __init__(self, folder: Path) -> None:
        hub = self
        self.folder = folder
        #: More repositories, by name.
        self.others: dict[str, Path] = {}
        #: The Authorization header of every request, to check what is sent along.
        self.authorizations: list[str | None] = []
        #: (method and path, Range header) of every request for a repository.
        self.requests: list[tuple[str, str | None]] = []
        #: While set, the answer to a file request stops after this many bytes until ``flowing`` is set.
        self.stop_after_bytes: int | None = None
        self.stopped = threading.Event()
        #: If set, the connection is cut once, after this many bytes of the next file that is longer.
        self.cut_after_bytes: int | None = None
        self.flowing = threading.Event()
        #: While set, every answer is "503 Service Unavailable".
        self.is_busy = False
        #: Holds up the answers for ``lab/slow``.
        self.ended = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.answer(self, with_body=False)

            def do_GET(self) -> None:
                hub.answer(self, with_body=True)

            def log_message(self, *_: object) -> None:
                """Logs nothing."""

        self._handler = Handler
        # Bound for as long as the hub lives but never listening: while no server has the port, connections to it are
        # refused, and nobody else gets it.
        self._port = socket.socket()
        self._port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port.bind(("127.0.0.1", 0))
        self._server = self._served()
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def forget(self) -> None:
        """Restores the initial state for the next test, except for ``folder``."""
        self.others.clear()
        self.authorizations.clear()
        self.requests.clear()
        self.stop_after_bytes = self.cut_after_bytes = None
        self.is_busy = False
        self.stopped.clear()
        self.flowing.clear()

    def _served(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(self._port.getsockname(), self._handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.ended.set()
        self.flowing.set()
        self._stop()
        self._port.close()

    def _stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """Nothing listens at the endpoint within the block."""
        self._stop()
        try:
            yield
        finally:
            self._server = self._served()

    def answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        self.authorizations.append(request.headers.get("Authorization"))
        parts = request.path.strip("/").split("?")[0].split("/")
        repo = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        if repo.startswith("lab/"):
            self.requests.append((f"{request.command} {request.path}", request.headers.get("Range")))
        if self.is_busy:
            self._refuse(request, 503, None, None)
            return
        if repo == "lab/slow":
            self.ended.wait(120)
            return
        refusal = {
            "lab/gated": (401, "GatedRepo", "Access to model lab/gated is restricted."),
            "lab/forbidden": (403, "GatedRepo", "Your request to access model lab/forbidden is awaiting a review."),
            "lab/down": (503, None, None),
            "lab/broken": (500, None, None),
        }.get(repo)
        if repo == "lab/portal":
            # What a captive portal answers to everything.
            self._send(request, 200, {"Content-Type": "text/html"}, b"<html>Please log in</html>", with_body)
        elif refusal is not None:
            self._refuse(request, *refusal)
        elif repo != "lab/good" and repo not in self.others:
            self._refuse(request, 401, "RepoNotFound", "Invalid username or password.")
        elif "resolve" in parts:
            self._file(request, self._folder_of(repo), parts[3], "/".join(parts[4:]), with_body)
        elif parts[0] == "api" and parts[4:5] in (["revision"], ["tree"]):
            self._listing(request, self._folder_of(repo), parts[4], parts[5], with_body)
        else:
            self._refuse(request, 404, "EntryNotFound", "Entry not found")

    def _folder_of(self, repo: str) -> Path:
        return self.others.get(repo, self.folder)

    def _listing(
        self, request: BaseHTTPRequestHandler, folder: Path, kind: str, revision: str, with_body: bool
    ) -> None:
        if revision not in ("main", COMMIT):
            self._refuse(request, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        names = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]
        answer: object = [{"type": "file", "path": name, "size": size, "oid": "0" * 40} for name, size in names]
        if kind == "revision":
            siblings = [{"rfilename": name, "size": size} for name, size in names]
            answer = {"id": "lab/good", "sha": COMMIT, "siblings": siblings}
        self._send(request, 200, {"Content-Type": "application/json"}, json.dumps(answer).encode(), with_body)

    def _file(self, request: BaseHTTPRequestHandler, folder: Path, revision: str, name: str, with_body: bool) -> None:
        if revision not in ("main", COMMIT):
            self._refuse(request, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        path = folder / name
        if not path.is_file():
            self._refuse(request, 404, "EntryNotFound", "Entry not found")
            return
        content = path.read_bytes()
        tag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
        begin = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range") or "")
        if begin is None:
            self._send(request, 200, headers, content, with_body)
            return
        first = int(begin.group(1))
        headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        self._send(request, 206, headers, content[first:], with_body)

    def _refuse(self, request: BaseHTTPRequestHandler, status: int, code: str | None, message: str | None) -> None:
        headers = {} if code is None else {"X-Error-Code": code, "X-Error-Message": message or ""}
        self._send(request, status, headers, b"", False)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, with_body: bool
    ) -> None:
        request.send_response(status)
        if "text/html" not in headers.values():
            request.send_header("X-Repo-Commit", COMMIT)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if not with_body:
            return
        if self.cut_after_bytes is not None and len(body) > self.cut_after_bytes:
            request.wfile.write(body[: self.cut_after_bytes])
            self.cut_after_bytes = None
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        at_once = len(body) if self.stop_after_bytes is None else self.stop_after_bytes
        request.wfile.write(body[:at_once])
        if at_once < len(body):
            request.wfile.flush()
            self.stopped.set()
            self.flowing.wait(120)
            # The client that was waiting may be gone.
            with suppress(OSError):
                request.wfile.write(body[at_once:])


def hub_environment(hub: Hub, home: Path) -> dict[str, str]:
    """Environment variables that make a process ask only this hub; its cache is in ``home``."""
    return {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "0"}


@contextmanager
def hub_for_children(published: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that serves ``published`` to the processes that a test starts; their cache in ``home`` is empty."""
    with Hub(published) as served:
        for name, value in hub_environment(served, home).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        yield served
