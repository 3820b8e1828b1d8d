-- What runs a node's jobs answers in Docker's place and is not always Docker: a version says little without the name.
ALTER TABLE nodes ADD COLUMN engine text NOT NULL DEFAULT 'docker' CHECK (engine IN ('docker', 'podman', 'process'));
COMMENT ON COLUMN nodes.engine IS 'What runs its jobs, whose version is in docker_version. Agents that do not tell run Docker.';
