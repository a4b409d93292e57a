"""`switchboard demo`: a gateway with simulated phones, people who write, agents who answer, and a check at the end."""
