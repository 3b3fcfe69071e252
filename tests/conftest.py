"""Settings of the whole run."""

import os

from hypothesis import HealthCheck, settings

# Machines that run the tests are slow and shared: an example may take its time.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("here"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "here"))
