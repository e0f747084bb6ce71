-- What retention looks for by age.
-- depends: 0002.row_level_security

CREATE INDEX incidents_resolved ON incidents (resolved_at) WHERE state = 'resolved';
CREATE INDEX transitions_age ON transitions (at);
