"""Between the scheduler and its planner: `instance_of` translates, `worker` is what runs in a process of its own,
`process` keeps that process. Nothing else imports the planner, so the service itself stays small.
"""
