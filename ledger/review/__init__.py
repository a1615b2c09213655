"""What people decide about fields: the queue, leases, answers, two keys, known answers and accounts."""
