"""Continuous drift detection: schedule, cycle, history, notifications, metrics, health, systemd."""
