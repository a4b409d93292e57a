"""Mail in the timeline: which conversation a mail belongs to, and what goes out as mail (decision 0027)."""
