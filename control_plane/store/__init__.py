"""All the SQL. A statement is an UPPER_CASE constant right above the function that runs it; the function takes a
connection first and keyword arguments after, and the caller owns the transaction.

Every statement that touches a table with tenant_id names tenant_id, so that no credential reaches another tenant's row
by a forgotten condition. Two kinds of statement serve all tenants at once and say so in their names:

LANE_…   ingest and judging: found by region and monitor under the region's lane or the monitors' state locks, because
         a probe key belongs to no tenant
FLEET_…  agents, workers, the operator and the jobs: found by region, by due time or by age

Both run on connections of `Database.app()` or `owner()` only. tests/contract/test_sql.py holds every constant to this,
and PREPAREs it on the migrated schema.
"""
