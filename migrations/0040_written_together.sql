-- A foreign key is checked row by row, and jobs come and are placed by the ten thousand in a second: what the checks
-- of one submission cost was a third of the whole. Here are those that a statement makes good by itself. The others
-- stay, and so does what the keys promised: nothing that a job names can be deleted, and what is a job's goes with it.

-- A job is stored by a statement that locks the rows of its queue, its owner and its team, and stores nothing where
-- one of them is missing; an array's row, which has these keys, is locked in by the jobs' transaction.
ALTER TABLE jobs DROP CONSTRAINT jobs_queue_id_fkey, DROP CONSTRAINT jobs_owner_id_fkey, DROP CONSTRAINT jobs_team_id_fkey;

-- The row itself is locked before this is asked: a job that came in at the same moment is seen, or finds it gone.
CREATE FUNCTION still_named() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_named boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[0], TG_ARGV[1]) INTO is_named USING OLD.id;
    IF is_named THEN
        RAISE EXCEPTION '% name % of %', TG_ARGV[0], OLD.id, TG_TABLE_NAME USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER named_by_jobs BEFORE DELETE ON queues FOR EACH ROW EXECUTE FUNCTION still_named('jobs', 'queue_id');
CREATE TRIGGER named_by_jobs BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION still_named('jobs', 'owner_id');
CREATE TRIGGER named_by_jobs BEFORE DELETE ON teams FOR EACH ROW EXECUTE FUNCTION still_named('jobs', 'team_id');
CREATE TRIGGER named_by_tasks BEFORE DELETE ON nodes FOR EACH ROW EXECUTE FUNCTION still_named('tasks', 'node_id');

-- An event, an attempt and its tasks are written by the statement that changes their job's row, from what it gives
-- back; the rows of a task's node are locked before.
ALTER TABLE job_events DROP CONSTRAINT job_events_job_id_fkey;
ALTER TABLE attempts DROP CONSTRAINT attempts_job_id_fkey;
ALTER TABLE tasks DROP CONSTRAINT tasks_attempt_id_fkey, DROP CONSTRAINT tasks_node_id_fkey;

CREATE FUNCTION job_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM job_events WHERE job_id IN (SELECT id FROM old_jobs);
    DELETE FROM attempts WHERE job_id IN (SELECT id FROM old_jobs);
    RETURN NULL;
END $$;
CREATE TRIGGER job_removed AFTER DELETE ON jobs REFERENCING OLD TABLE AS old_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION job_removed();

CREATE FUNCTION attempt_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tasks WHERE attempt_id IN (SELECT id FROM old_attempts);
    RETURN NULL;
END $$;
CREATE TRIGGER attempt_removed AFTER DELETE ON attempts REFERENCING OLD TABLE AS old_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION attempt_removed();
