"""Planning a message, changing or ending the plan, and what becomes of it: it leaves, it fails, or a reply holds it."""
