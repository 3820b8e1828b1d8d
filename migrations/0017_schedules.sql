-- Jobs that are submitted by the clock.

CREATE TABLE schedules (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    team_id       uuid NOT NULL REFERENCES teams,
    owner_id      uuid NOT NULL REFERENCES users,
    spec          jsonb NOT NULL,
    paused        boolean NOT NULL DEFAULT false,
    next_at       timestamptz,
    last_fired_at timestamptz,
    last_job_id   uuid,
    message       text NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX schedules_name_key ON schedules (team_id, name);
CREATE INDEX schedules_due ON schedules (next_at) WHERE NOT paused AND next_at IS NOT NULL;
CREATE INDEX schedules_owner ON schedules (owner_id);
COMMENT ON COLUMN schedules.spec IS 'The job, together with its schedule; each job that is made of it is without one.';
COMMENT ON COLUMN schedules.next_at IS 'When it fires next; moved on by compare-and-set once the job is stored. The job carries this time in its idempotency key, so that no take-over makes a second one.';
COMMENT ON COLUMN schedules.last_job_id IS 'No foreign key: old jobs are deleted.';
COMMENT ON COLUMN schedules.message IS 'What became of the last time; empty where a job was submitted.';

COMMENT ON COLUMN jobs.max_queue_millis IS 'How long it may wait for its first start.';
COMMENT ON COLUMN attempts.run_deadline IS 'When its max_runtime, and the time to stop it, are over. Its agent ends it before; the control plane tells it to, should it not.';
