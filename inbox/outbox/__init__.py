"""What is still to be done: jobs committed with their cause, claimed in order per key, leased, put back or dead."""
