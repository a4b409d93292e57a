"""Two contacts become one, and two again: previewed, undone, remembered."""
