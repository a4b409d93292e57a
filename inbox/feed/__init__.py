"""The event log: one envelope, under a cursor that follows the commits; stream, webhooks and audit read it."""
