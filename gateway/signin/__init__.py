"""How agents sign in: by password or an identity provider, into a browser session held by a cookie."""
