"""What an agent tells those on its own machine: /metrics, /healthz and /probe."""
