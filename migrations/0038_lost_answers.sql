-- What gives a credential, and whose answer was lost, is answered once more.

ALTER TABLE refresh_tokens ADD COLUMN successor uuid;
COMMENT ON COLUMN refresh_tokens.successor IS 'The token that took the place of this used one. For a moment it is handed out once more to who shows this one: an answer may get lost. Unset on what an older server replaced.';

ALTER TABLE join_keys ADD COLUMN used_by uuid;
COMMENT ON COLUMN join_keys.used_by IS 'The node that joined with it last. It may join with a key for one node a second time, soon after. No reference: a node that was removed leaves it as it is.';
