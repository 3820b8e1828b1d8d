-- What an API key may be used for, and what people say about themselves.

ALTER TABLE api_keys ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write,admin,account}'
    CHECK (cardinality(scopes) > 0 AND scopes <@ '{read,write,admin,account}'::text[]);
COMMENT ON COLUMN api_keys.scopes IS 'What the key may be used for, within what its user may do. Keys made before there were scopes may do all.';

ALTER TABLE users
    ADD COLUMN display_name text,
    ADD COLUMN email text,
    ADD COLUMN must_change_password boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN users.must_change_password IS 'Somebody else knows the password: a login may do nothing but change it.';
