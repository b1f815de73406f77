"""One file, one strategy: a pure `decide(view)`."""
