-- What a queue allows: to whom, how much, and what its containers may do on a node.

ALTER TABLE queues
    ADD COLUMN weight                     integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    ADD COLUMN quota                      jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN user_quota                 jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN limits                     jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN default_max_runtime_millis bigint CHECK (default_max_runtime_millis > 0),
    ADD COLUMN policy                     text NOT NULL DEFAULT 'restricted' CHECK (policy IN ('restricted', 'strict', 'trusted')),
    ADD COLUMN networks                   text[] NOT NULL DEFAULT '{bridge,none}';
COMMENT ON COLUMN queues.weight IS 'Its share against queues of the same priority: twice the weight, twice the share.';
COMMENT ON COLUMN queues.quota IS 'What all its jobs may hold together, read and written as a whole; an absent field is no bound.';
COMMENT ON COLUMN queues.user_quota IS 'What the jobs of one user may hold together in this queue.';
COMMENT ON COLUMN queues.limits IS 'What one job may ask for.';
COMMENT ON COLUMN queues.default_max_runtime_millis IS 'For jobs that name none. Where there is none either, the limit on it holds.';
COMMENT ON COLUMN queues.networks IS 'Networks that its containers may choose from. The node''s own shows a job all that listens there, so it is not among them by default.';

-- Beside the members of the team that owns the queue.
CREATE TABLE queue_submitters (
    queue_id uuid NOT NULL REFERENCES queues ON DELETE CASCADE,
    team_id  uuid REFERENCES teams ON DELETE CASCADE,
    user_id  uuid REFERENCES users ON DELETE CASCADE,
    CHECK (num_nonnulls(team_id, user_id) = 1)
);
CREATE UNIQUE INDEX queue_submitters_team ON queue_submitters (queue_id, team_id) WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX queue_submitters_user ON queue_submitters (queue_id, user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE queue_submitters IS 'Who else may submit to a queue, and so sees it: whole teams, or users.';

-- A queue that is deleted lets go of its ended jobs, which stay readable under its name.
ALTER TABLE queues ADD COLUMN deleted_at timestamptz;
ALTER TABLE queues DROP CONSTRAINT queues_name_key;
CREATE UNIQUE INDEX queues_name_key ON queues (name) WHERE deleted_at IS NULL;
COMMENT ON COLUMN queues.deleted_at IS 'The row stays for the history of its jobs; to everybody else the queue is gone and its name is free.';
