"""Plain HTML pages the gateway writes itself: no script, no build step, readable without a network."""
