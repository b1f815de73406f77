"""Faust agents, `md.*` to `signal.*` and `order.intent`: thin shells around pure objects, the one user of faust."""
