-- Logs end up in the object store, outputs begin there. What lies in it is only ever found by these rows.

CREATE TABLE log_segments (
    attempt_id   uuid NOT NULL,
    rank         smallint NOT NULL,
    start_byte   bigint NOT NULL,
    end_byte     bigint NOT NULL,
    first_line   bigint NOT NULL,
    line_ends    bigint NOT NULL,
    stored_from  timestamptz NOT NULL,
    stored_to    timestamptz NOT NULL,
    mark_bytes   bigint[] NOT NULL,
    mark_times   timestamptz[] NOT NULL,
    frame_ends   bigint[] NOT NULL,
    object       text NOT NULL,
    PRIMARY KEY (attempt_id, rank, start_byte),
    FOREIGN KEY (attempt_id, rank) REFERENCES tasks ON DELETE CASCADE,
    CHECK (end_byte > start_byte AND stored_to >= stored_from AND cardinality(frame_ends) > 0),
    CHECK (cardinality(mark_bytes) = cardinality(mark_times))
);
CREATE UNIQUE INDEX log_segments_object ON log_segments (object);
COMMENT ON TABLE log_segments IS 'Parts of logs that were moved to the object store, each in the transaction that deleted its chunks: a byte of a log is in one of the two tables, never in both.';
COMMENT ON COLUMN log_segments.first_line IS 'Line ends before the segment; line_ends are those in it.';
COMMENT ON COLUMN log_segments.mark_times IS 'When the bytes from the mark of the same index on arrived: what the chunks said before they were joined.';
COMMENT ON COLUMN log_segments.frame_ends IS 'Where each compressed frame ends in the object. All but the last hold 256 KiB of log, so that a reader fetches only what it needs.';
COMMENT ON COLUMN log_segments.object IS 'Its path in the store, used once and never again: whoever finds an object without a row may remove it.';

ALTER TABLE tasks ADD COLUMN log_removed_at timestamptz;
COMMENT ON COLUMN tasks.log_removed_at IS 'Since when its log is gone because its time was over.';
CREATE INDEX tasks_log_kept ON tasks (released_at) WHERE released_at IS NOT NULL AND log_removed_at IS NULL;

CREATE TABLE outputs (
    attempt_id   uuid NOT NULL,
    rank         smallint NOT NULL,
    number       smallint NOT NULL,
    state        text NOT NULL CHECK (state IN ('stored', 'failed', 'removed')),
    message      text NOT NULL DEFAULT '',
    object       text,
    tar_bytes    bigint NOT NULL DEFAULT 0,
    sha256       bytea,
    frame_ends   bigint[] NOT NULL DEFAULT '{}',
    files        jsonb NOT NULL DEFAULT '[]',
    stored_at    timestamptz NOT NULL DEFAULT now(),
    remove_at    timestamptz NOT NULL,
    PRIMARY KEY (attempt_id, rank, number),
    FOREIGN KEY (attempt_id, rank) REFERENCES tasks ON DELETE CASCADE,
    CHECK ((state = 'stored') = (object IS NOT NULL))
);
CREATE UNIQUE INDEX outputs_object ON outputs (object) WHERE object IS NOT NULL;
CREATE INDEX outputs_remove_at ON outputs (remove_at) WHERE state = 'stored';
COMMENT ON TABLE outputs IS 'What a task left in the folders that its spec names as outputs. One that has no row was not delivered yet.';
COMMENT ON COLUMN outputs.number IS 'Index in the spec''s list of outputs.';
COMMENT ON COLUMN outputs.files IS 'What the archive holds: path, kind, size, and where in the archive the content begins.';
COMMENT ON COLUMN outputs.frame_ends IS 'Where each compressed frame of the archive ends in the object. All but the last hold 256 KiB of it.';
