"""What people, programs and time make happen: one verb a file, one transaction each. The rooms say what it is about.

judging        votes into verdicts, incidents and what they owe     incidents    what people do with an incident
monitors       make, change, bulk, try and delete monitors          maintenance  planned windows, and their times
heartbeats     pings, runs and the door they come through           uptime       rollups, availability, reports
alerting       channels, the outbox, the stream of events           fleet        regions, agents, results, hand-out
people         members, invitations, sessions, sign-in              tenants      tenants, plans and keys
safety         what may not be watched, and secrets at rest         jobs         what takes long, done in steps
configuration  files: export, plan and apply                        installation the process, its clock, retention
pages          status pages, their components and readers         demo         a past for those who look around
"""
