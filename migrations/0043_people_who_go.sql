-- A job that comes alone was stored by a statement that looked whether its owner and its team are still there: two more
-- tables for every job, where people are deleted once in a while. Each queue counts deletions now. Whoever met the queue
-- knows the count by which its people were there, and the statement, which reads the queue anyway, holds it against that.
ALTER TABLE queues ADD COLUMN deletions bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN queues.deletions IS
    'how many times users or teams were deleted: a job whose queue was met before the last of them is looked into again';

-- Queues before jobs, as all who lock both do. A job that is being stored is waited for; one that comes in the meantime
-- waits, and then sees the new count.
CREATE OR REPLACE FUNCTION jobs_stand_still() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE queues SET deletions = deletions + 1;
    LOCK TABLE jobs IN SHARE MODE;
    RETURN NULL;
END $$;
