-- Jobs, attempts, tasks, events and logs. The rules of the protocol are held here a second time: whatever a
-- program does wrong, a terminal row stays, an illegal transition is refused, one attempt of a job is live,
-- and a GPU has one owner.

CREATE TABLE jobs (
    id                uuid PRIMARY KEY,
    name              text NOT NULL,
    queue_id          uuid NOT NULL REFERENCES queues,
    owner_id          uuid NOT NULL REFERENCES users,
    priority          smallint NOT NULL CHECK (priority BETWEEN 0 AND 100),
    state             text NOT NULL CHECK (state IN ('queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'held')),
    reason            text,
    message           text NOT NULL DEFAULT '',
    actor             text NOT NULL,
    spec              jsonb NOT NULL,
    labels            jsonb NOT NULL DEFAULT '{}',
    idempotency_key   text,
    idempotency_hash  bytea,
    epoch             integer NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    attempts_charged  integer NOT NULL DEFAULT 0,
    cancel_requested  boolean NOT NULL DEFAULT false,
    event_count       integer NOT NULL DEFAULT 1,
    not_before        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    started_at        timestamptz,
    finished_at       timestamptz,
    exit_code         integer,
    signal            integer,
    CONSTRAINT jobs_terminal_has_end CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_idempotency_key ON jobs (owner_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_queued ON jobs (queue_id, priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_unfinished ON jobs (state) WHERE state IN ('queued', 'starting', 'running', 'held');
CREATE INDEX jobs_state ON jobs (state, id DESC);
CREATE INDEX jobs_queue ON jobs (queue_id, id DESC);
CREATE INDEX jobs_owner ON jobs (owner_id, id DESC);
CREATE INDEX jobs_labels ON jobs USING gin (labels jsonb_path_ops);
CREATE INDEX jobs_name ON jobs (name, id DESC);
COMMENT ON COLUMN jobs.epoch IS 'Number of the latest attempt. Every write of an attempt must carry it.';
COMMENT ON COLUMN jobs.actor IS 'Who caused the latest transition: user:NAME, node:NAME, scheduler or reaper.';
COMMENT ON COLUMN jobs.event_count IS 'Sequence of the latest event: the sequence has no gap.';
COMMENT ON COLUMN jobs.idempotency_hash IS 'SHA-256 of the submitted body: the same key with another body is refused.';

CREATE TABLE attempts (
    id           uuid PRIMARY KEY,
    job_id       uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    epoch        integer NOT NULL CHECK (epoch > 0),
    state        text NOT NULL CHECK (state IN ('granted', 'preparing', 'running', 'stopping', 'succeeded', 'failed', 'cancelled', 'preempted', 'lost')),
    reason       text,
    message      text NOT NULL DEFAULT '',
    lease_millis bigint NOT NULL CHECK (lease_millis > 0),
    granted_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    exit_code    integer,
    signal       integer,
    UNIQUE (job_id, epoch)
);
CREATE UNIQUE INDEX attempts_one_live ON attempts (job_id) WHERE state IN ('granted', 'preparing', 'running', 'stopping');
COMMENT ON COLUMN attempts.lease_millis IS 'Length of its leases: each renewal is for this long.';

CREATE TABLE tasks (
    attempt_id    uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    rank          smallint NOT NULL CHECK (rank >= 0),
    node_id       uuid NOT NULL REFERENCES nodes,
    cpu_milli     integer NOT NULL,
    memory_bytes  bigint NOT NULL,
    disk_bytes    bigint NOT NULL,
    gpu_indices   smallint[] NOT NULL DEFAULT '{}',
    lease_until   timestamptz NOT NULL,
    session_id    uuid,
    log_bytes     bigint NOT NULL DEFAULT 0,
    log_end_bytes bigint,
    released_at   timestamptz,
    PRIMARY KEY (attempt_id, rank)
);
CREATE INDEX tasks_held ON tasks (node_id) WHERE released_at IS NULL;
CREATE INDEX tasks_leases ON tasks (lease_until) WHERE released_at IS NULL;
CREATE INDEX tasks_node ON tasks (node_id, attempt_id);
COMMENT ON TABLE tasks IS 'The part of an attempt that one node runs: one per rank.';
COMMENT ON COLUMN tasks.lease_until IS 'Until then its node may run it. The attempt is lost when this and the margin have passed.';
COMMENT ON COLUMN tasks.session_id IS 'The agent session that was told to run it. Another one is told only if it knows the attempt already: a copied credential starts nothing twice.';
COMMENT ON COLUMN tasks.log_bytes IS 'Bytes of log stored for good: a contiguous prefix.';
COMMENT ON COLUMN tasks.log_end_bytes IS 'Length of the whole log, once the node has said it.';
COMMENT ON COLUMN tasks.released_at IS 'Since when the node is free of it.';

-- One owner per GPU while its attempt is live.
CREATE TABLE gpu_claims (
    node_id    uuid NOT NULL REFERENCES nodes,
    gpu_index  smallint NOT NULL,
    attempt_id uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    PRIMARY KEY (node_id, gpu_index)
);
CREATE INDEX gpu_claims_attempt ON gpu_claims (attempt_id);

CREATE TABLE job_events (
    job_id        uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    sequence      integer NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    transaction   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at            timestamptz NOT NULL DEFAULT now(),
    state         text NOT NULL,
    attempt_state text,
    epoch         integer NOT NULL,
    reason        text,
    message       text NOT NULL DEFAULT '',
    actor         text NOT NULL,
    PRIMARY KEY (job_id, sequence)
);
CREATE INDEX job_events_stream ON job_events (transaction, id);
COMMENT ON COLUMN job_events.transaction IS 'With id, the order of the live stream: a reader stops before the oldest transaction still open, so that none that commits late is passed over.';

-- The log of one task, in the order of its bytes. The hot end of the store: whole logs move to an object store later.
CREATE TABLE log_chunks (
    attempt_id uuid NOT NULL,
    rank       smallint NOT NULL,
    start_byte bigint NOT NULL,
    end_byte   bigint NOT NULL,
    stored_at  timestamptz NOT NULL DEFAULT now(),
    data       bytea NOT NULL,
    PRIMARY KEY (attempt_id, rank, start_byte),
    FOREIGN KEY (attempt_id, rank) REFERENCES tasks ON DELETE CASCADE,
    CHECK (end_byte = start_byte + octet_length(data) AND end_byte > start_byte)
);
ALTER TABLE log_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'job % is %: a terminal row never changes', OLD.id, OLD.state USING ERRCODE = 'LL001';
    END IF;
    IF NEW.epoch < OLD.epoch OR NEW.epoch > OLD.epoch + 1 OR NEW.event_count < OLD.event_count THEN
        RAISE EXCEPTION 'job %: epoch % after %', OLD.id, NEW.epoch, OLD.epoch USING ERRCODE = 'LL002';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('queued', 'starting'), ('queued', 'cancelled'),
        -- A result that arrives after a loss, while the job was not placed again.
        ('queued', 'succeeded'), ('queued', 'failed'), ('held', 'succeeded'), ('held', 'failed'),
        ('starting', 'running'), ('starting', 'succeeded'), ('starting', 'failed'), ('starting', 'cancelled'),
        ('starting', 'queued'), ('starting', 'held'),
        ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'),
        ('running', 'queued'), ('running', 'held'),
        ('held', 'queued'), ('held', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'job %: % cannot follow %', OLD.id, NEW.state, OLD.state USING ERRCODE = 'LL003';
    END IF;
    IF NEW.epoch > OLD.epoch AND NOT (OLD.state = 'queued' AND NEW.state = 'starting') THEN
        RAISE EXCEPTION 'job %: only a grant opens an epoch', OLD.id USING ERRCODE = 'LL002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER job_guard BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION job_guard();

CREATE FUNCTION attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('granted', 'preparing'), ('granted', 'running'), ('granted', 'stopping'), ('granted', 'succeeded'), ('granted', 'failed'), ('granted', 'cancelled'), ('granted', 'preempted'), ('granted', 'lost'),
        ('preparing', 'running'), ('preparing', 'stopping'), ('preparing', 'succeeded'), ('preparing', 'failed'), ('preparing', 'cancelled'), ('preparing', 'preempted'), ('preparing', 'lost'),
        ('running', 'stopping'), ('running', 'succeeded'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'preempted'), ('running', 'lost'),
        ('stopping', 'succeeded'), ('stopping', 'failed'), ('stopping', 'cancelled'), ('stopping', 'preempted'), ('stopping', 'lost'),
        -- Finished work is not thrown away: the node came back with a result before the job was placed again.
        ('lost', 'succeeded'), ('lost', 'failed')
    ) THEN
        RAISE EXCEPTION 'attempt %: % cannot follow %', OLD.id, NEW.state, OLD.state USING ERRCODE = 'LL003';
    END IF;
    IF OLD.state IN ('succeeded', 'failed', 'cancelled', 'preempted') THEN
        RAISE EXCEPTION 'attempt % is %: a terminal row never changes', OLD.id, OLD.state USING ERRCODE = 'LL001';
    END IF;
    IF NEW.epoch <> OLD.epoch OR NEW.job_id <> OLD.job_id THEN
        RAISE EXCEPTION 'attempt %: identity never changes', OLD.id USING ERRCODE = 'LL002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_guard BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION attempt_guard();
