"""Fake exchanges on loopback, a second and independent reading of the protocols: it imports no venue."""
