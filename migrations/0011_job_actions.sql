-- What people and time do to a job: it is run once more, prioritised anew, extended, held, retried with more
-- memory, and ended for having waited or run too long. What differs from the spec stands beside it: the spec
-- stays as it was submitted.

ALTER TABLE jobs ADD COLUMN rerun_of uuid;
ALTER TABLE jobs ADD COLUMN memory_bytes bigint CHECK (memory_bytes > 0);
ALTER TABLE jobs ADD COLUMN max_runtime_millis bigint CHECK (max_runtime_millis > 0);
ALTER TABLE jobs ADD COLUMN max_queue_millis bigint CHECK (max_queue_millis > 0);
ALTER TABLE jobs ADD COLUMN queue_deadline timestamptz;
CREATE INDEX jobs_queue_deadline ON jobs (queue_deadline) WHERE state = 'queued' AND queue_deadline IS NOT NULL;
COMMENT ON COLUMN jobs.rerun_of IS 'The job whose spec this one was made of. No foreign key: the older one may be deleted, and a terminal row never changes.';
COMMENT ON COLUMN jobs.memory_bytes IS 'What it asks for instead of the spec''s memory, after a retry with a memory_factor.';
COMMENT ON COLUMN jobs.max_runtime_millis IS 'How long it may run instead of the spec''s max_runtime, after it was extended.';
COMMENT ON COLUMN jobs.max_queue_millis IS 'How long it may wait each time that it comes into its queue.';
COMMENT ON COLUMN jobs.queue_deadline IS 'When it fails with queue-timeout if it is still queued; indexed, so that nobody scans for it.';

ALTER TABLE attempts ADD COLUMN run_deadline timestamptz;
CREATE INDEX attempts_run_deadline ON attempts (run_deadline) WHERE state = 'running' AND run_deadline IS NOT NULL;
COMMENT ON COLUMN attempts.run_deadline IS 'When its max_runtime is over. Its agent ends it then; the control plane tells it to, should it not.';

-- As before, and a person may hold a job that waits.
CREATE OR REPLACE FUNCTION job_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'job % is %: a terminal row never changes', OLD.id, OLD.state USING ERRCODE = 'LL001';
    END IF;
    IF NEW.epoch < OLD.epoch OR NEW.epoch > OLD.epoch + 1 OR NEW.event_count < OLD.event_count THEN
        RAISE EXCEPTION 'job %: epoch % after %', OLD.id, NEW.epoch, OLD.epoch USING ERRCODE = 'LL002';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('queued', 'starting'), ('queued', 'cancelled'), ('queued', 'held'),
        -- A result that arrives after a loss, while the job was not placed again; or a wait that was too long.
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
