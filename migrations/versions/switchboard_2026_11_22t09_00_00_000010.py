"""People: merges that can be undone, companies, typed attributes, segments, blocked contacts."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000010"
VERSION = "1.38.0"
DESCRIPTION = "People: merges that can be undone, companies, typed attributes, segments, blocked contacts."

UP = """
CREATE TABLE IF NOT EXISTS company (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    attributes  jsonb NOT NULL DEFAULT '{}',
    external    jsonb NOT NULL DEFAULT '{}',
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS company_recent ON company (created_at, id);
CREATE INDEX IF NOT EXISTS company_name ON company (lower(name));
CREATE INDEX IF NOT EXISTS company_attributes ON company USING gin (attributes jsonb_path_ops);
CREATE INDEX IF NOT EXISTS company_external ON company USING gin (external jsonb_path_ops);

-- A mail domain belongs to one company, so that an address suggests one.
CREATE TABLE IF NOT EXISTS company_domain (
    domain      text PRIMARY KEY,
    company_id  uuid NOT NULL REFERENCES company (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS company_domain_company ON company_domain (company_id);

-- Columns without a default are added without touching a row; all of them are null, so nothing has to be validated.
ALTER TABLE contact ADD COLUMN IF NOT EXISTS company_id uuid;
ALTER TABLE contact ADD COLUMN IF NOT EXISTS blocked_at timestamptz;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'contact_company_id_fkey') THEN
        ALTER TABLE contact ADD CONSTRAINT contact_company_id_fkey
            FOREIGN KEY (company_id) REFERENCES company (id) ON DELETE SET NULL NOT VALID;
    END IF;
END $$;

-- What each merge did, so that it can be undone: the contact that went as it was, what the survivor got of it, and
-- which rows moved. A row that is not undone is also where the old id leads to. No foreign keys: contacts come and go.
CREATE TABLE IF NOT EXISTS contact_merge (
    id                uuid PRIMARY KEY,
    from_id           uuid NOT NULL,
    into_id           uuid NOT NULL,
    from_contact      jsonb NOT NULL,
    changes           jsonb NOT NULL,
    identity_ids      uuid[] NOT NULL,
    conversation_ids  uuid[] NOT NULL,
    actor             jsonb NOT NULL,
    reason            text,
    created_at        timestamptz NOT NULL,
    undone_at         timestamptz,
    undone_by         jsonb,
    undone            jsonb,
    CHECK (from_id <> into_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS contact_merge_from ON contact_merge (from_id) WHERE undone_at IS NULL;
CREATE INDEX IF NOT EXISTS contact_merge_into ON contact_merge (into_id, id);
CREATE INDEX IF NOT EXISTS contact_merge_history ON contact_merge (from_id, id);

-- What the keys of `attributes` mean, for one kind of object.
CREATE TABLE IF NOT EXISTS attribute_definition (
    id           uuid PRIMARY KEY,
    applies_to   text NOT NULL CHECK (applies_to IN ('contact', 'conversation', 'company')),
    key          text NOT NULL,
    name         text NOT NULL,
    type         text NOT NULL,
    description  text,
    required     boolean NOT NULL DEFAULT false,
    options      jsonb NOT NULL DEFAULT '[]',
    position     integer NOT NULL DEFAULT 0,
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (applies_to, key)
);
CREATE TABLE IF NOT EXISTS attribute_policy (
    applies_to  text PRIMARY KEY CHECK (applies_to IN ('contact', 'conversation', 'company')),
    strict      boolean NOT NULL
);

CREATE TABLE IF NOT EXISTS segment (
    id           uuid PRIMARY KEY,
    name         text NOT NULL,
    description  text,
    query        text NOT NULL,
    position     integer NOT NULL DEFAULT 0,
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS segment_name ON segment (lower(name));
"""

INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_company ON contact (company_id, created_at, id) "
    "WHERE company_id IS NOT NULL",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_attributes ON contact USING gin (attributes jsonb_path_ops)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_name ON contact (lower(name)) WHERE name IS NOT NULL",
)

DOWN = """
DROP TABLE IF EXISTS segment, attribute_policy, attribute_definition, contact_merge;
DROP INDEX IF EXISTS contact_name, contact_attributes, contact_company;
ALTER TABLE IF EXISTS contact DROP CONSTRAINT IF EXISTS contact_company_id_fkey;
ALTER TABLE IF EXISTS contact DROP COLUMN IF EXISTS blocked_at, DROP COLUMN IF EXISTS company_id;
DROP TABLE IF EXISTS company_domain, company;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN, indexes=INDEXES)
