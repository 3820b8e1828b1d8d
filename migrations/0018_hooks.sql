-- Hooks: addresses of a team that are told what becomes of its jobs, and what is still to be told.

CREATE TABLE hooks (
    id          uuid PRIMARY KEY,
    team_id     uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
    name        text NOT NULL,
    url         text NOT NULL,
    events      text[] NOT NULL,
    enabled     boolean NOT NULL DEFAULT true,
    version     integer NOT NULL DEFAULT 1 CHECK (version > 0),
    key_id      bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  text NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  text NOT NULL,
    CONSTRAINT hooks_name_key UNIQUE (team_id, name)
);
COMMENT ON COLUMN hooks.events IS 'The states that it may be told of; a job chooses among them.';
COMMENT ON COLUMN hooks.version IS 'Counts the secrets. Bound into the seal together with team and id, so that no older secret and no other row can be put in its place.';
COMMENT ON COLUMN hooks.sealed IS 'The secret that signs what is sent; with key_id and wrapped_key as in secrets.';

CREATE TABLE hook_deliveries (
    id            uuid PRIMARY KEY,
    hook_id       uuid NOT NULL REFERENCES hooks ON DELETE CASCADE,
    job_id        uuid,
    event         text NOT NULL,
    facts         jsonb,
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given-up')),
    tries         integer NOT NULL DEFAULT 0,
    next_try_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_until timestamptz,
    last_try_at   timestamptz,
    status        integer,
    last_error    text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at    timestamptz
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (hook_id, next_try_at) WHERE state = 'pending';
CREATE INDEX hook_deliveries_order ON hook_deliveries (hook_id, job_id, id) WHERE state = 'pending';
CREATE INDEX hook_deliveries_page ON hook_deliveries (hook_id, id DESC);
CREATE INDEX hook_deliveries_old ON hook_deliveries (settled_at) WHERE state <> 'pending';
COMMENT ON TABLE hook_deliveries IS 'The outbox. A row is written in the transaction that it tells of, and sent by whichever replica claims it.';
COMMENT ON COLUMN hook_deliveries.job_id IS 'No foreign key: old jobs are deleted. None for a test.';
COMMENT ON COLUMN hook_deliveries.facts IS 'The job as it was at that moment: every try says the same, however late it is.';
COMMENT ON COLUMN hook_deliveries.claimed_until IS 'A server sends it until then. When that died meanwhile, another one does afterwards. Its exact value is the claim: whoever holds an older one settles nothing.';
COMMENT ON COLUMN hook_deliveries.settled_at IS 'When it was delivered or given up.';

-- A UUIDv7, as all other ids are: deliveries are listed, and sent, in the order in which they were made.
CREATE FUNCTION uuid_by_time() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- One statement in many changes a job's state; here none is missed. For a job that tells nobody, the condition of the
-- trigger is all that is looked at. The row of the hook is held so that a hook that is deleted at this moment is
-- left out, rather than the job's transition refused. A hook with 10,000 deliveries that wait gets no more: its
-- receiver is gone, and a bound is worth more than the rest.
CREATE FUNCTION job_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO hook_deliveries (id, hook_id, job_id, event, facts)
    SELECT uuid_by_time(), h.id, NEW.id, NEW.state, jsonb_build_object(
        'name', NEW.name, 'queue', NEW.spec ->> 'queue', 'owner', (SELECT username FROM users WHERE id = NEW.owner_id),
        'state', NEW.state, 'reason', NEW.reason, 'message', NEW.message, 'exit_code', NEW.exit_code, 'signal', NEW.signal,
        'attempt', NEW.epoch, 'labels', NEW.labels, 'array_id', NEW.array_id, 'array_index', NEW.array_index)
    FROM hooks h
    WHERE h.team_id = NEW.team_id AND h.enabled AND NEW.state = ANY (h.events)
      AND EXISTS (SELECT FROM jsonb_array_elements(NEW.spec -> 'notify') n WHERE n ->> 'to' = h.name AND n -> 'on' ? NEW.state)
      AND NOT EXISTS (SELECT FROM hook_deliveries d WHERE d.hook_id = h.id AND d.state = 'pending' OFFSET 9999)
    FOR KEY SHARE OF h;
    RETURN NULL;
END $$;
CREATE TRIGGER job_told AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND NEW.spec ? 'notify') EXECUTE FUNCTION job_told();
