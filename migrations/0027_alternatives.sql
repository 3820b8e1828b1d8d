-- A job may name other resources that would do. Which of them an attempt got belongs to the attempt: the next may get
-- others.
ALTER TABLE attempts ADD COLUMN alternative smallint NOT NULL DEFAULT 0 CHECK (alternative BETWEEN 0 AND 8);
COMMENT ON COLUMN attempts.alternative IS
    'Which resources it got: 0 for those that the job asks for first, 1 for the first of its alternatives. Its tasks hold what those are.';
