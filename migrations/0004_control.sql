-- What the control plane knows of itself.

CREATE TABLE leader (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    term       bigint NOT NULL,
    holder     uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE leader IS 'The replica that schedules and reaps. Each of its transactions locks this row and checks its term.';

CREATE TABLE installation (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id            uuid NOT NULL,
    key_check     bytea NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN installation.key_check IS 'HMAC of a constant under the server key: a replica with another key refuses to start, instead of refusing every login.';
