"""The running service: it wires, serves and works."""

import os

# Piccolo looks its engine and migrations up by this name; ours lie inside the package.
os.environ.setdefault("PICCOLO_CONF", "gateway.piccolo_conf")
