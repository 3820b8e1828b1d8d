-- What an administrator says of a node, and a node's own history.

ALTER TABLE nodes
    ADD COLUMN admin_labels   jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN cordon_reason  text NOT NULL DEFAULT '',
    ADD COLUMN drain_deadline timestamptz,
    ADD COLUMN drained_at     timestamptz,
    ADD COLUMN unreachable    boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN nodes.admin_labels IS 'Stand over the labels that the agent reports.';
COMMENT ON COLUMN nodes.drain_deadline IS 'Since a drain was ordered: until then jobs may end by themselves, then they are told to stop and go back to their queues.';
COMMENT ON COLUMN nodes.drained_at IS 'When a node that is drained ran nothing any more.';
COMMENT ON COLUMN nodes.unreachable IS 'Noted by the leader, for the history only: what a node is good for is told by last_seen_at.';

CREATE TABLE node_events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id uuid NOT NULL REFERENCES nodes ON DELETE CASCADE,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind    text NOT NULL,
    message text NOT NULL,
    actor   text NOT NULL
);
CREATE INDEX node_events_node ON node_events (node_id, id DESC);
COMMENT ON TABLE node_events IS 'What happened to a node, the latest thousand entries of each.';

CREATE FUNCTION node_event(node uuid, kind text, message text, actor text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO node_events (node_id, kind, message, actor) VALUES (node, kind, message, actor);
    DELETE FROM node_events WHERE node_id = node
        AND id <= (SELECT e.id FROM node_events e WHERE e.node_id = node ORDER BY e.id DESC OFFSET 1000 LIMIT 1);
$$;

-- What agents cause is noted here, so that no writer of the row can forget it.
CREATE FUNCTION node_heard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_seen_at IS DISTINCT FROM OLD.last_seen_at THEN
        NEW.unreachable := false;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER node_heard BEFORE UPDATE OF last_seen_at ON nodes FOR EACH ROW EXECUTE FUNCTION node_heard();

CREATE FUNCTION node_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    agent text := 'node:' || NEW.name;
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM node_event(NEW.id, 'registered', 'joined the cluster', agent);
        RETURN NULL;
    END IF;
    IF NEW.boot_id <> OLD.boot_id THEN
        PERFORM node_event(NEW.id, 'rebooted', 'was booted anew', agent);
    END IF;
    IF NEW.agent_version <> OLD.agent_version THEN
        PERFORM node_event(NEW.id, 'agent-changed', 'its agent is ' || NEW.agent_version || ', was ' || OLD.agent_version, agent);
    END IF;
    IF OLD.runtime_ok AND NOT NEW.runtime_ok THEN
        PERFORM node_event(NEW.id, 'runtime-lost', COALESCE(NULLIF(NEW.runtime_message, ''), 'its Docker does not answer'), agent);
    ELSIF NEW.runtime_ok AND NOT OLD.runtime_ok AND OLD.last_seen_at IS NOT NULL THEN
        PERFORM node_event(NEW.id, 'runtime-back', 'its Docker answers again', agent);
    END IF;
    IF NEW.unreachable AND NOT OLD.unreachable THEN
        PERFORM node_event(NEW.id, 'unreachable', 'not heard from for a while', 'reaper');
    ELSIF OLD.unreachable AND NOT NEW.unreachable THEN
        PERFORM node_event(NEW.id, 'back', 'is heard from again', agent);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER node_history AFTER INSERT OR UPDATE ON nodes FOR EACH ROW EXECUTE FUNCTION node_history();

ALTER TABLE clusters ADD COLUMN deleted_at timestamptz;
ALTER TABLE clusters DROP CONSTRAINT clusters_name_key;
CREATE UNIQUE INDEX clusters_name_key ON clusters (name) WHERE deleted_at IS NULL;
COMMENT ON COLUMN clusters.deleted_at IS 'The row stays for the history of the jobs that ran on its nodes; to everybody else the cluster is gone and its name is free.';
