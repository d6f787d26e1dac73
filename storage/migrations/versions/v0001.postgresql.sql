CREATE TABLE IF NOT EXISTS bot_opinions (
    id BIGSERIAL NOT NULL,
    guild_id BIGINT,
    topic VARCHAR(255) NOT NULL,
    sentiment DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    interest_level DOUBLE PRECISION DEFAULT 0.5 NOT NULL,
    discussion_count INTEGER DEFAULT 0 NOT NULL,
    reasoning TEXT,
    formed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_reinforced_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_bot_opinions PRIMARY KEY (id),
    CONSTRAINT uq_bot_opinions_guild_id_topic UNIQUE NULLS NOT DISTINCT (guild_id, topic)
);

CREATE INDEX IF NOT EXISTS ix_bot_opinions_guild_id ON bot_opinions (guild_id);

CREATE INDEX IF NOT EXISTS ix_bot_opinions_topic ON bot_opinions (topic);

CREATE TABLE IF NOT EXISTS bot_states (
    id BIGSERIAL NOT NULL,
    guild_id BIGINT,
    mood_valence DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    mood_arousal DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    mood_updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    total_messages_sent INTEGER DEFAULT 0 NOT NULL,
    total_facts_learned INTEGER DEFAULT 0 NOT NULL,
    total_users_known INTEGER DEFAULT 0 NOT NULL,
    first_activated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    preferences JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_bot_states PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_bot_states_guild_id ON bot_states (guild_id) NULLS NOT DISTINCT;

CREATE TABLE IF NOT EXISTS care_counts (
    id BIGSERIAL NOT NULL,
    month DATE NOT NULL,
    guild_id BIGINT,
    kind VARCHAR(50) NOT NULL,
    level SMALLINT DEFAULT 0 NOT NULL,
    count INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_care_counts PRIMARY KEY (id),
    CONSTRAINT uq_care_counts_month_guild_id_kind_level UNIQUE NULLS NOT DISTINCT (month, guild_id, kind, level)
);

CREATE TABLE IF NOT EXISTS channels (
    id BIGSERIAL NOT NULL,
    discord_id BIGINT NOT NULL,
    guild_id BIGINT,
    kind VARCHAR(20) NOT NULL,
    last_message_id BIGINT,
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_channels PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_channels_discord_id ON channels (discord_id);

CREATE TABLE IF NOT EXISTS guilds (
    id BIGSERIAL NOT NULL,
    discord_id BIGINT NOT NULL,
    name VARCHAR(255) DEFAULT '' NOT NULL,
    joined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    settings JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guilds PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_guilds_discord_id ON guilds (discord_id);

CREATE TABLE IF NOT EXISTS model_usage (
    id BIGSERIAL NOT NULL,
    day DATE NOT NULL,
    guild_id BIGINT,
    model VARCHAR(255) NOT NULL,
    calls INTEGER DEFAULT 0 NOT NULL,
    prompt_tokens BIGINT DEFAULT 0 NOT NULL,
    cached_tokens BIGINT DEFAULT 0 NOT NULL,
    completion_tokens BIGINT DEFAULT 0 NOT NULL,
    cost_usd DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    CONSTRAINT pk_model_usage PRIMARY KEY (id),
    CONSTRAINT uq_model_usage_day_guild_id_model UNIQUE NULLS NOT DISTINCT (day, guild_id, model)
);

CREATE TABLE IF NOT EXISTS settings (
    id BIGSERIAL NOT NULL,
    key VARCHAR(100) NOT NULL,
    value JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_settings PRIMARY KEY (id),
    CONSTRAINT uq_settings_key UNIQUE (key)
);

CREATE TABLE IF NOT EXISTS tombstones (
    id BIGSERIAL NOT NULL,
    hash VARCHAR(64) NOT NULL,
    scope VARCHAR(20) NOT NULL,
    erased_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tombstones PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_tombstones_hash ON tombstones (hash);

CREATE TABLE IF NOT EXISTS users (
    id BIGSERIAL NOT NULL,
    discord_id BIGINT NOT NULL,
    discord_username VARCHAR(255) DEFAULT '' NOT NULL,
    discord_display_name VARCHAR(255),
    custom_name VARCHAR(255),
    first_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    locale VARCHAR(20),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (id)
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_users_discord_id ON users (discord_id);

CREATE INDEX IF NOT EXISTS ix_users_last_seen_at ON users (last_seen_at);

CREATE TABLE IF NOT EXISTS care_states (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL,
    level SMALLINT DEFAULT 0 NOT NULL,
    labels JSONB DEFAULT '[]' NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    resources_shown_at TIMESTAMP WITH TIME ZONE,
    language VARCHAR(20),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_care_states PRIMARY KEY (id),
    CONSTRAINT uq_care_states_user_id_channel_id UNIQUE (user_id, channel_id),
    CONSTRAINT fk_care_states_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS conversations (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    guild_id BIGINT,
    channel_id BIGINT,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_message_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    message_count INTEGER DEFAULT 0 NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_conversations PRIMARY KEY (id),
    CONSTRAINT fk_conversations_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_conversations_channel_id ON conversations (channel_id);

CREATE INDEX IF NOT EXISTS ix_conversations_is_active ON conversations (is_active);

CREATE INDEX IF NOT EXISTS ix_conversations_last_message_at ON conversations (last_message_at);

CREATE INDEX IF NOT EXISTS ix_conversations_user_id ON conversations (user_id);

CREATE TABLE IF NOT EXISTS guild_members (
    id BIGSERIAL NOT NULL,
    guild_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    guild_nickname VARCHAR(255),
    roles TEXT[],
    joined_guild_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_guild_members PRIMARY KEY (id),
    CONSTRAINT uq_guild_members_guild_id_user_id UNIQUE (guild_id, user_id),
    CONSTRAINT fk_guild_members_guild_id FOREIGN KEY(guild_id) REFERENCES guilds (id) ON DELETE CASCADE,
    CONSTRAINT fk_guild_members_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_guild_members_guild_id ON guild_members (guild_id);

CREATE INDEX IF NOT EXISTS ix_guild_members_user_id ON guild_members (user_id);

CREATE TABLE IF NOT EXISTS mood_history (
    id BIGSERIAL NOT NULL,
    guild_id BIGINT,
    valence DOUBLE PRECISION NOT NULL,
    arousal DOUBLE PRECISION NOT NULL,
    trigger_type VARCHAR(50) NOT NULL,
    trigger_user_id BIGINT,
    trigger_description TEXT,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_mood_history PRIMARY KEY (id),
    CONSTRAINT fk_mood_history_trigger_user_id FOREIGN KEY(trigger_user_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX IF NOT EXISTS ix_mood_history_guild_id ON mood_history (guild_id);

CREATE INDEX IF NOT EXISTS ix_mood_history_recorded_at ON mood_history (recorded_at);

CREATE TABLE IF NOT EXISTS scheduled_events (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    guild_id BIGINT,
    channel_id BIGINT,
    event_type VARCHAR(50) NOT NULL,
    trigger_at TIMESTAMP WITH TIME ZONE NOT NULL,
    title VARCHAR(255) NOT NULL,
    context JSONB DEFAULT '{}' NOT NULL,
    is_recurring BOOLEAN DEFAULT false NOT NULL,
    recurrence_rule VARCHAR(100),
    status VARCHAR(20) DEFAULT 'pending' NOT NULL,
    triggered_at TIMESTAMP WITH TIME ZONE,
    is_proactive BOOLEAN DEFAULT false NOT NULL,
    source_message_id BIGINT,
    not_before TIMESTAMP WITH TIME ZONE,
    claimed_at TIMESTAMP WITH TIME ZONE,
    claimed_by VARCHAR(20),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_scheduled_events PRIMARY KEY (id),
    CONSTRAINT fk_scheduled_events_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_scheduled_events_source_message_id ON scheduled_events (source_message_id);

CREATE INDEX IF NOT EXISTS ix_scheduled_events_status ON scheduled_events (status);

CREATE INDEX IF NOT EXISTS ix_scheduled_events_trigger_at ON scheduled_events (trigger_at);

CREATE INDEX IF NOT EXISTS ix_scheduled_events_user_id ON scheduled_events (user_id);

CREATE TABLE IF NOT EXISTS user_communication_styles (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    preferred_length VARCHAR(20) DEFAULT 'medium' NOT NULL,
    preferred_formality DOUBLE PRECISION DEFAULT 0.3 NOT NULL,
    emoji_affinity DOUBLE PRECISION DEFAULT 0.3 NOT NULL,
    humor_affinity DOUBLE PRECISION DEFAULT 0.3 NOT NULL,
    detail_preference DOUBLE PRECISION DEFAULT 0.5 NOT NULL,
    engagement_signals JSONB DEFAULT '{}' NOT NULL,
    samples_collected INTEGER DEFAULT 0 NOT NULL,
    confidence DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_user_communication_styles PRIMARY KEY (id),
    CONSTRAINT fk_user_communication_styles_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX IF NOT EXISTS ix_user_communication_styles_user_id ON user_communication_styles (user_id);

CREATE TABLE IF NOT EXISTS user_facts (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    fact_type VARCHAR(50) NOT NULL,
    fact_content TEXT NOT NULL,
    confidence DOUBLE PRECISION DEFAULT 1.0 NOT NULL,
    source VARCHAR(50) DEFAULT 'conversation' NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    learned_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    last_referenced_at TIMESTAMP WITH TIME ZONE,
    category VARCHAR(50),
    importance DOUBLE PRECISION DEFAULT 0.5 NOT NULL,
    temporal_relevance VARCHAR(20) DEFAULT 'present' NOT NULL,
    expiry_date TIMESTAMP WITH TIME ZONE,
    extracted_from_message_id BIGINT,
    extraction_context TEXT,
    guild_id BIGINT,
    about VARCHAR(255) DEFAULT 'self' NOT NULL,
    slot VARCHAR(50) DEFAULT '' NOT NULL,
    cardinality VARCHAR(20) DEFAULT 'many' NOT NULL,
    sensitivity VARCHAR(20) DEFAULT 'plain' NOT NULL,
    happens_on VARCHAR(20) DEFAULT '' NOT NULL,
    evidence TEXT DEFAULT '' NOT NULL,
    times_recalled INTEGER DEFAULT 0 NOT NULL,
    superseded_by BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_user_facts PRIMARY KEY (id),
    CONSTRAINT fk_user_facts_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT fk_user_facts_superseded_by FOREIGN KEY(superseded_by) REFERENCES user_facts (id) ON DELETE SET NULL
);

CREATE INDEX IF NOT EXISTS ix_user_facts_extracted_from_message_id ON user_facts (extracted_from_message_id) WHERE extracted_from_message_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS ix_user_facts_fact_type ON user_facts (fact_type);

CREATE INDEX IF NOT EXISTS ix_user_facts_is_active ON user_facts (is_active);

CREATE INDEX IF NOT EXISTS ix_user_facts_superseded_by ON user_facts (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE INDEX IF NOT EXISTS ix_user_facts_user_id ON user_facts (user_id);

CREATE TABLE IF NOT EXISTS user_preferences (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    preference_key VARCHAR(100) NOT NULL,
    preference_value TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_user_preferences PRIMARY KEY (id),
    CONSTRAINT uq_user_preferences_user_id_preference_key UNIQUE (user_id, preference_key),
    CONSTRAINT fk_user_preferences_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_user_preferences_user_id ON user_preferences (user_id);

CREATE TABLE IF NOT EXISTS user_relationships (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    guild_id BIGINT,
    relationship_score DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    total_interactions INTEGER DEFAULT 0 NOT NULL,
    positive_interactions INTEGER DEFAULT 0 NOT NULL,
    negative_interactions INTEGER DEFAULT 0 NOT NULL,
    avg_message_length DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    conversation_depth_avg DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    shared_references JSONB DEFAULT '{}' NOT NULL,
    first_interaction_at TIMESTAMP WITH TIME ZONE,
    last_interaction_at TIMESTAMP WITH TIME ZONE,
    growth_day DATE,
    turns_today INTEGER DEFAULT 0 NOT NULL,
    growth_today DOUBLE PRECISION DEFAULT 0.0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_user_relationships PRIMARY KEY (id),
    CONSTRAINT uq_user_relationships_user_id_guild_id UNIQUE NULLS NOT DISTINCT (user_id, guild_id),
    CONSTRAINT fk_user_relationships_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_user_relationships_guild_id ON user_relationships (guild_id);

CREATE INDEX IF NOT EXISTS ix_user_relationships_user_id ON user_relationships (user_id);

CREATE TABLE IF NOT EXISTS watermarks (
    id BIGSERIAL NOT NULL,
    user_id BIGINT NOT NULL,
    guild_id BIGINT,
    last_message_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_watermarks PRIMARY KEY (id),
    CONSTRAINT uq_watermarks_user_id_guild_id UNIQUE NULLS NOT DISTINCT (user_id, guild_id),
    CONSTRAINT fk_watermarks_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_watermarks_user_id ON watermarks (user_id);

CREATE TABLE IF NOT EXISTS fact_associations (
    id BIGSERIAL NOT NULL,
    fact_id_1 BIGINT NOT NULL,
    fact_id_2 BIGINT NOT NULL,
    association_type VARCHAR(50) NOT NULL,
    strength DOUBLE PRECISION DEFAULT 0.5 NOT NULL,
    discovered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_fact_associations PRIMARY KEY (id),
    CONSTRAINT uq_fact_associations_fact_id_1_fact_id_2 UNIQUE (fact_id_1, fact_id_2),
    CONSTRAINT fk_fact_associations_fact_id_1 FOREIGN KEY(fact_id_1) REFERENCES user_facts (id) ON DELETE CASCADE,
    CONSTRAINT fk_fact_associations_fact_id_2 FOREIGN KEY(fact_id_2) REFERENCES user_facts (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_fact_associations_fact_id_1 ON fact_associations (fact_id_1);

CREATE INDEX IF NOT EXISTS ix_fact_associations_fact_id_2 ON fact_associations (fact_id_2);

CREATE TABLE IF NOT EXISTS messages (
    id BIGSERIAL NOT NULL,
    conversation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    discord_message_id BIGINT,
    role VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    has_images BOOLEAN DEFAULT false NOT NULL,
    image_urls JSONB DEFAULT '[]',
    token_count INTEGER,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expects_answer BOOLEAN DEFAULT false NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answers_message_id BIGINT,
    part_ids JSONB DEFAULT '[]',
    care_level SMALLINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT fk_messages_conversation_id FOREIGN KEY(conversation_id) REFERENCES conversations (id) ON DELETE CASCADE,
    CONSTRAINT fk_messages_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT uq_messages_discord_message_id UNIQUE (discord_message_id)
);

CREATE INDEX IF NOT EXISTS ix_messages_answers_message_id ON messages (answers_message_id) WHERE answers_message_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS ix_messages_conversation_id ON messages (conversation_id);

CREATE INDEX IF NOT EXISTS ix_messages_created_at ON messages (created_at);

CREATE INDEX IF NOT EXISTS ix_messages_owed ON messages (created_at) WHERE expects_answer AND answered_at IS NULL;

CREATE INDEX IF NOT EXISTS ix_messages_user_id ON messages (user_id);
