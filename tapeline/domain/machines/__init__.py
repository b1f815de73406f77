"""State machines as literal tables, from which the diagrams in docs are made."""
