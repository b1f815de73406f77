"""`tapeline demo`: the whole pipeline on simulated venues, shown live, broken on purpose, and audited at its end."""
