"""Mail: one reader and one composer for all who carry it."""
