-- All placement policies that the scheduler's core knows can be chosen.
--
-- A constraint is added without looking at the rows and checked after: what the old one let in, the new one does too.
ALTER TABLE clusters DROP CONSTRAINT clusters_placement_policy_check;
ALTER TABLE clusters ADD CONSTRAINT clusters_placement_policy_check
    CHECK (placement_policy IN ('first-fit', 'best-fit', 'spread', 'fragmentation-aware')) NOT VALID;
ALTER TABLE clusters VALIDATE CONSTRAINT clusters_placement_policy_check;
COMMENT ON COLUMN clusters.placement_policy IS 'How a node is chosen where several fit.';
