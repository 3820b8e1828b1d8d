-- Places that jobs were told to leave for another. The planner keeps them in memory; here they outlive it, so that
-- what is left goes to nobody else when another replica begins to lead.
CREATE TABLE preemptions (
    job_id      uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    epoch       integer NOT NULL,
    node_id     uuid NOT NULL REFERENCES nodes,
    gpu_indices smallint[] NOT NULL DEFAULT '{}',
    victims     uuid[] NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE preemptions IS 'Which place is being cleared for which waiting job. A row counts while its job still waits in that epoch; others are swept when the next is written.';
COMMENT ON COLUMN preemptions.victims IS 'The attempts that were told to stop for it.';
