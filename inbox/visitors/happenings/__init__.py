"""What happens in the inbox and is to reach visitors who are not there, read from the feed."""
