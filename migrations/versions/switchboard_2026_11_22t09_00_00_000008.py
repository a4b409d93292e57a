"""Full-text search, and saved views."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000008"
VERSION = "1.38.0"
DESCRIPTION = "Full-text search, and saved views."

# inbox/kit/query/words.py cuts the words of a query in the same way: a test holds the two together.
UP = r"""
-- The words of a text and their places, in the spelling that equal words share: without case, accents and the marks
-- between words. Each sign of a script that puts no spaces between words is a word by itself, so that whatever is
-- looked for there is a phrase. The collation lowers all letters alike, whatever the database's own is. At most 100,000
-- characters and 16,383 words of a text are found: more is beyond what a tsvector may hold.
-- One function that calls nothing but built-in ones: ANALYZE and a restore run it with an empty search_path.
DO $do$
DECLARE
    lowering text := coalesce(
        (SELECT quote_ident(collname) FROM pg_collation
         WHERE collname IN ('pg_c_utf8', 'und-x-icu') AND collnamespace = 'pg_catalog'::regnamespace
         ORDER BY collname LIMIT 1),
        '"default"');
BEGIN
    EXECUTE format($make$
CREATE OR REPLACE FUNCTION search_vector(given text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 50 AS $body$
BEGIN
    given := left(given, 100000);
    IF octet_length(given) = length(given) THEN
        given := regexp_replace(lower(given), '[^a-z0-9]+', ' ', 'g');
    ELSE
        given := regexp_replace(normalize(given, NFKD),
            '[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640'
            '\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2064'
            '\u20d0-\u20f0\ufe00-\ufe0f\ufeff]+', '', 'g');
        given := lower(normalize(given, NFC) COLLATE %s);
        given := replace(replace(replace(replace(given, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');
        given := translate(given, 'øđłıħŧðς', 'odlihtdσ');
        given := regexp_replace(given,
            '([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u2e80-\u2fdf\u3005-\u3007\u3021-\u302f'
            '\u3031-\u3035\u3038-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff'
            '\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001f000-\U0001faff\U00020000-\U0003ffff])', ' \1 ', 'g');
        given := regexp_replace(given,
            '[\u0001-\u002f\u003a-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7'
            '\u02c2-\u02df\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f\u061b-\u061f'
            '\u066a-\u066d\u06d4\u06dd\u06de\u06e9\u06fd\u06fe\u0700-\u070f\u0964\u0965\u0970\u1360-\u1368\u1680'
            '\u1800-\u180e\u2000-\u25ff\u27c0-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u3036\u3037'
            '\u30fb\ue000-\uf8ff\ufe10-\ufe6f\uff00-\uffff]+', ' ', 'g');
    END IF;
    RETURN coalesce((
        SELECT string_agg(left(word, 100) || ':' || place, ' ')::tsvector
        FROM unnest(string_to_array(btrim(given), ' ')) WITH ORDINALITY AS cut(word, place)
        WHERE word <> '' AND place <= 16383
    ), ''::tsvector);
END $body$
    $make$, lowering);
END $do$;

CREATE OR REPLACE FUNCTION index_entry() RETURNS trigger
LANGUAGE plpgsql AS $body$
BEGIN
    NEW.search := CASE WHEN NEW.redacted_at IS NULL THEN search_vector(NEW.text) END;
    RETURN NEW;
END $body$;

-- The words of messages and notes, kept beside them by a trigger: whoever changes a text changes what finds it.
ALTER TABLE entry ADD COLUMN IF NOT EXISTS search tsvector;
CREATE OR REPLACE TRIGGER entry_index_new BEFORE INSERT ON entry
    FOR EACH ROW WHEN (NEW.type <> 'event' AND NEW.text <> '') EXECUTE FUNCTION index_entry();
CREATE OR REPLACE TRIGGER entry_index_changed BEFORE UPDATE OF text, redacted_at ON entry
    FOR EACH ROW WHEN (NEW.type <> 'event') EXECUTE FUNCTION index_entry();

-- Entries from before this migration that a chore has still to index: those with an id up to here, from the newest.
CREATE TABLE IF NOT EXISTS search_backlog (
    one_row   boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    up_to_id  uuid NOT NULL
);
INSERT INTO search_backlog (up_to_id) SELECT id FROM entry ORDER BY id DESC LIMIT 1 ON CONFLICT DO NOTHING;

-- A filter of the list under a name; without an owner it is everybody's.
CREATE TABLE IF NOT EXISTS saved_view (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    query       text NOT NULL,
    sort        text NOT NULL DEFAULT '-updated_at',
    position    integer NOT NULL DEFAULT 0,
    owner_id    uuid REFERENCES agent (id),
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS saved_view_order ON saved_view (position, id);
"""

INDEXES = (
    # New words wait in a list of at most 256 kB: whoever fills it up sorts them in, which takes 10 to 20 ms.
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS entry_search ON entry USING gin (search) "
    "WITH (gin_pending_list_limit = 256) WHERE search IS NOT NULL",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS conversation_search ON conversation USING gin "
    "(search_vector(subject)) WHERE subject IS NOT NULL",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS contact_search ON contact USING gin (search_vector(name)) "
    "WHERE name IS NOT NULL",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS identity_search ON identity USING gin (search_vector(address))",
)

DOWN = """
DROP TABLE IF EXISTS saved_view, search_backlog;
DROP INDEX IF EXISTS identity_search, contact_search, conversation_search, entry_search;
DROP TRIGGER IF EXISTS entry_index_changed ON entry;
DROP TRIGGER IF EXISTS entry_index_new ON entry;
ALTER TABLE entry DROP COLUMN IF EXISTS search;
DROP FUNCTION IF EXISTS index_entry, search_vector;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN, indexes=INDEXES)
