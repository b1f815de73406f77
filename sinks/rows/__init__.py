"""Records as columns: one module a table, and the catalogue of all of them."""
