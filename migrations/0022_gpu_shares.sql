-- A GPU may be shared: claims are in thousandths, and those of one GPU never add up to more than it.

ALTER TABLE gpu_claims ADD COLUMN milli smallint NOT NULL DEFAULT 1000 CHECK (milli BETWEEN 1 AND 1000);
ALTER TABLE gpu_claims DROP CONSTRAINT gpu_claims_pkey;
ALTER TABLE gpu_claims ADD PRIMARY KEY (node_id, gpu_index, attempt_id);
COMMENT ON COLUMN gpu_claims.milli IS 'Thousandths of the GPU. A server of the release before writes whole ones, and takes every claimed GPU for taken.';

ALTER TABLE tasks ADD COLUMN gpu_milli smallint NOT NULL DEFAULT 1000 CHECK (gpu_milli BETWEEN 1 AND 1000);
COMMENT ON COLUMN tasks.gpu_milli IS 'Thousandths that it holds of each of its GPUs.';

-- In place of the unique index of whole GPUs. The lock of the node's row, which the scheduler holds already, makes
-- two writers take turns, whoever they are; each statement below sees what the other has committed.
CREATE FUNCTION gpu_claim_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    claimed bigint;
BEGIN
    PERFORM FROM nodes WHERE id = NEW.node_id FOR NO KEY UPDATE;
    SELECT sum(milli) INTO claimed FROM gpu_claims WHERE node_id = NEW.node_id AND gpu_index = NEW.gpu_index;
    IF claimed > 1000 THEN
        RAISE EXCEPTION 'GPU % of node % is claimed for % thousandths', NEW.gpu_index, NEW.node_id, claimed
            USING ERRCODE = 'LL004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER gpu_claim_guard AFTER INSERT OR UPDATE ON gpu_claims FOR EACH ROW EXECUTE FUNCTION gpu_claim_guard();
