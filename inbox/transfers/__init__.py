"""Moving data in and out: imports and exports, chunk by chunk, each of which may be the last before a crash."""
