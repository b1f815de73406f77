"""An exchange as data and pure functions; one venue never imports another."""
