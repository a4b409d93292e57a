"""One consistent set of everything: the database in one snapshot, the files it names, and what waits in the spool.

A backup is a directory, or the same in a tar file:

    manifest.json          what it is made of, by which release, and the ids of the keys that open its secrets
    manifest.json.sha256   the manifest's own checksum, as `sha256sum -c` reads it
    database.dump          pg_dump, custom format
    attachments.jsonl      a line a file: its key, SHA-256 and size
    attachments/KEY        the files
    spool/NAME.spool       requests that were acknowledged while the database was away, sealed

It holds what customers wrote, and no key.
"""
