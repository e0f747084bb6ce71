"""What Farwatch decides, as pure functions: plain values and `now` in, a plain value out.

The rooms, each line standing on those below it and knowing of none above it:

configuration  files: read, compared, written              pasted       URLs, curl commands, cron lines as checks
heartbeats     pings, runs, deadlines
pages          what the public sees: pages, badges, feeds  maintenance  windows and their times
channels       where notices go; routes and silences
monitors       what a monitor may be told
alerting       who is told what, when, in which words      tenants      people, credentials, plans
safety         what is refused for everybody's sake
checks         what each kind of check may be told         fleet        regions and agents: health, hand-out
judging        votes, verdicts, holds, incidents           uptime       availability and latency

At the door: what all rooms use (field_rules, span_words, instants), and key_presets, which uses several of them.
"""
