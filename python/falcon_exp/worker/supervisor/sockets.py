"""The supervisor's two sockets: `work` for requests, `control` so that a stop never queues behind work."""

from __future__ import annotations

from typing import Any, Literal

import zmq

from falcon_exp.worker.supervisor.zmq_keys import CurveKeys
from falcon_exp.worker.wire import PROTOCOL_VERSION, WireError, encode_worker_message

SocketName = Literal["work", "control"]


class Sockets:
    """Connects both sockets and sends enveloped messages with ids of their own.

    Raises ValueError for an endpoint that others can reach if there are no keys: the worker would obey whoever spoke
    first, and what it is asked to do is to load models and to run them.
    """

    def __init__(self, endpoints: dict[SocketName, str], keys: CurveKeys | None = None) -> None:
        for endpoint in endpoints.values():
            if keys is None and not endpoint.startswith("ipc://"):
                raise ValueError(f"{endpoint} can be reached by others, but there are no keys to secure it")
        self._context = zmq.Context()
        self.sockets: dict[SocketName, zmq.Socket[bytes]] = {}
        for name, endpoint in endpoints.items():
            socket = self._context.socket(zmq.DEALER)
            # A controller that is gone must not keep the worker from ending.
            socket.setsockopt(zmq.LINGER, 500)
            # A suspended controller reads nothing: if sending waited for it, its end would go unnoticed.
            socket.setsockopt(zmq.SNDHWM, 0)
            if keys is not None:
                socket.curve_serverkey = keys.server_public_key
                socket.curve_publickey = keys.public_key
                socket.curve_secretkey = keys.secret_key
            socket.connect(endpoint)
            self.sockets[name] = socket
        self._count = 0

    def send(
        self, socket_name: SocketName, kind: str, parent: str | None, body: dict[str, Any], *, is_known: bool = False
    ) -> None:
        """Sends a message. Raises WireError, and sends nothing, if the message breaks the contract.

        ``is_known``: as for ``encode_worker_message``.
        """
        self._count += 1
        message = {"v": PROTOCOL_VERSION, "id": f"w{self._count}", "parent": parent, "type": kind, "body": body}
        self.sockets[socket_name].send(encode_worker_message(message, is_known=is_known))

    def receive(self, socket_name: SocketName) -> bytes | None:
        """The next frame, None if there is none now. Raises WireError on a message of several frames."""
        try:
            frames = self.sockets[socket_name].recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None
        if len(frames) != 1:
            raise WireError(f"expected one frame, got {len(frames)}")
        return frames[0]

    def close(self) -> None:
        """Closes the sockets; goes on sending queued messages for half a second at most."""
        for socket in self.sockets.values():
            socket.close()
        self._context.term()
