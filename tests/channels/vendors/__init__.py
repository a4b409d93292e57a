"""What a vendor's media share."""
