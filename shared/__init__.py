"""The language that the control plane and its agents both speak: values and pure rules, no I/O."""
