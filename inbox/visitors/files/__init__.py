"""Files of visitors: whose they are before a message carries them, and which of ours they may open."""
