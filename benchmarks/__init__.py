"""refkeras beside its peers: every workload on every engine in turn (`python -m benchmarks --help`)."""
