"""Monitored walks home (안심귀가 모니터링): a journey that raises the alarm when she cannot."""
