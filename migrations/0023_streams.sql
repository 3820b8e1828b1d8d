-- Programs and ports in containers that are reached from outside. What flows is carried by the server that holds the
-- user's connection and never comes into the database: a row only brings the two ends together and is counted.

CREATE TABLE streams (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    job_id      uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    attempt_id  uuid NOT NULL,
    rank        smallint NOT NULL,
    node_id     uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
    task        jsonb NOT NULL,
    expires_at  timestamptz NOT NULL,
    claimed_at  timestamptz,
    server      text,
    joined_at   timestamptz,
    alive_until timestamptz NOT NULL,
    FOREIGN KEY (attempt_id, rank) REFERENCES tasks ON DELETE CASCADE
);
CREATE INDEX streams_node ON streams (node_id);
CREATE INDEX streams_job ON streams (job_id);
CREATE INDEX streams_user ON streams (user_id);
COMMENT ON TABLE streams IS 'Interactive streams that are open or about to be; a row goes when its stream ends.';
COMMENT ON COLUMN streams.expires_at IS 'Until when both ends may connect.';
COMMENT ON COLUMN streams.claimed_at IS 'When the user''s end connected: a stream is connected to once.';
COMMENT ON COLUMN streams.server IS 'Address of the server that holds the user''s end, for the agent; none where that server has no address of its own.';
COMMENT ON COLUMN streams.joined_at IS 'When the agent''s end connected; from then on no agent is told of it.';
COMMENT ON COLUMN streams.alive_until IS 'Set anew by the server that carries it: one that died leaves rows behind, and they stop to count then.';
