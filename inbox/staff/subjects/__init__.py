"""Who agents are at identity providers (OpenID Connect)."""
