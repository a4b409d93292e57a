"""The product: conversations and all that is decided about them."""
