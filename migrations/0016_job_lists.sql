-- Lists of jobs by why they stand where they do and by when they ended, a page at a time. Neither index costs
-- anything when a job is submitted: a new one has no reason, and has not ended.
CREATE INDEX jobs_reason ON jobs (reason, id DESC) WHERE reason IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
