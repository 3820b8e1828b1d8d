-- Accounts: who may do what, and with which credential. Secrets are never stored: passwords as argon2id
-- hashes, keys and tokens as HMACs under the server's own key, so that a copy of this database opens nothing.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    username      text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('viewer', 'member', 'admin')),
    disabled      boolean NOT NULL DEFAULT false,
    login_epoch   integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
COMMENT ON COLUMN users.login_epoch IS 'Grows when the password changes or the user is disabled; tokens of an older epoch are void.';

CREATE TABLE refresh_tokens (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    family      uuid NOT NULL,
    secret_hmac bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
COMMENT ON COLUMN refresh_tokens.family IS 'All tokens that one login led to. Using one twice means that it was stolen: the whole family is deleted.';

CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text NOT NULL,
    secret_hmac  bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX api_keys_user ON api_keys (user_id, created_at);
COMMENT ON COLUMN api_keys.last_used_at IS 'To within a minute, so that reading does not write.';
