-- Secrets and registry logins of teams, sealed; and the folders of the nodes that an administrator lets jobs see.

CREATE TABLE secrets (
    id          uuid PRIMARY KEY,
    team_id     uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    name        text NOT NULL,
    version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    key_id      bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  text NOT NULL,
    CONSTRAINT secrets_name_key UNIQUE (team_id, name)
);
COMMENT ON TABLE secrets IS 'Sealed by the server before they come here: a dump of this database gives none of them away.';
COMMENT ON COLUMN secrets.version IS 'Counts the values. Bound into the seal together with team and name, so that no older value and no other row can be put in its place.';
COMMENT ON COLUMN secrets.key_id IS 'Which master key wraps the data key: the server finds it by this when keys are rotated.';
COMMENT ON COLUMN secrets.wrapped_key IS 'The data key of this row alone, encrypted with the master key.';
COMMENT ON COLUMN secrets.sealed IS 'The value, encrypted with the data key.';

CREATE TABLE registries (
    id          uuid PRIMARY KEY,
    team_id     uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    name        text NOT NULL,
    server      text NOT NULL,
    username    text NOT NULL,
    key_id      bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    CONSTRAINT registries_name_key UNIQUE (team_id, name)
);
CREATE INDEX registries_server ON registries (team_id, server);
COMMENT ON COLUMN registries.server IS 'Bound into the seal of the password: changed here by hand, it opens nothing, so that no password is sent to another server.';

CREATE TABLE volumes (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    host_path   text NOT NULL,
    read_only   boolean NOT NULL,
    any_team    boolean NOT NULL,
    any_cluster boolean NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    CONSTRAINT volumes_name_key UNIQUE (name)
);
COMMENT ON TABLE volumes IS 'The only folders of a node that a container may see.';
COMMENT ON COLUMN volumes.any_team IS 'Said outright, not by an empty list: a list that becomes empty as teams are deleted must not open the volume to all.';
COMMENT ON COLUMN volumes.any_cluster IS 'As any_team, for clusters.';

CREATE TABLE volume_teams (
    volume_id uuid NOT NULL REFERENCES volumes ON DELETE CASCADE,
    team_id   uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    PRIMARY KEY (volume_id, team_id)
);
CREATE TABLE volume_clusters (
    volume_id  uuid NOT NULL REFERENCES volumes ON DELETE CASCADE,
    cluster_id uuid NOT NULL REFERENCES clusters ON DELETE CASCADE,
    PRIMARY KEY (volume_id, cluster_id)
);

-- Few jobs name secrets: who uses one is told from those alone.
CREATE INDEX jobs_with_secrets ON jobs (team_id) WHERE spec ? 'secrets' AND finished_at IS NULL;
