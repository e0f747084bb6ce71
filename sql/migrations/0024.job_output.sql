-- What a job made, such as a report: fetched by GET /api/v1/jobs/{id}/result until the job is forgotten.
-- depends: 0016.jobs 0023.operator_door

ALTER TABLE jobs ADD COLUMN output bytea;   -- at most MAX_OUTPUT of control_plane/services/run_job.py; `result` tells its type
