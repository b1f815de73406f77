"""uvicorn's side of a WebSocket with two differences: a close waits for no room to write, and nothing lingers after it.

Stock uvicorn waits for room in the send buffer before it writes a close, so a client that does not read could never be
closed; and it lets the system wait for such a client for ever.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.seat import GOING_AWAY

LINGER_S: Final = 2.0
"""A closed client has this long to read what was sent and to answer, then its connection is cut."""


class LiveSocket(WebSocketsSansIOProtocol):
    """A connection that ends when it is ended."""

    async def send(self, message: Any) -> None:  # noqa: ANN401 - an ASGI message
        """Send; a close goes behind what is buffered and waits for nobody."""
        if message["type"] == "websocket.close":
            self.writable.set()
            self._cut_later()
        await super().send(message)

    def shutdown(self) -> None:
        """End with the server: a client that nobody has closed goes with 1001 as well."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.conn.send_close(GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """Give up a client that answers no ping."""
        super().keepalive_timeout()
        self._cut_later()

    def _cut_later(self) -> None:
        self.loop.call_later(LINGER_S, self.transport.abort)
