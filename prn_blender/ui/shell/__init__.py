"""What all panels share: session, jobs, dependencies, preferences."""

from . import commands, memory, packs, preferences, session

CLASSES = (preferences.PRN_AP_preferences, memory.PRN_OT_release_memory, packs.PRN_OT_import_prnet)
PARTS = (commands, session)
