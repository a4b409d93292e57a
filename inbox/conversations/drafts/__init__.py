"""What is being written and has not been sent: shared, kept version by version, approved by whoever may send."""
