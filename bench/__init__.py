"""What the promises cost on this machine. `make bench` writes bench/results/; `make test` runs none of it."""
