-- A job that comes alone is stored by one statement, and that statement is all its caller waits for. Here is what it
-- did more than it must.

-- It locked the rows of its owner and its team, so that neither was deleted meanwhile: two writes to the log for every
-- job, where people are deleted once in a while. Now it only looks whether they are there, and who deletes one waits
-- until no transaction is storing jobs, and lets none begin until it has ended. The lock is asked for before any row
-- is, and a statement takes its snapshot after its locks: so a job that comes in at the same moment is seen, or sees.
CREATE FUNCTION jobs_stand_still() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE jobs IN SHARE MODE;
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_stand_still BEFORE DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION jobs_stand_still();
CREATE TRIGGER jobs_stand_still BEFORE DELETE ON teams FOR EACH STATEMENT EXECUTE FUNCTION jobs_stand_still();

-- The statement counts what it stored, which costs less than a trigger that is handed the rows. Only the two
-- statements of `training_job/transitions/submit.rs` store jobs; whatever changes or deletes some is counted as before.
DROP TRIGGER job_counted_insert ON jobs;

-- Numbers are taken a hundred at a time: they order the rows of one transaction, and a connection's own do.
ALTER TABLE job_events ALTER COLUMN id SET CACHE 100;
ALTER TABLE job_count_changes ALTER COLUMN id SET CACHE 100;
