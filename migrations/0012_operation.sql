-- Taking over at once, and finding what is old without reading what is not.

ALTER TABLE leader ADD COLUMN holds_lock boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN leader.holds_lock IS 'Whether the leader''s session holds the advisory lock. Whoever gets the lock while this is true knows that the leader''s session is gone, and need not wait for expires_at.';
