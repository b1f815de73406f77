"""The executor's way to the venues: signed requests, private streams, their clocks."""
