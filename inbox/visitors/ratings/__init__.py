"""What visitors say of how they were helped."""
