"""What the queue costs: one server, one Redis and many simulated Macs on one machine."""
