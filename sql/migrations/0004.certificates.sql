-- The certificates that monitors have shown, so that a new one is noticed once.
-- depends: 0003.retention

-- Written by the lanes of ingest under the monitor's state row, so two regions that see a new certificate at the same
-- moment write, and tell of, one row.
CREATE TABLE certificates (
    tenant_id   uuid NOT NULL,
    monitor_id  uuid NOT NULL,
    fingerprint text NOT NULL,              -- SHA-256 of the DER form, hexadecimal, lower case
    first_seen  timestamptz NOT NULL,       -- the slot that showed it first
    last_seen   timestamptz NOT NULL,       -- the UTC day that showed it last: written once a day at most
    region      text NOT NULL,              -- that saw it first
    CONSTRAINT certificates_pkey PRIMARY KEY (tenant_id, monitor_id, fingerprint),
    CONSTRAINT certificates_monitor_fkey FOREIGN KEY (tenant_id, monitor_id) REFERENCES monitors (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX certificates_age ON certificates (last_seen);

GRANT SELECT, INSERT, UPDATE, DELETE ON certificates TO farwatch_app;
GRANT SELECT, DELETE ON certificates TO farwatch_tenant;

ALTER TABLE certificates ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON certificates TO farwatch_app USING (true);
CREATE POLICY own_rows ON certificates TO farwatch_tenant USING (tenant_id = (SELECT farwatch_tenant_id()));
