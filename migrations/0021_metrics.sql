-- What nodes and tasks use, as their agents count it.

CREATE TABLE node_usage (
    node_id                uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
    at                     timestamptz NOT NULL,
    step_secs              integer NOT NULL DEFAULT 0,
    cpu_micros             bigint NOT NULL,
    memory_bytes           bigint NOT NULL,
    memory_peak_bytes      bigint NOT NULL,
    disk_read_bytes        bigint NOT NULL,
    disk_written_bytes     bigint NOT NULL,
    network_received_bytes bigint NOT NULL,
    network_sent_bytes     bigint NOT NULL,
    gpu_milli              integer,
    gpu_memory_bytes       bigint,
    gpus                   jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (node_id, at)
);
COMMENT ON TABLE node_usage IS 'Counters since the node was booted, as they stood at a moment: rates are made of two rows. A sample that comes again meets its own key.';
COMMENT ON COLUMN node_usage.step_secs IS '0 for a sample as it came; else so many seconds of them, thinned out to one row: counters as they stood at its end.';
COMMENT ON COLUMN node_usage.memory_bytes IS 'On average over the step.';
COMMENT ON COLUMN node_usage.gpus IS 'Each GPU by itself; only in samples as they came.';
CREATE INDEX node_usage_step ON node_usage (step_secs, at);

CREATE TABLE task_usage (
    attempt_id             uuid NOT NULL,
    rank                   smallint NOT NULL,
    at                     timestamptz NOT NULL,
    step_secs              integer NOT NULL DEFAULT 0,
    cpu_micros             bigint NOT NULL,
    memory_bytes           bigint NOT NULL,
    memory_peak_bytes      bigint NOT NULL,
    disk_read_bytes        bigint NOT NULL,
    disk_written_bytes     bigint NOT NULL,
    network_received_bytes bigint NOT NULL,
    network_sent_bytes     bigint NOT NULL,
    gpu_milli              integer,
    gpu_memory_bytes       bigint,
    PRIMARY KEY (attempt_id, rank, at),
    FOREIGN KEY (attempt_id, rank) REFERENCES tasks ON DELETE CASCADE
);
COMMENT ON TABLE task_usage IS 'As node_usage, counted since the task''s container was started.';
CREATE INDEX task_usage_step ON task_usage (step_secs, at);
