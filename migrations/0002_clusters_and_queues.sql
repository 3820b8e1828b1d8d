-- Clusters, the nodes that joined them, the keys they joined with, and the queues that feed them.

CREATE TABLE clusters (
    id                     uuid PRIMARY KEY,
    name                   text NOT NULL UNIQUE,
    placement_policy       text NOT NULL CHECK (placement_policy IN ('first-fit', 'best-fit')),
    max_disconnect_millis  bigint NOT NULL CHECK (max_disconnect_millis BETWEEN 10000 AND 86400000),
    version                bigint NOT NULL DEFAULT 1,
    created_at             timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN clusters.max_disconnect_millis IS 'Length of a lease where the job does not say: how long a node may be silent before its jobs count as lost.';

CREATE TABLE join_keys (
    id           uuid PRIMARY KEY,
    cluster_id   uuid NOT NULL REFERENCES clusters ON DELETE CASCADE,
    name         text NOT NULL,
    secret_hmac  bytea NOT NULL,
    reusable     boolean NOT NULL,
    uses         integer NOT NULL DEFAULT 0,
    created_by   uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE INDEX join_keys_cluster ON join_keys (cluster_id, created_at);

CREATE TABLE nodes (
    id              uuid PRIMARY KEY,
    cluster_id      uuid NOT NULL REFERENCES clusters,
    name            text NOT NULL,
    machine_id      text NOT NULL,
    credential_hmac bytea NOT NULL,
    boot_id         uuid,
    session_id      uuid,
    sync_sequence   bigint NOT NULL DEFAULT 0,
    cordoned        boolean NOT NULL DEFAULT false,
    runtime_ok      boolean NOT NULL DEFAULT false,
    runtime_message text NOT NULL DEFAULT '',
    docker_version  text NOT NULL DEFAULT '',
    agent_version   text NOT NULL DEFAULT '',
    cpu_milli       integer NOT NULL DEFAULT 0 CHECK (cpu_milli >= 0),
    memory_bytes    bigint NOT NULL DEFAULT 0 CHECK (memory_bytes >= 0),
    disk_bytes      bigint NOT NULL DEFAULT 0 CHECK (disk_bytes >= 0),
    gpus            jsonb NOT NULL DEFAULT '[]',
    labels          jsonb NOT NULL DEFAULT '{}',
    registered_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz,
    given_up_at     timestamptz,
    removed_at      timestamptz
);
CREATE UNIQUE INDEX nodes_name_key ON nodes (cluster_id, name) WHERE removed_at IS NULL;
COMMENT ON COLUMN nodes.boot_id IS 'A new one on the same machine means that it rebooted: all it ran is dead.';
COMMENT ON COLUMN nodes.session_id IS 'The agent process that speaks for the node; an older one is fenced.';
COMMENT ON COLUMN nodes.last_seen_at IS 'To within a few seconds, so that a heartbeat seldom writes.';
COMMENT ON COLUMN nodes.given_up_at IS 'When an attempt was taken from it for its silence: until it is heard of again, it gets no other.';

CREATE TABLE queues (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    priority   integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000),
    paused     boolean NOT NULL DEFAULT false,
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE queue_clusters (
    queue_id   uuid NOT NULL REFERENCES queues ON DELETE CASCADE,
    cluster_id uuid NOT NULL REFERENCES clusters,
    position   smallint NOT NULL,
    PRIMARY KEY (queue_id, position),
    UNIQUE (queue_id, cluster_id)
);
COMMENT ON TABLE queue_clusters IS 'Where a queue''s jobs may run, the preferred cluster first.';
