-- Teams own queues and jobs. Who is in no team of an object is answered as if the object did not exist.

CREATE TABLE teams (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX teams_name_key ON teams (lower(name));
COMMENT ON TABLE teams IS 'People who see each other''s jobs. The first one is made here, so that everything has a team.';
INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'default');

CREATE TABLE team_members (
    team_id  uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    user_id  uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, team_id)
);
CREATE INDEX team_members_team ON team_members (team_id);
INSERT INTO team_members (team_id, user_id) SELECT t.id, u.id FROM teams t CROSS JOIN users u;

ALTER TABLE queues ADD COLUMN team_id uuid REFERENCES teams;
UPDATE queues SET team_id = (SELECT id FROM teams);
ALTER TABLE queues ALTER COLUMN team_id SET NOT NULL;
COMMENT ON COLUMN queues.team_id IS 'Whose members see the queue and submit to it.';

ALTER TABLE jobs ADD COLUMN team_id uuid REFERENCES teams;
-- A terminal row never changes, and its guard knows no exception: it stands aside for this once.
ALTER TABLE jobs DISABLE TRIGGER job_guard;
UPDATE jobs SET team_id = (SELECT id FROM teams);
ALTER TABLE jobs ENABLE TRIGGER job_guard;
ALTER TABLE jobs ALTER COLUMN team_id SET NOT NULL;
CREATE INDEX jobs_team ON jobs (team_id, id DESC);
COMMENT ON COLUMN jobs.team_id IS 'Whose members see the job; fixed at its submission.';

-- Who changed what. Each entry carries the hash of the one before it, so that a changed, missing or inserted
-- entry breaks the chain for whoever checks it.
CREATE TABLE audit (
    sequence      bigint PRIMARY KEY,
    at            timestamptz NOT NULL,
    actor         text NOT NULL,
    action        text NOT NULL,
    object        text NOT NULL,
    details       text NOT NULL,
    previous_hash bytea NOT NULL,
    hash          bytea NOT NULL
);
CREATE INDEX audit_actor ON audit (actor, sequence);
CREATE INDEX audit_action ON audit (action, sequence);
CREATE INDEX audit_object ON audit (object, sequence);
CREATE INDEX audit_at ON audit (at);
COMMENT ON COLUMN audit.object IS 'What was changed: its kind and its id or name, as in `queue:research`.';
COMMENT ON COLUMN audit.details IS 'JSON, kept as the text that was hashed. Never a secret.';
COMMENT ON COLUMN audit.hash IS 'SHA-256 of the entry together with previous_hash.';

CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    sequence bigint NOT NULL,
    hash     bytea NOT NULL
);
COMMENT ON TABLE audit_head IS 'The latest entry. Locked by whoever adds the next one, so that the chain has no fork.';
INSERT INTO audit_head (sequence, hash) VALUES (0, '\x');

CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to' USING ERRCODE = 'LL001';
END $$;
CREATE TRIGGER audit_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guard();
