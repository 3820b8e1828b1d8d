-- Jobs on several nodes: an attempt has a task for each rank, on nodes that differ.

ALTER TABLE nodes ADD COLUMN address text;
COMMENT ON COLUMN nodes.address IS 'Where containers of other nodes reach this one, as its agent says; none of an agent that does not know of gangs, which is given no part of one.';

ALTER TABLE attempts
    ADD COLUMN ranks smallint NOT NULL DEFAULT 1 CHECK (ranks > 0),
    ADD COLUMN failed_rank smallint,
    ADD COLUMN rendezvous_port integer CHECK (rendezvous_port BETWEEN 1 AND 65535);
COMMENT ON COLUMN attempts.ranks IS 'How many tasks it has.';
COMMENT ON COLUMN attempts.failed_rank IS 'The rank that failed first, and so ended it. The others failed, or were stopped, for that.';
COMMENT ON COLUMN attempts.rendezvous_port IS 'Where the ranks meet, on the node of rank 0, whose agent chose it. Before that the other ranks are not handed out.';
CREATE INDEX attempts_gathering ON attempts (granted_at) WHERE ranks > 1 AND state IN ('granted', 'preparing');

ALTER TABLE tasks
    ADD COLUMN address text,
    ADD COLUMN ports jsonb,
    ADD COLUMN ready_at timestamptz,
    ADD COLUMN result jsonb;
COMMENT ON COLUMN tasks.address IS 'The address of its node when it was placed: all ranks are told the same ones, whatever becomes of the node.';
COMMENT ON COLUMN tasks.ports IS 'Ports of the node that its agent took for it.';
COMMENT ON COLUMN tasks.ready_at IS 'Since when its container may be started. Of a gang none is started before all may be.';
COMMENT ON COLUMN tasks.result IS 'How a rank of a gang ended. It is released then, and its attempt goes on until all have ended.';
