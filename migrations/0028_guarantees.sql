-- What a queue is assured of, and whether its jobs may take the places of others.
ALTER TABLE queues
    ADD COLUMN guaranteed jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN preemption text NOT NULL DEFAULT 'lower-priority' CHECK (preemption IN ('off', 'lower-priority'));
COMMENT ON COLUMN queues.guaranteed IS 'CPUs, memory and GPUs that no other queue may keep from it, read and written as a whole. Others borrow what it does not use, and preemptible jobs give it back.';
COMMENT ON COLUMN queues.preemption IS 'Whether its jobs may take the places of preemptible jobs that rank lower. Who may be put back says so in its own spec.';
