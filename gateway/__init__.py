"""Topics to people over REST, WebSocket and the web page: a slow client is dropped alone."""
