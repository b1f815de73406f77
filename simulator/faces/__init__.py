"""The faces of the venues: each speaks one exchange's protocol, read from its documentation alone."""
