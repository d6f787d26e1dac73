"""The founding data model, as written: tables, columns, unique constraints, indexes."""

from typing import Final

DATES: Final = ("created_at", "updated_at")

TABLES: Final = {
    "users": (
        *("id", "discord_id", "discord_username", "discord_display_name", "custom_name"),
        *("first_seen_at", "last_seen_at", "is_active", *DATES),
    ),
    "user_preferences": ("id", "user_id", "preference_key", "preference_value", *DATES),
    "user_facts": (
        *("id", "user_id", "fact_type", "fact_content", "confidence", "source", "is_active"),
        *("learned_at", "last_referenced_at", "category", "importance", "temporal_relevance"),
        *("expiry_date", "extracted_from_message_id", "extraction_context", *DATES),
    ),
    "guilds": ("id", "discord_id", "name", "joined_at", "is_active", "settings", *DATES),
    "guild_members": (
        *("id", "guild_id", "user_id", "guild_nickname", "roles", "joined_guild_at", *DATES),
    ),
    "conversations": (
        *("id", "user_id", "guild_id", "channel_id", "started_at", "last_message_at"),
        *("message_count", "is_active", *DATES),
    ),
    "messages": (
        *("id", "conversation_id", "user_id", "discord_message_id", "role", "content"),
        *("has_images", "image_urls", "token_count", *DATES),
    ),
    "bot_states": (
        *("id", "guild_id", "mood_valence", "mood_arousal", "mood_updated_at"),
        *("total_messages_sent", "total_facts_learned", "total_users_known"),
        *("first_activated_at", "preferences", *DATES),
    ),
    "bot_opinions": (
        *("id", "guild_id", "topic", "sentiment", "interest_level", "discussion_count"),
        *("reasoning", "formed_at", "last_reinforced_at", *DATES),
    ),
    "user_relationships": (
        *("id", "user_id", "guild_id", "relationship_score", "total_interactions"),
        *("positive_interactions", "negative_interactions", "avg_message_length"),
        *("conversation_depth_avg", "shared_references", "first_interaction_at"),
        *("last_interaction_at", *DATES),
    ),
    "user_communication_styles": (
        *("id", "user_id", "preferred_length", "preferred_formality", "emoji_affinity"),
        *("humor_affinity", "detail_preference", "engagement_signals", "samples_collected"),
        *("confidence", *DATES),
    ),
    "scheduled_events": (
        *("id", "user_id", "guild_id", "channel_id", "event_type", "trigger_at", "title"),
        *("context", "is_recurring", "recurrence_rule", "status", "triggered_at", *DATES),
    ),
    "fact_associations": (
        *("id", "fact_id_1", "fact_id_2", "association_type", "strength", "discovered_at"),
        "created_at",
    ),
    "mood_history": (
        *("id", "guild_id", "valence", "arousal", "trigger_type", "trigger_user_id"),
        *("trigger_description", "recorded_at", *DATES),
    ),
}

UNIQUE: Final = {
    "users": ("discord_id",),
    "guilds": ("discord_id",),
    "user_preferences": ("user_id", "preference_key"),
    "guild_members": ("guild_id", "user_id"),
    "bot_states": ("guild_id",),
    "bot_opinions": ("guild_id", "topic"),
    "user_relationships": ("user_id", "guild_id"),
    "user_communication_styles": ("user_id",),
    "fact_associations": ("fact_id_1", "fact_id_2"),
}

INDEXES: Final = {
    "users": ("discord_id", "last_seen_at"),
    "user_preferences": ("user_id",),
    "user_facts": ("user_id", "fact_type", "is_active"),
    "guilds": ("discord_id",),
    "guild_members": ("guild_id", "user_id"),
    "conversations": ("user_id", "channel_id", "last_message_at", "is_active"),
    "messages": ("conversation_id", "user_id", "created_at"),
    "bot_states": ("guild_id",),
    "bot_opinions": ("guild_id", "topic"),
    "user_relationships": ("user_id", "guild_id"),
    "user_communication_styles": ("user_id",),
    "scheduled_events": ("user_id", "trigger_at", "status"),
    "fact_associations": ("fact_id_1", "fact_id_2"),
    "mood_history": ("guild_id", "recorded_at"),
}
"""Each is named `ix_TABLE_COLUMN`."""

TYPES: Final = {
    ("users", "id"): "bigint",
    ("users", "discord_id"): "bigint",
    ("users", "discord_username"): "character varying(255)",
    ("users", "first_seen_at"): "timestamp with time zone",
    ("users", "is_active"): "boolean",
    ("user_preferences", "preference_key"): "character varying(100)",
    ("user_preferences", "preference_value"): "text",
    ("user_facts", "fact_type"): "character varying(50)",
    ("user_facts", "fact_content"): "text",
    ("user_facts", "confidence"): "double precision",
    ("user_facts", "temporal_relevance"): "character varying(20)",
    ("guilds", "settings"): "jsonb",
    ("guild_members", "roles"): "text[]",
    ("conversations", "message_count"): "integer",
    ("messages", "role"): "character varying(20)",
    ("messages", "image_urls"): "jsonb",
    ("bot_states", "mood_valence"): "double precision",
    ("bot_states", "preferences"): "jsonb",
    ("bot_opinions", "topic"): "character varying(255)",
    ("user_communication_styles", "preferred_length"): "character varying(20)",
    ("scheduled_events", "recurrence_rule"): "character varying(100)",
    ("scheduled_events", "title"): "character varying(255)",
}
"""Of PostgreSQL, one of each kind and the odd ones."""
