-- What retention looks for by its age.

CREATE INDEX node_events_at ON node_events (at);
COMMENT ON TABLE node_events IS 'What happened to a node, the latest thousand entries of each, and none beyond the time that the server''s settings give.';
