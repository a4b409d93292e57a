"""The `switchboard` command: one file a command group, each loaded when it is used (docs/reference/commands.md)."""
