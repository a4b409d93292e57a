"""Who takes part in a conversation besides its contact (decision 0027)."""
