"""The SQL of the group commit on PostgreSQL.

A part has a question mark for each value it takes; they are numbered when a statement is put
together.  The statements from `EDITED` on stand alone and number their own.
"""

# ruff: noqa: S608 - every part of these statements is a constant of ours; values are bound

from typing import Final

from storage.statements import FACT, SHIFT, unnested

WRITTEN: Final = "written_at AS (SELECT ?::timestamptz AS at)"

PEOPLE: Final = """
seen AS (
  INSERT INTO users AS u (discord_id, discord_username, discord_display_name, locale,
    first_seen_at, last_seen_at, created_at, updated_at)
  SELECT i.id, i.username, i.display_name, i.locale, i.at, i.at, w.at, w.at
  FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::timestamptz[])
    AS i (id, username, display_name, locale, at) CROSS JOIN written_at w
  ON CONFLICT (discord_id) DO UPDATE SET
    discord_username = excluded.discord_username,
    discord_display_name = excluded.discord_display_name,
    locale = coalesce(excluded.locale, u.locale),
    last_seen_at = greatest(u.last_seen_at, excluded.last_seen_at),
    is_active = true,
    updated_at = excluded.updated_at
  RETURNING id, discord_id)"""

NAMED: Final = """
named AS (
  INSERT INTO users (discord_id, first_seen_at, last_seen_at, created_at, updated_at)
  SELECT i.id, w.at, w.at, w.at, w.at FROM unnest(?::bigint[]) AS i (id) CROSS JOIN written_at w
  ON CONFLICT (discord_id) DO NOTHING
  RETURNING id, discord_id)"""

KNOWN_PEOPLE: Final = "SELECT id, discord_id FROM users WHERE discord_id = ANY(?::bigint[])"

GUILDS: Final = """
guild_rows AS (
  INSERT INTO guilds AS g (discord_id, name, joined_at, created_at, updated_at)
  SELECT i.id, i.name, i.at, w.at, w.at
  FROM unnest(?::bigint[], ?::text[], ?::timestamptz[]) AS i (id, name, at)
    CROSS JOIN written_at w
  ON CONFLICT (discord_id) DO UPDATE SET
    name = coalesce(nullif(excluded.name, ''), g.name),
    is_active = true,
    updated_at = excluded.updated_at
  WHERE NOT g.is_active OR (excluded.name <> '' AND excluded.name <> g.name)
  RETURNING id, discord_id),
places AS (
  SELECT id, discord_id FROM guild_rows
  UNION SELECT id, discord_id FROM guilds WHERE discord_id = ANY(?::bigint[])),
member_rows AS (
  INSERT INTO guild_members AS m (guild_id, user_id, guild_nickname, roles, joined_guild_at,
    created_at, updated_at)
  SELECT places.id, who.id, i.nickname, i.roles::text[], i.joined_at, w.at, w.at
  FROM unnest(?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::timestamptz[])
      AS i (guild_id, user_id, nickname, roles, joined_at)
    JOIN places ON places.discord_id = i.guild_id
    JOIN who ON who.discord_id = i.user_id
    CROSS JOIN written_at w
  ON CONFLICT (guild_id, user_id) DO UPDATE SET
    guild_nickname = excluded.guild_nickname,
    roles = excluded.roles,
    joined_guild_at = coalesce(excluded.joined_guild_at, m.joined_guild_at),
    updated_at = excluded.updated_at
  WHERE m.guild_nickname IS DISTINCT FROM excluded.guild_nickname
    OR m.roles IS DISTINCT FROM excluded.roles
    OR m.joined_guild_at IS DISTINCT FROM
       coalesce(excluded.joined_guild_at, m.joined_guild_at))"""

