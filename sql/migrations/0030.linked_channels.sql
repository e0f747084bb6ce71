-- Channels by the chat or the phone that they are linked to: what is heard from there concerns all of them.
-- depends: 0025.alerting

CREATE INDEX channels_linked ON channels (kind, (coalesce(config ->> 'chat_id', config ->> 'phone')))
    WHERE kind IN ('telegram_app', 'whatsapp_app');
