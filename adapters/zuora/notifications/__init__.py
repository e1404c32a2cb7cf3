"""What a tenant has to send, and what its API shows of that. It reads; a person sets callouts up."""