TALK: Final = """
known AS MATERIALIZED (
  SELECT discord_message_id AS message_id, conversation_id, answered_at IS NOT NULL AS answered
  FROM messages WHERE discord_message_id = ANY(?::bigint[])),
sittings AS MATERIALIZED (
  SELECT c.id, c.user_id FROM conversations c WHERE c.id = ANY(?::bigint[])),
fresh AS MATERIALIZED (
  SELECT i.*, who.id AS person, s.id AS sitting
  FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[],
      ?::boolean[], ?::text[], ?::integer[], ?::smallint[], ?::boolean[], ?::timestamptz[],
      ?::timestamptz[], ?::integer[], ?::timestamptz[])
      AS i (message_id, user_id, guild_id, channel_id, conversation, content, has_images,
      image_urls, token_count, care_level, expects_answer, at, answered_at, replies, last_at)
    JOIN who ON who.discord_id = i.user_id
    LEFT JOIN known k ON k.message_id = i.message_id
    LEFT JOIN sittings s ON s.id = i.conversation AND s.user_id = who.id
  WHERE k.message_id IS NULL),
opened AS (
  INSERT INTO conversations (user_id, guild_id, channel_id, started_at, last_message_at,
    message_count, created_at, updated_at)
  SELECT f.person, min(f.guild_id), f.channel_id, min(f.at), max(f.last_at),
    sum(1 + f.replies), w.at, w.at
  FROM fresh f CROSS JOIN written_at w WHERE f.sitting IS NULL
  GROUP BY f.person, f.channel_id, w.at
  RETURNING id, user_id, channel_id),
placed AS MATERIALIZED (
  SELECT f.*, coalesce(f.sitting, o.id) AS conversation_id
  FROM fresh f LEFT JOIN opened o ON o.user_id = f.person AND o.channel_id = f.channel_id),
said AS MATERIALIZED (
  SELECT i.*, who.id AS person,
    coalesce(s.id, answered.conversation_id, p.conversation_id) AS conversation_id
  FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[],
      ?::integer[], ?::smallint[], ?::timestamptz[])
      AS i (message_id, user_id, conversation, answers, part_ids, content, token_count,
      care_level, at)
    JOIN who ON who.discord_id = i.user_id
    LEFT JOIN known k ON k.message_id = i.message_id
    LEFT JOIN sittings s ON s.id = i.conversation AND s.user_id = who.id
    LEFT JOIN known answered ON answered.message_id = i.answers
    LEFT JOIN placed p ON p.message_id = i.answers
  WHERE k.message_id IS NULL),
touched AS MATERIALIZED (
  SELECT id, sum(more) AS more, max(at) AS at, bool_or(closes) AS closes FROM (
    SELECT sitting AS id, 1 AS more, at, false AS closes FROM fresh WHERE sitting IS NOT NULL
    UNION ALL SELECT conversation_id, 1, at, false FROM said
    UNION ALL SELECT c.id, 0, NULL, true
      FROM conversations c JOIN opened o
        ON o.user_id = c.user_id AND o.channel_id = c.channel_id
      WHERE c.is_active AND c.user_id = ANY(ARRAY(SELECT user_id FROM opened))) AS changes
  GROUP BY id),
grown AS (
  UPDATE conversations c SET
    message_count = c.message_count + t.more,
    last_message_at = greatest(c.last_message_at, t.at),
    is_active = c.is_active AND NOT t.closes,
    updated_at = w.at
  FROM touched t CROSS JOIN written_at w
  WHERE c.id = t.id AND c.id = ANY(ARRAY(SELECT id FROM touched))),
kept AS (
  INSERT INTO messages (conversation_id, user_id, discord_message_id, role, content, has_images,
    image_urls, token_count, created_at, updated_at, expects_answer, answered_at,
    answers_message_id, part_ids, care_level)
  SELECT p.conversation_id, p.person, p.message_id, 'user', p.content, p.has_images,
    p.image_urls::jsonb, p.token_count, p.at, w.at, p.expects_answer, p.answered_at,
    NULL, '[]'::jsonb, p.care_level
  FROM placed p CROSS JOIN written_at w
  UNION ALL
  SELECT s.conversation_id, s.person, s.message_id, 'assistant', s.content, false,
    '[]'::jsonb, s.token_count, s.at, w.at, false, NULL, s.answers, s.part_ids::jsonb,
    s.care_level
  FROM said s CROSS JOIN written_at w WHERE s.conversation_id IS NOT NULL
  ORDER BY 9, 3
  ON CONFLICT (discord_message_id) DO NOTHING)"""

HEARD: Final = """
SELECT message_id, conversation_id, true AS fresh, answered_at IS NOT NULL AS answered FROM placed
UNION ALL SELECT message_id, conversation_id, false, answered FROM known"""

SETTLED: Final = """
settled AS (
  UPDATE messages m SET answered_at = i.at, updated_at = w.at
  FROM unnest(?::bigint[], ?::timestamptz[]) AS i (id, at) CROSS JOIN written_at w
  WHERE m.discord_message_id = i.id AND m.discord_message_id = ANY(?::bigint[])
    AND m.answered_at IS NULL)"""

