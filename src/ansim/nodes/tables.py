"""Importing this declares every table of every feature, for migrations."""

import ansim.cameras.sources
import ansim.cameras.store
import ansim.core.feed
import ansim.core.outbox
import ansim.incidents.access
import ansim.incidents.store
import ansim.ledger.store
import ansim.people.duty
import ansim.people.service
import ansim.people.sms
import ansim.video.evidence.keys
import ansim.video.evidence.store
import ansim.video.grants.store  # noqa: F401
