-- Which re-checks the opening of a dependent's incident asked for: their slots may ask for re-checks themselves.
-- depends: 0012.ping_door

ALTER TABLE dispatches ADD COLUMN for_dependent boolean NOT NULL DEFAULT false;