SHIFTS: Final = f"""
shifts AS (
  INSERT INTO mood_history ({", ".join(SHIFT)}, created_at, updated_at)
  SELECT {", ".join("who.id" if c == "trigger_user_id" else f"i.{c}" for c in SHIFT)}, w.at, w.at
  FROM {unnested("mood_history", SHIFT, "i")}
    LEFT JOIN who ON who.discord_id = i.trigger_user_id CROSS JOIN written_at w)"""

LEARNING: Final = unnested(
    "user_facts", ("user_id", *FACT), "i", ("mark", "text"), ("place", "integer")
)
# A fact drawn from a message that was forgotten meanwhile has no person, and so is refused.
LEARNED: Final = f"""
facts AS MATERIALIZED (
  SELECT nextval(pg_get_serial_sequence('user_facts', 'id')) AS id, f.* FROM (
    SELECT i.*, who.id AS person,
      EXISTS (SELECT FROM tombstones b WHERE b.hash = i.mark) AS is_forgotten
    FROM {LEARNING} LEFT JOIN who ON who.discord_id = i.user_id ORDER BY i.place) AS f),
learned AS (
  INSERT INTO user_facts (id, user_id, {", ".join(FACT)}, created_at, updated_at)
  SELECT f.id, CASE WHEN NOT f.is_forgotten THEN f.person END,
    {", ".join(f"f.{column}" for column in FACT)}, w.at, w.at
  FROM facts f CROSS JOIN written_at w)"""

CHANGED: Final = f"""
changed AS (
  UPDATE user_facts f SET {", ".join(f"{c} = i.{c}" for c in FACT if c != "superseded_by")},
    superseded_by = coalesce(i.superseded_by, f.superseded_by), updated_at = w.at
  FROM {unnested("user_facts", ("id", *FACT), "i")} CROSS JOIN written_at w
  WHERE f.id = i.id AND f.id = ANY(?::bigint[]))"""

EDITED: Final = """
UPDATE messages m SET content = i.content, updated_at = i.at
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS i (id, content, at)
WHERE m.discord_message_id = i.id AND m.discord_message_id = ANY($1::bigint[])"""

REPLACED: Final = """
WITH pairs AS MATERIALIZED (
  SELECT DISTINCT new.id AS new, old.id AS old
  FROM unnest($1::bigint[], $2::bigint[]) AS i (new, old)
    JOIN user_facts new ON new.id = i.new AND new.id = ANY($1::bigint[])
    JOIN user_facts old ON old.id = i.old AND old.id = ANY($2::bigint[])
  WHERE new.id <> old.id),
turned AS (
  UPDATE user_facts f SET superseded_by = p.new, is_active = false, updated_at = $3
  FROM pairs p WHERE f.id = p.old AND f.id = ANY($2::bigint[]))
INSERT INTO fact_associations (fact_id_1, fact_id_2, association_type, strength, discovered_at,
  created_at)
SELECT new, old, 'supersedes', 1.0, $3, $3 FROM pairs
ON CONFLICT (fact_id_1, fact_id_2) DO NOTHING"""

GUILD_STATES: Final = """
INSERT INTO guilds AS g (discord_id, name, is_active, joined_at, created_at, updated_at)
SELECT i.id, i.name, i.active, i.at, $5, $5
FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::timestamptz[]) AS i (id, name, active, at)
ON CONFLICT (discord_id) DO UPDATE SET
  name = coalesce(nullif(excluded.name, ''), g.name),
  joined_at = CASE WHEN excluded.is_active AND NOT g.is_active
    THEN excluded.joined_at ELSE g.joined_at END,
  is_active = excluded.is_active,
  updated_at = excluded.updated_at"""

DROPPED_PREFERENCES: Final = """
DELETE FROM user_preferences p USING users u, unnest($1::bigint[], $2::text[]) AS i (user_id, key)
WHERE u.discord_id = i.user_id AND u.discord_id = ANY($1::bigint[])
  AND p.user_id = u.id AND p.preference_key = i.key
  AND p.user_id = ANY(ARRAY(SELECT id FROM users WHERE discord_id = ANY($1::bigint[])))"""

DROPPED_CARES: Final = """
DELETE FROM care_states c USING users u, unnest($1::bigint[], $2::bigint[]) AS i (user_id, channel)
WHERE u.discord_id = i.user_id AND u.discord_id = ANY($1::bigint[])
  AND c.user_id = u.id AND c.channel_id = i.channel
  AND c.user_id = ANY(ARRAY(SELECT id FROM users WHERE discord_id = ANY($1::bigint[])))"""
