-- Storms collapse: which message tells of a delivery, and what is dispatched for which domain.
-- depends: 0006.verdicts_in_full

-- The message of a delivery is fixed before its first attempt, and is the same on every retry: its own id where it goes
-- singly, and an id that it shares with others where they go as one digest. A replay begins anew. Kinds of channel that
-- never digest (webhook …) leave all three alone.
ALTER TABLE deliveries
    ADD COLUMN message_id uuid,
    ADD COLUMN message_at timestamptz,                          -- when it was fixed: what the channel's minute counts
    ADD COLUMN put_off    boolean NOT NULL DEFAULT false;       -- it waits for the channel's next digest, due at due_at

-- What has no message yet, or is told by a digest: the work of whoever gathers. The others are claimed one by one.
CREATE INDEX deliveries_gathering ON deliveries (channel_kind, due_at)
    WHERE state = 'pending' AND message_id IS DISTINCT FROM id;
CREATE INDEX deliveries_messages ON deliveries (tenant_id, channel_id, message_at) WHERE message_at IS NOT NULL;

-- The registrable domain, or the address, that a dispatch is directed at: its budget is over all tenants.
ALTER TABLE dispatches
    ADD COLUMN domain text;
CREATE INDEX dispatches_domain ON dispatches (domain, slot) WHERE domain IS NOT NULL;
