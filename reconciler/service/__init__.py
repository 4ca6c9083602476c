"""Drift that stays: schedule, cycle, history, notifications, metrics, health, systemd."""
