-- Jobs in number: arrays, jobs that wait for others, and counts that cost the same at ten jobs and at a million.

CREATE TABLE job_arrays (
    id           uuid PRIMARY KEY,
    team_id      uuid NOT NULL REFERENCES teams,
    owner_id     uuid NOT NULL REFERENCES users,
    queue_id     uuid NOT NULL REFERENCES queues,
    name         text NOT NULL,
    size         integer NOT NULL CHECK (size BETWEEN 1 AND 100000),
    max_parallel integer CHECK (max_parallel > 0),
    max_failures integer CHECK (max_failures >= 0),
    ready        boolean NOT NULL,
    stopped      text CHECK (stopped IN ('dependency-failed', 'max-failures', 'cancelled')),
    stop_message text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX job_arrays_team ON job_arrays (team_id, id DESC);
COMMENT ON TABLE job_arrays IS 'One submit that made many jobs. Its state is derived from theirs.';
COMMENT ON COLUMN job_arrays.ready IS 'What the array as a whole waited for has ended as it should: its jobs are let through, max_parallel of them at a time.';
COMMENT ON COLUMN job_arrays.stopped IS 'Why no job of it starts any more: those that still wait are ended, in bounded batches.';

ALTER TABLE jobs ADD COLUMN array_id uuid, ADD COLUMN array_index integer, ADD COLUMN blocked boolean NOT NULL DEFAULT false;
ALTER TABLE jobs ADD CONSTRAINT jobs_array_place CHECK ((array_id IS NULL) = (array_index IS NULL));
CREATE UNIQUE INDEX jobs_array ON jobs (array_id, array_index) WHERE array_id IS NOT NULL;
CREATE INDEX jobs_array_open ON jobs (array_id, blocked, array_index) WHERE array_id IS NOT NULL AND state IN ('queued', 'starting', 'running', 'held');
CREATE INDEX jobs_array_failed ON jobs (array_id) WHERE array_id IS NOT NULL AND state = 'failed';
COMMENT ON COLUMN jobs.array_id IS 'No foreign key: the array''s row is written in the same transaction, and a check for each of 100,000 rows would be what such a submit costs.';
COMMENT ON COLUMN jobs.blocked IS 'Waits for another job, or for its turn in its array; the scheduler does not see it. A job that is not blocked never becomes so.';

-- The scheduler reads only what it may place.
DROP INDEX jobs_queued;
CREATE INDEX jobs_queued ON jobs (queue_id, priority DESC, id) WHERE state = 'queued' AND NOT blocked;

CREATE TABLE job_needs (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id   uuid REFERENCES jobs ON DELETE CASCADE,
    array_id uuid REFERENCES job_arrays ON DELETE CASCADE,
    needs_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    outcome  text NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'finished')),
    settled  boolean NOT NULL DEFAULT false,
    CHECK (num_nonnulls(job_id, array_id) = 1)
);
CREATE INDEX job_needs_open ON job_needs (needs_id, id) WHERE NOT settled;
CREATE INDEX job_needs_job ON job_needs (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX job_needs_array ON job_needs (array_id) WHERE array_id IS NOT NULL;
COMMENT ON TABLE job_needs IS 'Which job (or whole array) waits for which other, and how that one must end. A job is only ever made to wait for one that exists, so there is no cycle.';

CREATE TABLE job_wakes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id   uuid,
    array_id uuid
);
CREATE INDEX job_wakes_array ON job_wakes (array_id) WHERE array_id IS NOT NULL;
COMMENT ON TABLE job_wakes IS 'Jobs that ended and that others wait for, arrays that may go on. Written in the transaction of the end, worked off by the leader: however many wait, the end itself costs one row.';

CREATE FUNCTION job_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM job_needs WHERE needs_id = NEW.id AND NOT settled) THEN
        INSERT INTO job_wakes (job_id) VALUES (NEW.id);
    END IF;
    IF NEW.array_id IS NOT NULL AND EXISTS (
        SELECT FROM job_arrays WHERE id = NEW.array_id AND stopped IS NULL AND num_nonnulls(max_parallel, max_failures) > 0
    ) THEN
        INSERT INTO job_wakes (array_id) VALUES (NEW.array_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER job_ended AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL) EXECUTE FUNCTION job_ended();

-- Counts. Changes are only ever added, so that no two transactions wait for each other's count; the leader
-- folds them together now and then. The sum over both tables is exact at any moment.
CREATE TABLE job_counts (
    team_id  uuid NOT NULL,
    queue_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    state    text NOT NULL,
    reason   text NOT NULL,
    jobs     bigint NOT NULL,
    PRIMARY KEY (team_id, queue_id, owner_id, state, reason)
);
CREATE TABLE job_count_changes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id  uuid NOT NULL,
    queue_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    state    text NOT NULL,
    reason   text NOT NULL,
    jobs     bigint NOT NULL
);
COMMENT ON TABLE job_counts IS 'How many jobs there are of each kind, up to the changes that stand in job_count_changes.';
COMMENT ON COLUMN job_counts.reason IS 'Empty for none.';

CREATE FUNCTION job_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
        SELECT team_id, queue_id, owner_id, state, COALESCE(reason, ''), count(*) FROM new_jobs GROUP BY 1, 2, 3, 4, 5;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
        SELECT team_id, queue_id, owner_id, state, COALESCE(reason, ''), -count(*) FROM old_jobs GROUP BY 1, 2, 3, 4, 5;
    ELSE
        INSERT INTO job_count_changes (team_id, queue_id, owner_id, state, reason, jobs)
        SELECT team_id, queue_id, owner_id, state, reason, sum(jobs) FROM (
            SELECT team_id, queue_id, owner_id, state, COALESCE(reason, '') AS reason, 1 AS jobs FROM new_jobs
            UNION ALL
            SELECT team_id, queue_id, owner_id, state, COALESCE(reason, ''), -1 FROM old_jobs
        ) changed GROUP BY 1, 2, 3, 4, 5 HAVING sum(jobs) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER job_counted_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_counted();
CREATE TRIGGER job_counted_update AFTER UPDATE ON jobs REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_counted();
CREATE TRIGGER job_counted_delete AFTER DELETE ON jobs REFERENCING OLD TABLE AS old_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_counted();
INSERT INTO job_counts SELECT team_id, queue_id, owner_id, state, COALESCE(reason, ''), count(*) FROM jobs GROUP BY 1, 2, 3, 4, 5;
