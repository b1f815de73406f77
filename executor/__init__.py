"""`order.intent` to the exchange: the only process that may hold keys and sign a request."""
