"""Links that continue a visitor's chat on another device."""
