"""What is due and when: the scheduler, cadences, the lease.

May import: papers, workers.tasks, workers.notify.
Start with: scheduler.py.
"""
