"""The history of the tables: one reversible file a change, in `versions/`, run by Piccolo."""
