"""One file per route: what may be asked, by whom, and what is answered."""
