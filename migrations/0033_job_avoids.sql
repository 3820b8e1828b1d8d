-- Nodes that could not start a job (T11), by a fault of theirs and not of the job: it is tried on others.
CREATE TABLE job_avoids (
    job_id     uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    node_id    uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
    -- When it was tried there last.
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (job_id, node_id)
);
COMMENT ON TABLE job_avoids IS 'Nodes that could not start a job, by no fault of the job. It is not placed there again for ten minutes, and fails for good after a few of them.';
COMMENT ON COLUMN job_avoids.at IS 'A node''s fault passes: after ten minutes the job may go there again.';
CREATE INDEX job_avoids_node ON job_avoids (node_id);
