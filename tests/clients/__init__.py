"""The clients, built and used as their users do."""
