-- Images on the nodes, and whom containers run as.

ALTER TABLE tasks ADD COLUMN image jsonb;
COMMENT ON COLUMN tasks.image IS 'What its node told last of its image: id and digest, how far a pull is, why there is none. State and no history: a pull changes it every second.';

ALTER TABLE nodes ADD COLUMN images jsonb;
COMMENT ON COLUMN nodes.images IS 'Images that it has, those used last first. A hint for placement: what its agent told last, null where it never did.';

ALTER TABLE users
    ADD COLUMN uid bigint CHECK (uid BETWEEN 1 AND 4294967294),
    ADD COLUMN gid bigint CHECK (gid BETWEEN 1 AND 4294967294),
    ADD CONSTRAINT users_uid_with_gid CHECK ((uid IS NULL) = (gid IS NULL));
COMMENT ON COLUMN users.uid IS 'Who the user is on the nodes, for the files of shared volumes. Never root.';

ALTER TABLE queues ADD COLUMN run_as text NOT NULL DEFAULT 'image' CHECK (run_as IN ('image', 'submitter'));
COMMENT ON COLUMN queues.run_as IS 'Whom its containers run as: whom job or image say, or the submitter''s uid and gid.';
