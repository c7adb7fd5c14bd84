-- What organizers do in the chat: a wish that is fulfilled once, waves that stay apart.

-- The number of the wish a broadcast came from (bot/broadcast/broadcast_job.c): a job done twice finds the one it made.
ALTER TABLE broadcast ADD COLUMN wish_id bigint UNIQUE;

-- An initiative belongs to one wave of a campaign.  Whoever writes a wave looks at the others first and says what is wrong
-- (handlers/wave_rules.h); of two who write at once this stops the second.  Looked at when a statement ends: one may move several.
ALTER TABLE wave ADD CONSTRAINT wave_apart
    EXCLUDE USING gist (int8range(campaign_id, campaign_id, '[]') WITH &&, daterange(starts_on, ends_on, '[]') WITH &&) DEFERRABLE;
