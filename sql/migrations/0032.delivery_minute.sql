-- What is tried again waits for its place in the channel's minute, as what is new does.
-- depends: 0025.alerting

DROP INDEX deliveries_gathering;
CREATE INDEX deliveries_gathering ON deliveries (channel_kind, due_at)
    WHERE state = 'pending' AND (message_id IS DISTINCT FROM id OR message_at IS NULL OR message_at < due_at);
-- Singles that are to be tried again: they keep their places of a channel's minute. Few, and none where all arrives.
CREATE INDEX deliveries_again ON deliveries (tenant_id, channel_id)
    WHERE state = 'pending' AND message_id = id AND (message_at IS NULL OR message_at < due_at);
